"""A campaign from its first line to its open roster: facts, programme, topics, units."""

from collections.abc import Iterable
from datetime import date

from django.db.models import F, Value
from django.db.models.functions import Concat
from django.utils import timezone

from campaigns.models import (
    Campaign,
    CampaignKind,
    Department,
    HoursKind,
    HoursRule,
    ProgrammeGroup,
    ProgrammeItem,
    Stage,
    Topic,
    TrainingForm,
    Unit,
)
from campaigns.presets import load_preset
from organizations.models import Organization, User
from organizations.service import Refused, service
from organizations.services import audit, changes

SETTINGS = (
    "target_percent",
    "trained_rule",
    "hours_member",
    "hours_secretary",
    "hours_candidate",
    "minutes_per_hour",
    "makeup_days",
    "contact_days",
)
FACTS = ("label", "starts_on", "ends_on", *SETTINGS)
# Beyond these a date is a slip of the pen, and its moments leave what Python can count.
YEARS = (2000, 2200)
# A change of these makes the derived figures stale.
FIGURE_SETTINGS = ("trained_rule", "hours_member", "hours_secretary", "minutes_per_hour")


@service
def create_campaign(
    *,
    actor: User,
    organization: Organization,
    preset: str,
    label: str,
    starts_on: date,
    ends_on: date,
    kind: str = CampaignKind.REGULAR,
    **settings: int | str | None,
) -> Campaign:
    """A new campaign in preparation, with the preset's programme.

    `settings` are named in SETTINGS; left out or None = the preset's default.
    The label is unique per owner: a second call with the same label is refused.
    """
    may_run(actor, organization)
    check_facts(organization, label, starts_on, ends_on)
    campaign = Campaign.objects.create(
        organization=organization,
        label=label.strip(),
        kind=kind,
        preset=preset,
        starts_on=starts_on,
        ends_on=ends_on,
        **settings_with_sources(preset, settings),
    )
    copy_programme(campaign, load_preset(preset))
    copy_hours(campaign, load_preset(preset))
    audit.record(
        actor=actor,
        action="campaign.create",
        summary=f"新建冬训“{campaign.label}”",
        target=campaign,
        organization=organization,
    )
    return campaign


@service
def change_campaign(
    *,
    actor: User,
    campaign: Campaign,
    label: str | None = None,
    starts_on: date | None = None,
    ends_on: date | None = None,
    **settings: int | str,
) -> Campaign:
    """Change facts and settings; what is left out stays.

    A changed trained rule marks the figures of an open campaign for a recount.
    Repeating it with the same values changes nothing but the audit.
    """
    campaign = locked(actor, campaign)
    label = campaign.label if label is None else label
    starts_on, ends_on = starts_on or campaign.starts_on, ends_on or campaign.ends_on
    check_facts(campaign.organization, label, starts_on, ends_on, besides=campaign)
    check_sessions_fit(campaign, starts_on, ends_on)
    check_roster_reaches(campaign, starts_on)
    rule_before = figure_rule(campaign)
    before = changes.facts(campaign, FACTS)
    stored = {name: getattr(campaign, name) for name in SETTINGS}
    for name, value in settings_with_sources(campaign.preset, stored | settings).items():
        setattr(campaign, name, value)
    campaign.label, campaign.starts_on, campaign.ends_on = label.strip(), starts_on, ends_on
    if campaign.stage != Stage.PREPARING and figure_rule(campaign) != rule_before:
        campaign.recount_due_at = timezone.now()
    campaign.save(update_fields=[*SETTINGS, "sources", "label", "starts_on", "ends_on", "recount_due_at"])
    differences = changes.between(before, changes.facts(campaign, FACTS))
    summary = f"修改冬训“{campaign.label}”的设置{changes.labels(differences)}"
    record(actor, campaign, "campaign.change", summary, {"changes": differences})
    return campaign


@service
def rename_programme(
    *, actor: User, campaign: Campaign, groups: dict[int, str], items: dict[int, tuple[str, str]]
) -> None:
    """Give groups and items (name, meaning) their words of this year, by pk. What is not named stays."""
    campaign = locked(actor, campaign)
    before = programme_in_words(campaign)
    write_names(campaign, groups, items)
    differences = changes.between(before, programme_in_words(campaign))
    record(
        actor,
        campaign,
        "campaign.programme",
        f"修改“{campaign.label}”的工作法名称",
        {"changes": differences},
    )


def programme_in_words(campaign: Campaign) -> changes.Facts:
    """Groups, items and topics as they are called and what they say."""
    groups = {f"group {one.pk}": ("分组", one.name) for one in campaign.groups.all()}
    items = {
        f"item {one.pk}": ("项目", f"{one.name}（{one.meaning}）" if one.meaning else one.name)
        for one in ProgrammeItem.objects.filter(group__campaign=campaign)
    }
    topics = {
        f"topic {one.pk}": ("专题", f"{one.name}（{'必训' if one.is_compulsory else '自选'}）")
        for one in campaign.topics.all()
    }
    return groups | items | topics


