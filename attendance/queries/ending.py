"""What is still open in a campaign: each a number with the list behind it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.urls import reverse

from attendance.models import Mark
from attendance.queries.confirming import to_confirm, unconfirmed
from attendance.queries.differences import roster_differences
from attendance.queries.people import tally_sums
from campaigns.models import Campaign, SessionUnit, Unit
from campaigns.queries import inside, parts_of, unrecorded
from campaigns.queries.service import OPEN, tasks_of
from campaigns.queries.tree import tree_differences

# Comparing the roster with the member list reads both whole: beyond this the page does not wait for it.
MOST_COMPARED = 60_000


@dataclass(frozen=True)
class OpenItem:
    """One thing that is not settled. `stops`: the campaign is not closed over it without a reason."""

    code: str
    count: int
    text: str
    url: str
    stops: bool = False
    hint: str = ""


def held_marks(campaign: Campaign) -> QuerySet[Mark]:
    """Marks that wait to be let in: of several for one person at one class the last."""
    held = Mark.objects.filter(
        outcome=Mark.Outcome.HELD, settled_by__isnull=True, batch__session__campaign=campaign
    )
    later = Mark.objects.filter(
        Q(outcome=Mark.Outcome.HELD) | Q(settles__isnull=False),
        batch__session=OuterRef("batch__session"),
        entry=OuterRef("entry"),
        pk__gt=OuterRef("pk"),
    )
    return held.exclude(Exists(later))


def open_conflicts(campaign: Campaign) -> QuerySet[Mark]:
    """Marks that met another value, where nobody has marked the person at this class since."""
    lost = Mark.objects.filter(
        outcome=Mark.Outcome.CONFLICT, settled_by__isnull=True, batch__session__campaign=campaign
    )
    later = Mark.objects.filter(
        batch__session=OuterRef("batch__session"), entry=OuterRef("entry"), pk__gt=OuterRef("pk")
    )
    return lost.exclude(Exists(later.exclude(outcome=Mark.Outcome.REJECTED)))


def waiting_marks(what: str, unit: Unit) -> QuerySet[Mark]:
    """Held marks, or lost ones, of the people who count in this unit and below."""
    _, _, found = WAITING[what]
    return found(unit.campaign).filter(inside(unit, "entry__unit"))


def unfinished_parts(campaign: Campaign) -> QuerySet[SessionUnit]:
    """Sheets that were begun and not finished."""
    return SessionUnit.objects.filter(
        session__campaign=campaign,
        session__cancelled_at__isnull=True,
        session__voided_at__isnull=True,
        recorded_at__isnull=False,
        closed_at__isnull=True,
    )


WAITING: dict[str, tuple[str, str, Callable[[Campaign], QuerySet[Mark]]]] = {
    "held": (
        "等着解锁的登记",
        "送到的时候登记表已经完成，单位的数据已经上报，离线超过了3天，点名的账号已经停用，或者提交编号重复。"
        "到那张登记表上看过，就能放进去。",
        held_marks,
    ),
    "conflict": (
        "两边不一样、还没人处理的登记",
        "送到的时候，别人已经登记成另一样。到登记表上看清，改对为止。",
        open_conflicts,
    ),
}


def open_items(campaign: Campaign, top: Unit, now: datetime) -> list[OpenItem]:
    """What is open in the whole campaign, what stops its end first. `top` is the owner's unit."""
    items = [*_stopping(campaign, top, now), *_standing(campaign, top, now)]
    return [item for item in items if item.count]


def _stopping(campaign: Campaign, top: Unit, now: datetime) -> list[OpenItem]:
    missing = parts_of(top).filter(unrecorded(now)).aggregate(n=Count("session", distinct=True))["n"]
    unmarked = tally_sums(top, ("unmarked",))["unmarked"]
    held, lost = held_marks(campaign).count(), open_conflicts(campaign).count()
    unmarked_list = reverse("reports:indicator_list", args=[campaign.pk, top.pk, "UNMARKED"])
    return [
        OpenItem("missing", missing, "场课上过了，还有支部未点名", _sessions(campaign, "missing"), True),
        OpenItem("unmarked", unmarked, "人次应到而没有登记", unmarked_list, True),
        OpenItem("held", held, "人次的登记等着解锁", _waiting(campaign, "held"), True),
        OpenItem("conflict", lost, "人次的登记两边不一样，还没人处理", _waiting(campaign, "conflict"), True),
    ]


def _standing(campaign: Campaign, top: Unit, now: datetime) -> list[OpenItem]:
    coming = parts_of(top).filter(recorded_at__isnull=True, due_at__gt=now)
    owing = tally_sums(top, ("owing", "members"))
    changes, many = _of(campaign, "roster_changes", top), owing["members"] > MOST_COMPARED
    differing = 0 if many else roster_differences(top).total + tree_differences(top).total
    return [
        OpenItem(
            "coming",
            coming.aggregate(n=Count("session", distinct=True))["n"],
            "场课还没到时间",
            _sessions(campaign, "coming"),
            hint="结束以后不能再点名；不上了的，先取消。",
        ),
        OpenItem(
            "unfinished", unfinished_parts(campaign).count(), "张登记表还没有完成", _unfinished(campaign)
        ),
        OpenItem("owing", owing["owing"], "人待补课", _of(campaign, "makeup_list", top)),
        OpenItem("differing", differing, "处名册、单位变动没有加入", changes),
        OpenItem("compared", int(many), "次名册核对要单独看", changes, hint="人多，这里不逐一核对。"),
        OpenItem(
            "unconfirmed",
            unconfirmed(to_confirm(top)).count(),
            "个单位没有确认名册",
            _of(campaign, "roster_confirm", top),
        ),
        OpenItem("tasks", tasks_of(top).filter(OPEN).count(), "件实事没有办结", _tasks(campaign)),
    ]


def stopping(items: list[OpenItem]) -> list[OpenItem]:
    return [item for item in items if item.stops]


def words_of(items: list[OpenItem]) -> str:
    return "，".join(f"{item.count}{item.text}" for item in items)


def _of(campaign: Campaign, name: str, unit: Unit) -> str:
    return f"{reverse(f'attendance:{name}', args=[campaign.pk])}?unit={unit.pk}"


def _sessions(campaign: Campaign, state: str) -> str:
    return f"{reverse('campaigns:session_list')}?{urlencode({'campaign': campaign.pk, 'state': state})}"


def _tasks(campaign: Campaign) -> str:
    return f"{reverse('campaigns:service_list')}?{urlencode({'campaign': campaign.pk, 'state': 'open'})}"


def _waiting(campaign: Campaign, what: str) -> str:
    return f"{reverse('attendance:waiting_marks', args=[campaign.pk])}?what={what}"


def _unfinished(campaign: Campaign) -> str:
    return reverse("attendance:unfinished_parts", args=[campaign.pk])
