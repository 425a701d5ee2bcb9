"""An open campaign with a drawn roster, and held sessions on it."""

import hashlib
from datetime import timedelta
from uuid import uuid4

from django.utils import timezone

from attendance.models import Attendance, RosterEntry
from attendance.services.judging import MarkInput
from attendance.services.marks import record_marks
from attendance.services.roster import open_campaign
from campaigns.services.sessions import Plan, plan_session
from tests.base import Cast
from tests.campaigns.scene import at, make_campaign, unit_of


class Scene(Cast):
    """The cast in an open campaign; `session()` holds classes of the last days."""

    def __init__(self, **facts):
        super().__init__()
        self.campaign = make_campaign(self, opened=False, **facts)
        open_campaign(actor=self.officer, campaign=self.campaign)
        self.campaign.refresh_from_db()
        self.district_unit = unit_of(self.campaign, self.district)
        self.north_unit = unit_of(self.campaign, self.north)
        self.south_unit = unit_of(self.campaign, self.south)
        self.north_branch_unit = unit_of(self.campaign, self.north_branch)
        self.north_other_unit = unit_of(self.campaign, self.north_other_branch)
        self.south_branch_unit = unit_of(self.campaign, self.south_branch)

    def entry(self, member) -> RosterEntry:
        return RosterEntry.objects.get(campaign=self.campaign, member=member)

    def topics(self, *positions):
        topics = list(self.campaign.topics.filter(is_compulsory=True).order_by("position", "bit"))
        return [topics[position] for position in positions]

    def session(
        self, host=None, *, actor=None, units=None, days=-1, form="LECTURE", topics=(), hour=9, **plan
    ):
        host = host or self.north_branch_unit
        start = at(timezone.localdate() + timedelta(days=days), hour)
        plan = Plan(
            title=plan.pop("title", "冬训集中授课"),
            form=self.campaign.forms.get(code=form),
            starts_at=start,
            ends_at=start + timedelta(hours=2),
            units=units or [host],
            topics=topics,
            **plan,
        )
        return plan_session(actor=actor or self.officer, campaign=self.campaign, host=host, plan=plan)

    def mark(self, session, marks, *, actor=None, batch=None, body=None, **options):
        """`marks`: {member: status or (status, reason)}; versions are read from what is stored."""
        rows = dict(Attendance.objects.filter(session=session).values_list("entry_id", "version"))
        inputs = []
        for member, value in marks.items():
            status, reason = value if isinstance(value, tuple) else (value, "")
            entry = self.entry(member).pk
            inputs.append(MarkInput(entry, status, options.get("base", rows.get(entry, 0)), reason))
        body = body or hashlib.sha256(repr(inputs).encode()).hexdigest()
        options.pop("base", None)
        return record_marks(
            actor=actor or self.north_organizer,
            session=session,
            batch=batch or uuid4(),
            marks=inputs,
            body_sha256=body,
            **options,
        )