def write_names(campaign: Campaign, groups: dict[int, str], items: dict[int, tuple[str, str]]) -> None:
    mine = ProgrammeItem.objects.filter(group__campaign=campaign)
    for group in ProgrammeGroup.objects.filter(campaign=campaign, pk__in=groups):
        group.name = words(groups[group.pk], "分组名称")
        group.save(update_fields=["name"])
    changed = list(mine.filter(pk__in=items))
    for item in changed:
        item.name, item.meaning = words(items[item.pk][0], "项目名称"), items[item.pk][1].strip()
    ProgrammeItem.objects.bulk_update(changed, ["name", "meaning"])


@service
def change_item(
    *, actor: User, item: ProgrammeItem, name: str | None = None, meaning: str | None = None
) -> ProgrammeItem:
    """Rename one card of the programme. Repeating it changes nothing but the audit."""
    name, meaning = item.name if name is None else name, item.meaning if meaning is None else meaning
    rename_programme(actor=actor, campaign=item.group.campaign, groups={}, items={item.pk: (name, meaning)})
    item.refresh_from_db()
    return item


@service(audited=False)
def draw_units(*, actor: User, campaign: Campaign) -> list[Unit]:
    """Take the owner's open subtree as it is today. Repeating it while preparing follows the tree.

    A step of opening the campaign, which is the one act the audit remembers.
    Set-based: thousands of units cost a handful of statements.
    """
    campaign = locked(actor, campaign)
    if campaign.stage != Stage.PREPARING:
        raise Refused("冬训已经开始，参训单位已划定；单位变动请到“名册变动”里加入。", "not_preparing")
    organizations = list(Organization.objects.below(campaign.organization).open())
    known = {unit.organization_id: unit for unit in Unit.objects.filter(campaign=campaign)}
    drop_units(campaign, set(known) - {organization.pk for organization in organizations})
    follow_tree(campaign, [(known[o.pk], o) for o in organizations if o.pk in known])
    Unit.objects.bulk_create(
        [as_unit(campaign, o) for o in organizations if o.pk not in known], batch_size=500
    )
    units = list(Unit.objects.filter(campaign=campaign).order_by("path"))
    return units


@service(audited=False)
def mark_open(*, actor: User, campaign: Campaign) -> Campaign:
    """Set the stage to open; called by the service that draws the roster, which audits it. Idempotent."""
    campaign = locked(actor, campaign)
    campaign.stage = Stage.OPEN
    campaign.roster_drawn_on = campaign.roster_drawn_on or timezone.localdate()
    campaign.save(update_fields=["stage", "roster_drawn_on"])
    return campaign


def may_run(actor: User, organization: Organization) -> None:
    if not actor.is_active or not actor.runs_campaigns or not actor.organization.contains(organization):
        raise Refused("只有本级或上级的主管账号可以办理冬训设置。", "scope")


def locked(actor: User, campaign: Campaign) -> Campaign:
    """The campaign as it is now, held until the transaction ends; refused where it is over."""
    campaign = Campaign.objects.select_for_update(no_key=True, of=("self",)).get(pk=campaign.pk)
    may_run(actor, campaign.organization)
    if campaign.stage == Stage.CLOSED:
        raise Refused("这期冬训已经结束，不能再改。要改，请主办单位的主管先重新打开。", "closed")
    return campaign


def record(actor: User, campaign: Campaign, action: str, summary: str, details: dict | None = None) -> None:
    audit.record(
        actor=actor,
        action=action,
        summary=summary,
        target=campaign,
        organization=campaign.organization,
        details=details,
    )


def words(text: str, what: str) -> str:
    if not text.strip():
        raise Refused(f"{what}不能空着。", "empty")
    return text.strip()


def check_facts(
    organization: Organization,
    label: str,
    starts_on: date,
    ends_on: date,
    besides: Campaign | None = None,
) -> None:
    words(label, "冬训名称")
    if not YEARS[0] <= starts_on.year <= ends_on.year <= YEARS[1]:
        raise Refused("请核对起止日期的年份。", "dates")
    if ends_on <= starts_on:
        raise Refused("结束日期要晚于开始日期。", "dates")
    same = Campaign.objects.filter(organization=organization, label=label.strip())
    if same.exclude(pk=besides.pk if besides else None).exists():
        raise Refused(f"“{label.strip()}”已经有了，请换一个名称，例如加上年度。", "label_taken")


