"""The cast with enough people to keep a register, an import and a report busy for a moment."""

from datetime import date, timedelta

from django.utils import timezone

from attendance.models import RosterEntry
from attendance.services.roster import open_campaign
from campaigns.models import Campaign, SessionUnit, Unit
from campaigns.services.sessions import Plan, plan_session
from organizations.models import BRANCH_KINDS, Member
from tests.base import Cast, fixture_writes, make_organization
from tests.campaigns.scene import at, make_campaign, unit_of

SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜"
GIVEN = "安邦才承德恩方刚光国海和红华建军康兰林梅明宁平庆荣山胜松涛文武祥"


def name_of(number: int) -> str:
    """A name no other number has."""
    first, rest = divmod(number, len(GIVEN) ** 2)
    second, third = divmod(rest, len(GIVEN))
    return SURNAMES[first % len(SURNAMES)] + GIVEN[first // len(SURNAMES)] + GIVEN[second] + GIVEN[third]


class Town(Cast):
    """`branches` more branches in the north, each of `people`: one hall holds them all."""

    def __init__(self, branches: int, people: int):
        super().__init__()
        self.branches = [
            make_organization(self.north, f"HZ01{10 + number}", f"北山镇第{number + 1}党支部")
            for number in range(branches)
        ]
        with fixture_writes():
            Member.objects.bulk_create(
                Member(
                    branch=branch, name=f"党员{number:03}", birth_date=date(1970, 1, 1), place_in_list=number
                )
                for branch in self.branches
                for number in range(1, people + 1)
            )
        self.campaign = make_campaign(self, opened=False)
        with fixture_writes():  # evenings of the past year may be asked for
            day = timezone.localdate() - timedelta(days=400)
            Campaign.objects.filter(pk=self.campaign.pk).update(roster_drawn_on=day)
        open_campaign(actor=self.officer, campaign=self.campaign)
        self.campaign.refresh_from_db()
        self.north_unit = unit_of(self.campaign, self.north)
        self.upper_units = Unit.objects.filter(campaign=self.campaign).exclude(kind__in=BRANCH_KINDS).count()

    def hold(self, unit: Unit, hour: int):
        start = at(timezone.localdate() - timedelta(days=1), hour)
        plan = Plan(
            title="冬训集中授课",
            form=self.campaign.forms.get(code="LECTURE"),
            starts_at=start,
            ends_at=start + timedelta(hours=2),
            units=[unit],
            topics=[],
        )
        return plan_session(actor=self.officer, campaign=self.campaign, host=unit, plan=plan)

    def expected_at(self, session) -> list[int]:
        units = SessionUnit.objects.filter(session=session).values("unit")
        return list(RosterEntry.objects.filter(unit__in=units).order_by("pk").values_list("pk", flat=True))
