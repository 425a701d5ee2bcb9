"""Two townships of four branches, everybody with an account, and classes that share branches."""

import json
from datetime import timedelta
from uuid import uuid4

from django.test import Client
from django.urls import reverse
from django.utils import timezone

from attendance.models import Attendance, RosterEntry, RosterStay
from attendance.services.roster import open_campaign
from campaigns.models import Unit
from campaigns.services.sessions import Plan, plan_session
from organizations.models import Member, OrganizationKind, Role
from tests.base import fixture_writes, make_member, make_organization, make_user
from tests.campaigns.scene import at, make_campaign, unit_of

TOWNSHIPS, BRANCHES, PEOPLE = 2, 4, 6


class RaceScene:
    """A district with an open campaign drawn ten days ago. `joint[0]` is of everybody, the others overlap."""

    def __init__(self):
        self.district = make_organization(None, "HZ", "海州区委", OrganizationKind.COMMITTEE)
        self.officer = make_user("officer", self.district, Role.OFFICER)
        self.townships, self.branches, self.organizers, self.recorders = [], [], [], []
        for number in range(TOWNSHIPS):
            self._township(number)
        self.campaign = make_campaign(self, opened=False)
        open_campaign(actor=self.officer, campaign=self.campaign)
        self._long_ago()
        self.unit = unit_of(self.campaign, self.district)
        self.units = list(
            Unit.objects.filter(organization__in=self.branches).select_related("organization").order_by("pk")
        )
        self.parts: dict[int, set[int]] = {}
        self.joint = [
            self.plan(self.unit, [self.unit], 1),
            self.plan(self.unit, self.units[1:6], 2),
            self.plan(self.unit, self.units[3:8], 3),
        ]

    def _township(self, number: int) -> None:
        kind = OrganizationKind.COMMITTEE
        township = make_organization(self.district, f"HZ{number}", f"第{number}镇", kind)
        self.townships.append(township)
        self.organizers += [make_user(f"organizer{number}{twin}", township, Role.ORGANIZER) for twin in "ab"]
        for place in range(BRANCHES):
            branch = make_organization(township, f"HZ{number}{place}", f"第{number}镇第{place}支部")
            self.branches.append(branch)
            self.recorders.append(make_user(f"recorder{number}{place}", branch, Role.RECORDER))
            for person in range(PEOPLE):
                make_member(branch, f"党员{number}{place}{person}")

    def _long_ago(self) -> None:
        """Nobody has just come: moves and waivers may be dated back."""
        self.campaign.refresh_from_db()
        with fixture_writes():
            self.campaign.roster_drawn_on = timezone.localdate() - timedelta(days=10)
            self.campaign.save(update_fields=["roster_drawn_on"])
            RosterEntry.objects.update(joined_on=self.campaign.starts_on)
            RosterStay.objects.update(since=self.campaign.starts_on)
            Member.objects.update(branch_since=None)

    def plan(self, host, units, days, actor=None):
        start = at(timezone.localdate() - timedelta(days=days), 1)
        plan = Plan(
            title=f"第{days}天的课",
            form=self.campaign.forms.get(code="LECTURE"),
            starts_at=start,
            ends_at=start + timedelta(hours=2),
            units=units,
            topics=list(self.campaign.topics.order_by("bit")[days : days + 2]),
        )
        return plan_session(actor=actor or self.officer, campaign=self.campaign, host=host, plan=plan)

    def units_of(self, session) -> set[int]:
        """The branches that take part; a plan of these classes is never changed."""
        if session.pk not in self.parts:
            self.parts[session.pk] = set(session.parts.values_list("unit_id", flat=True))
        return self.parts[session.pk]

    def accounts(self):
        """Sixteen who mark: the district twice, each organizer twice, each branch's own recorder."""
        return [self.officer] * (16 - 3 * len(self.recorders) // 2) + self.organizers + self.recorders

    def entries(self, **where):
        return self.campaign.entries.filter(**where).select_related("unit", "member").order_by("pk")


def logged_in(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def versions(session, entries) -> dict[int, int]:
    """What a page loaded now would send along."""
    known = Attendance.objects.filter(session=session, entry__in=entries).values_list("entry_id", "version")
    return dict.fromkeys(entries, 0) | dict(known)


def body_of(statuses: dict[int, str], bases: dict[int, int], batch=None) -> str:
    marks = [
        {
            "entry": entry,
            "status": status,
            "base_version": bases.get(entry, 0),
            "marked_at": timezone.now().isoformat(),
            **({"reason": "ILL"} if status == "leave" else {}),
        }
        for entry, status in statuses.items()
    ]
    return json.dumps({"batch": str(batch or uuid4()), "marks": marks})


def send(client: Client, session, body: str):
    """What the register page does when somebody taps 提交."""
    return client.post(reverse("attendance:marks", args=[session.pk]), body, content_type="application/json")
