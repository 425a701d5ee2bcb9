"""A winter in full swing on the fixed cast: somebody in every state a figure knows."""

from datetime import timedelta

from django.utils import timezone

from attendance.services.roster import set_waiver
from campaigns.services.service_tasks import open_task, resolve_task
from campaigns.services.sessions import cancel_session
from organizations.models import Role
from tests.attendance.scene import Scene
from tests.base import make_user


class Winter(Scene):
    """North: a joint class with an absence, home teaching of a waived member, a class nobody recorded.
    South: a class with one person unmarked, a class to come. One class cancelled, one problem solved.
    """

    def __init__(self, **facts):
        super().__init__(**facts)
        self.south_recorder = make_user("south-recorder", self.south_branch, Role.RECORDER)
        set_waiver(
            actor=self.north_organizer,
            entry=self.entry(self.zhao),
            reason="OLD_AGE",
            since=timezone.localdate() - timedelta(days=20),
        )
        self.joint = self.session(
            self.north_unit,
            actor=self.north_organizer,
            days=-9,
            topics=self.topics(0, 1),
            title="北山镇集中授课",
        )
        self.mark(self.joint, {self.wang: "present", self.li: "late", self.qian: ("absent", "AWAY")})
        self.home = self.session(days=-4, form="HOME_TEACH", topics=self.topics(2), title="送学到家")
        self.mark(self.home, {self.zhao: "present", self.wang: ("leave", "ILL")})
        self.south_class = self.session(
            self.south_branch_unit, days=-6, topics=self.topics(0), title="南河村集中授课"
        )
        self.mark(self.south_class, {self.sun: "present"}, actor=self.south_organizer)
        self.forgotten = self.session(self.north_other_unit, days=-2, title="没有点名的课")
        self.coming = self.session(self.south_unit, days=3, title="还没开的课")
        cancelled = self.session(self.north_branch_unit, days=4, title="取消了的课")
        cancel_session(actor=self.north_organizer, session=cancelled, reason="停电")
        self.serve()

    def serve(self):
        today = timezone.localdate()
        task = open_task(
            actor=self.north_organizer,
            unit=self.north_branch_unit,
            title="路灯不亮",
            kind="PROBLEM",
            deadline=today,
        )
        resolve_task(actor=self.north_organizer, task=task, result="换了灯泡")
