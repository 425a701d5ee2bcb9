"""Where an entry belonged from when until when, and the rows nobody had marked that go with a stay.

Who was expected at a recorded class is a row and stays one. Only a row still
unmarked, of a day on which the person no longer belonged there, is withdrawn.
"""

from collections.abc import Iterable
from datetime import date

from django.db.models import QuerySet
from django.utils import timezone

from attendance.models import Attendance, RosterEntry, RosterStay, Status
from attendance.services.recount import recount
from campaigns.models import Campaign, SessionUnit, Unit


def units_behind(entries: Iterable[RosterEntry]) -> set[int]:
    """The units to lock before these entries change: where they count, and whose sheets they stand on."""
    entries = list(entries)
    rows = Attendance.objects.filter(entry__in=entries, status=Status.UNMARKED)
    return {entry.unit_id for entry in entries} | set(rows.values_list("session_unit__unit_id", flat=True))


def move_stay(entry: RosterEntry, unit: Unit, day: date) -> set[int]:
    """The entry belongs to `unit` from `day` on; returns the sheets whose unmarked rows were withdrawn."""
    stay = entry.stays.filter(until__isnull=True).first()
    since = max(day, stay.since) if stay else day
    if stay and stay.since == since:
        stay.unit = unit
        stay.save(update_fields=["unit"])
    else:
        _end(stay, since)
        RosterStay.objects.create(entry=entry, unit=unit, since=since)
    entry.unit = unit
    entry.save(update_fields=["unit"])
    return _withdraw(entry, since)


def end_stay(entry: RosterEntry, day: date, reason: str) -> set[int]:
    """The entry leaves the roster on `day`; returns the sheets whose unmarked rows were withdrawn."""
    _end(entry.stays.filter(until__isnull=True).first(), day)
    entry.left_on, entry.left_reason = day, reason
    entry.save(update_fields=["left_on", "left_reason"])
    return _withdraw(entry, day)


def begin_again(entry: RosterEntry, unit: Unit, day: date) -> None:
    """Somebody who had left is on the roster again, from `day` or the end of the last stay on."""
    last = entry.stays.order_by("since").last()
    since = max(filter(None, [day, last.until if last else None, entry.campaign.starts_on]))
    RosterStay.objects.create(entry=entry, unit=unit, since=min(since, timezone.localdate()))
    entry.unit, entry.left_on, entry.left_reason, entry.is_open = unit, None, "", True
    entry.save(update_fields=["unit", "left_on", "left_reason", "is_open"])


def _end(stay: RosterStay | None, day: date) -> None:
    if stay is None:
        return
    stay.until = max(day, stay.since)
    # A stay that ended before it began never was one.
    if stay.until == stay.since:
        stay.delete()
    else:
        stay.save(update_fields=["until"])


def _withdraw(entry: RosterEntry, since: date) -> set[int]:
    unknown: QuerySet[Attendance] = entry.rows.filter(status=Status.UNMARKED, held_on__gte=since)
    parts = set(unknown.values_list("session_unit_id", flat=True))
    unknown.delete()
    return parts


def recount_moved(
    campaign: Campaign, entries: Iterable[RosterEntry], parts: set[int], before: set[int]
) -> None:
    """Count these entries again, the sheets they left, and every unit they counted in or count in now."""
    entries = list(entries)
    units = before | {entry.unit_id for entry in entries}
    units |= set(SessionUnit.objects.filter(pk__in=parts).values_list("unit_id", flat=True))
    recount(campaign=campaign, entries=[entry.pk for entry in entries], parts=parts, units=units)
