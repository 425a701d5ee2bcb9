"""学时 person by person: every minute with its class, rule and correction; sums by campaign and by year."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction

from django.db.models import F, Q, QuerySet

from attendance.models import ATTENDED, Attendance, Mark, RosterEntry, Standing
from attendance.queries.people import COUNTED, DUE, ON_ROSTER, WAIVED, standings, tally_sums
from campaigns.models import Campaign, CampaignKind, TrainingForm, TrainingSession, Unit
from campaigns.queries.hours import exact_text, hours_text
from organizations.models import User

REACHED = Q(minutes__gte=F("entry__hours_target") * F("entry__campaign__minutes_per_hour"))
# Lists of people by their hours, by the word in the address.
HOURS_STATES: dict[str, tuple[str, Q]] = {
    "due": ("应训", DUE),
    "short": ("还没学够", DUE & ~REACHED),
    "enough": ("学够了", DUE & REACHED),
    "waived": ("不作硬性要求", WAIVED),
    "all": ("全部党员", ON_ROSTER),
}


# Of these each is compared with their own target: not of more people than that while a page waits.
COMPARED = ("short", "enough")
MOST_COMPARED = 100_000


@dataclass(frozen=True)
class Sum:
    """Hours of one campaign or calendar year against a target. Decided on the exact fraction."""

    minutes: int
    hours: Fraction
    target: int

    @property
    def text(self) -> str:
        return exact_text(self.hours, self.target)

    @property
    def is_met(self) -> bool:
        return self.hours >= self.target

    @property
    def missing(self) -> str:
        """How much more; what is missing is never shown as nothing."""
        return "" if self.is_met else max(exact_text(self.target - self.hours), "0.1", key=float)


@dataclass(frozen=True)
class Line:
    """One class somebody came to. `minutes` is what it gave: 0 where the class does not count."""

    row: Attendance
    minutes: int
    hours: str
    rule: str
    source: str
    set_by: str = ""
    set_at: datetime | None = None


@dataclass(frozen=True)
class Ledger:
    """One entry's lines and their sum; `years` are over all the entries asked for."""

    entry: RosterEntry
    lines: list[Line]
    total: Sum


def rule_words(session: TrainingSession) -> tuple[str, str]:
    """By what a whole class gives its minutes, and where that is from."""
    if session.form.hours_rule == TrainingForm.HoursRule.NONE:
        return "这种形式不计学时", ""
    if session.hours_rule is None:
        return f"这场填的：全程计{session.minutes}分钟", ""
    return f"{session.hours_kind.label}：{session.hours_rule.words}", session.hours_rule.source


def came(entries: Iterable[RosterEntry]) -> QuerySet[Attendance]:
    rows = Attendance.objects.filter(entry__in=[entry.pk for entry in entries], status__in=ATTENDED)
    return rows.select_related("session__form", "session__hours_rule", "session_unit__unit").order_by(
        "held_on", "session__starts_at", "pk"
    )


def ledgers(entries: Sequence[RosterEntry]) -> list[Ledger]:
    """The lines of these entries (campaign and member along), in their order: three queries."""
    rows = list(came(entries))
    setters = corrections(rows)
    campaigns = {entry.pk: entry.campaign for entry in entries}
    lines: dict[int, list[Line]] = {entry.pk: [] for entry in entries}
    for row in rows:
        lines[row.entry_id].append(_line(row, campaigns[row.entry_id], setters.get(row.pk)))
    return [Ledger(entry, lines[entry.pk], _total(entry, lines[entry.pk])) for entry in entries]


def _line(row: Attendance, campaign: Campaign, mark: Mark | None) -> Line:
    minutes = row.minutes if row.counts else 0
    rule, source = rule_words(row.session)
    who, at = (mark.batch.account.name, mark.batch.at) if mark else ("", None)
    return Line(row, minutes, hours_text(minutes, campaign.minutes_per_hour), rule, source, who, at)


def _total(entry: RosterEntry, lines: list[Line]) -> Sum:
    minutes = sum(line.minutes for line in lines)
    return Sum(minutes, Fraction(minutes, entry.campaign.minutes_per_hour), entry.hours_target)