def check_sessions_fit(campaign: Campaign, starts_on: date, ends_on: date) -> None:
    sessions = campaign.sessions.valid()
    if (
        sessions.filter(starts_at__date__lt=starts_on).exists()
        or sessions.filter(starts_at__date__gt=ends_on).exists()
    ):
        raise Refused("已有场次不在新的起止日期内，请先调整场次或日期。", "sessions_outside")


def check_roster_reaches(campaign: Campaign, starts_on: date) -> None:
    """Who is expected on a day is read from the roster, which begins on the day it was drawn for."""
    if campaign.roster_drawn_on and starts_on < campaign.starts_on:
        raise Refused(
            f"名册已经从 {campaign.starts_on:%Y-%m-%d} 起划定，开始日期不能再提前："
            "提前的那几天没有应到的人。",
            "roster_drawn",
        )


def figure_rule(campaign: Campaign) -> tuple:
    return tuple(getattr(campaign, name) for name in FIGURE_SETTINGS)


def settings_with_sources(preset: str, chosen: dict) -> dict:
    """Values for the campaign's settings, and for each where it comes from."""
    if unknown := set(chosen) - set(SETTINGS):
        raise TypeError(f"not settings of a campaign: {sorted(unknown)}")
    defaults = load_preset(preset)["defaults"]
    given = {name: value for name, value in chosen.items() if value is not None}
    values = {name: given.get(name, defaults[name]["value"]) for name in SETTINGS}
    sources = {
        name: defaults[name]["source"] if values[name] == defaults[name]["value"] else "主办单位自定。"
        for name in SETTINGS
    }
    return {**values, "sources": sources}


def copy_programme(campaign: Campaign, preset: dict) -> None:
    for place, row in enumerate(preset["groups"], start=1):
        group = ProgrammeGroup.objects.create(
            campaign=campaign, code=row["code"], name=row["name"], position=place
        )
        ProgrammeItem.objects.bulk_create(
            ProgrammeItem(group=group, position=number, **item)
            for number, item in enumerate(row["items"], start=1)
        )
    tasks = {item.code: item for item in ProgrammeItem.objects.filter(group__campaign=campaign)}
    Topic.objects.bulk_create(
        Topic(
            campaign=campaign,
            task=tasks[row["task"]],
            name=row["name"],
            is_compulsory=row["compulsory"],
            bit=bit,
            position=bit + 1,
        )
        for bit, row in enumerate(preset["topics"])
    )
    TrainingForm.objects.bulk_create(
        TrainingForm(campaign=campaign, position=place, **row)
        for place, row in enumerate(preset["forms"], start=1)
    )
    copy_departments(preset["departments"])


def copy_hours(campaign: Campaign, preset: dict) -> None:
    """As long as it took, for every kind of class: what a class converts to is the officer's choice."""
    source = preset.get("hours", {}).get("source", "按实际时长，由主办单位确定。")
    HoursRule.objects.bulk_create(
        HoursRule(campaign=campaign, kind=kind, since=campaign.starts_on, source=source) for kind in HoursKind
    )


def copy_departments(names: Iterable[str]) -> None:
    """Departments are shared by all campaigns; those already there stay as they are."""
    Department.objects.bulk_create(
        [Department(name=name, position=place) for place, name in enumerate(names, start=1)],
        ignore_conflicts=True,
    )


def as_unit(campaign: Campaign, organization: Organization) -> Unit:
    return Unit(
        campaign=campaign,
        organization=organization,
        name=organization.name,
        kind=organization.kind,
        path=organization.path,
        depth=Unit.depth_of(organization.path),
    )


def drop_units(campaign: Campaign, organization_ids: set[int]) -> None:
    """Before the campaign opens nothing hangs on a unit yet: one that left the tree goes."""
    if organization_ids:
        Unit.objects.filter(campaign=campaign, organization_id__in=organization_ids).delete()


def follow_tree(campaign: Campaign, pairs: list[tuple[Unit, Organization]]) -> None:
    """Names, kinds and paths as in today's tree. Paths pass through a prefix: two units may have swapped."""
    moved = [unit.pk for unit, organization in pairs if unit.path != organization.path]
    for start in range(0, len(moved), 500):
        Unit.objects.filter(pk__in=moved[start : start + 500]).update(path=Concat(Value("~"), F("path")))
    stale = [
        as_known(unit, organization)
        for unit, organization in pairs
        if (unit.name, unit.kind, unit.path) != (organization.name, organization.kind, organization.path)
    ]
    Unit.objects.bulk_update(stale, ["name", "kind", "path", "depth"], batch_size=500)


def as_known(unit: Unit, organization: Organization) -> Unit:
    unit.name, unit.kind, unit.path = organization.name, organization.kind, organization.path
    unit.depth = Unit.depth_of(organization.path)
    return unit
