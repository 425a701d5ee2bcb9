"""The people of a unit, for the names sheet and the branch page."""

from collections.abc import Iterator
from decimal import Decimal

from attendance.queries.people import standings, tally_sums
from campaigns.models import Unit
from reports.workbook import Person


def names(unit: Unit, using: str = "default") -> Iterator[Person]:
    """Everybody on the roster at or below `unit`, in the fixed order, read in chunks."""
    minutes_per_hour = unit.campaign.minutes_per_hour
    rows = standings(unit).using(using)
    for standing in rows.iterator(chunk_size=2000):
        member = standing.entry.member
        yield Person(
            branch=standing.unit.name,
            name=member.name,
            category=standing.entry.get_category_display(),
            required=standing.required,
            trained_on=standing.trained_on,
            why=standing.get_why_display() if standing.why else "",
            owed_topics=standing.makeup_mask.bit_count(),
            times=standing.attended,
            hours=Decimal(f"{standing.minutes / minutes_per_hour:.1f}"),
        )


def count_names(unit: Unit, using: str = "default") -> int:
    return tally_sums(unit, ("members",), using)["members"]