def corrections(rows: Iterable[Attendance]) -> dict[int, Mark]:
    """For each row whose minutes a person set: the mark that set them."""
    typed = {(row.session_id, row.entry_id): row.pk for row in rows if row.minutes_set}
    if not typed:
        return {}
    marks = Mark.objects.filter(
        batch__session__in={session for session, _ in typed},
        entry__in={entry for _, entry in typed},
        outcome=Mark.Outcome.APPLIED,
        minutes__isnull=False,
    ).select_related("batch__account")
    by_row = {(mark.batch.session_id, mark.entry_id): mark for mark in marks.order_by("pk")}
    return {typed[key]: mark for key, mark in by_row.items() if key in typed}


# --- Calendar years ----------------------------------------------------------------------
def years(found: Sequence[Ledger], today: date) -> dict[int, Sum]:
    """Across these campaigns, by the day of the class; practice counts nowhere, and neither does a record
    that was merged into another. The target is that of the latest campaign of the year."""
    real = [
        one
        for one in found
        if one.entry.campaign.kind != CampaignKind.PRACTICE and one.entry.merged_into_id is None
    ]
    sums: dict[int, tuple[int, Fraction, int]] = {}
    for one in sorted(real, key=lambda ledger: ledger.entry.campaign.starts_on):
        campaign = one.entry.campaign
        for year in range(campaign.starts_on.year, min(campaign.ends_on, today).year + 1):
            minutes = sum(line.minutes for line in one.lines if line.row.held_on.year == year)
            before, hours, _ = sums.get(year, (0, Fraction(0), 0))
            more = Fraction(minutes, campaign.minutes_per_hour)
            sums[year] = (before + minutes, hours + more, one.entry.hours_target)
    return {year: Sum(*sums[year]) for year in sorted(sums)}


def target_source(entry: RosterEntry) -> str:
    """Where this target is from; a copy that is older than the setting says so."""
    campaign = entry.campaign
    for name in ("hours_secretary", "hours_member") if entry.post else ("hours_member",):
        if getattr(campaign, name) == entry.hours_target:
            return campaign.sources.get(name, "")
    return "名册上的目标，和现在的设置不同；到“名册变动”里加入以后才变。"


# --- Lists -----------------------------------------------------------------------------------
def hours_standings(unit: Unit, state: str = "due", text: str = "") -> QuerySet[Standing]:
    """People at or below `unit`, by whether their hours of this campaign are enough."""
    return standings(unit, "all", text=text).filter(HOURS_STATES[state][1])


def too_many(unit: Unit, state: str) -> int:
    """How many people are at or below `unit`, where comparing them would keep the page waiting."""
    members = tally_sums(unit, ("members",))["members"] if state in COMPARED else 0
    return members if members > MOST_COMPARED else 0


def hours_of_year(entries: Iterable[RosterEntry], year: int, user: User) -> dict[int, Fraction]:
    """Hours of each of these people in a calendar year, over the campaigns the account sees; by entry."""
    of_member = {entry.member_id: entry.pk for entry in entries}
    rows = Attendance.objects.filter(
        COUNTED,
        entry__member__in=of_member,
        entry__merged_into__isnull=True,
        entry__unit__in=Unit.objects.visible_to(user),
        held_on__range=(date(year, 1, 1), date(year, 12, 31)),
    ).exclude(entry__campaign__kind=CampaignKind.PRACTICE)
    hours = dict.fromkeys(of_member.values(), Fraction(0))
    for member, minutes, per_hour in rows.values_list(
        "entry__member", "minutes", "entry__campaign__minutes_per_hour"
    ):
        hours[of_member[member]] += Fraction(minutes, per_hour)
    return hours


def sum_of(standing: Standing) -> Sum:
    """What the figures say of somebody (entry and campaign along): the same as their ledger's sum."""
    entry = standing.entry
    hours = Fraction(standing.minutes, entry.campaign.minutes_per_hour)
    return Sum(standing.minutes, hours, entry.hours_target)
