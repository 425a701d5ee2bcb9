"""What people said a header of their rosters means, so that nobody is asked twice.

Only answers are kept, never guesses. The nearest answer counts: the organization's own before its superior's.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from organizations.imports.columns import ALIASES, LABELS
from organizations.models import HeaderMeaning, Organization, User
from organizations.service import Refused, service
from organizations.services import audit
from organizations.tree import ancestors

LONGEST_HEADER = 100


@dataclass(frozen=True)
class Meaning:
    """A header's field ("" = the column is not used), and who once said so."""

    field: str
    said_by: int
    said_by_name: str


def label_of(field: str) -> str:
    """What people call a field of the roster."""
    return LABELS[field] if field else "不用这一列"


def meanings_for(organization: Organization) -> dict[str, Meaning]:
    """Header → meaning, as said for this organization or for one above it; the nearest wins."""
    rows = (
        HeaderMeaning.objects.filter(organization__path__in=ancestors(organization.path))
        .select_related("organization")
        .order_by("organization__depth")
    )
    return {
        row.header: Meaning(row.field, row.organization_id, row.organization.name)
        for row in rows
        if row.field == "" or row.field in ALIASES
    }


def remembered(organization: Organization) -> dict[str, str]:
    """The same as `Choices.columns` wants it."""
    return {header: meaning.field for header, meaning in meanings_for(organization).items()}


@service
def remember_columns(*, actor: User, answers: Mapping[str, str]) -> list[str]:
    """Keep what somebody said headers mean, for the own organization and those below it.

    Saying the same again writes nothing. Returns the headers whose meaning is new or changed.
    """
    if not actor.keeps_records:
        raise Refused("您的账号不能导入名册。", "role")
    if any(field and field not in ALIASES for field in answers.values()):
        raise Refused("没有这一种列，请重新选。", "field")
    answers = {header[:LONGEST_HEADER]: field for header, field in answers.items() if header}
    organization = Organization.objects.select_for_update(no_key=True).get(pk=actor.organization_id)
    known = remembered(organization)
    news = {header: field for header, field in answers.items() if known.get(header) != field}
    for header, field in news.items():
        HeaderMeaning.objects.update_or_create(
            organization=organization, header=header, defaults={"field": field}
        )
    if news:
        said = "；".join(f"“{header}”是“{label_of(field)}”" for header, field in news.items())
        audit.record(
            actor=actor,
            action="roster.columns",
            summary=f"记住名册的列：{said}",
            target=organization,
            organization=organization,
            details={"columns": news},
        )
    return list(news)
