"""What goes on at once in a township's busiest evening, each act with its own dice."""

import random
import time
from datetime import timedelta
from uuid import uuid4

from django.utils import timezone

from attendance.models import MarkBatch
from attendance.services.adopting import adopt_differences
from attendance.services.closing import close_parts, reopen_part
from attendance.services.corrections import correct_session
from attendance.services.marks import undo_batch
from attendance.services.moving import move_member
from attendance.services.recount import rebuild
from attendance.services.roster import end_waiver, set_waiver
from campaigns.models import SessionUnit, TrainingSession
from campaigns.services.freezing import freeze_unit, thaw_unit
from campaigns.services.sessions import cancel_session
from organizations.models import Member
from organizations.service import Refused
from organizations.services.members import leave_member
from organizations.services.transfers import return_member
from tests.races.scene import body_of, logged_in, send, versions

STATUSES = ("present", "present", "late", "absent", "leave")
TWICE = 5  # one sending in so many is sent again, as a weak network does
PAUSE = 0.2  # between two acts of somebody who does not mark


class Evening:
    """The acts of one race. `answers` counts what became of each mark a writer sent."""

    def __init__(self, scene, storm):
        self.scene, self.storm = scene, storm
        self.extra: list[TrainingSession] = []

    def everybody(self):
        """Sixteen writers, and a thread for each thing that moves underneath them."""
        writers = [(f"mark {n}", self.writer(n, user), 0) for n, user in enumerate(self.scene.accounts())]
        moving = (
            self.move, self.move, self.waive, self.close, self.reopen, self.freeze, self.cancel,
            self.undo, self.correct, self.leave, self.adopt, self.rebuild,
        )  # fmt: skip
        return writers + [(act.__name__, self.disturber(n, act), PAUSE) for n, act in enumerate(moving)]

    # --- Marking: through the endpoint, as the page does ------------------------------------------
    def writer(self, number, user):
        client, dice = logged_in(user), random.Random(number)
        here = {unit.pk for unit in self.scene.units if unit.path.startswith(user.organization.path)}

        def mark(turn):
            session = dice.choice([one for one in self.sessions() if self.scene.units_of(one) & here])
            people = list(self.scene.entries(unit__in=here).values_list("pk", flat=True))
            chosen = dice.sample(people, min(len(people), dice.randint(1, 12)))
            statuses = {entry: dice.choice(STATUSES) for entry in chosen}
            body = body_of(statuses, versions(session, chosen))
            self.read(send(client, session, body))
            if turn % TWICE == 0:
                again = self.read(send(client, session, body))
                assert {mark["outcome"] for mark in again} == {"duplicate"}, again

        return mark

    def sessions(self):
        return [*self.scene.joint, *self.extra[-1:]]

    def read(self, answer):
        told = answer.json() if answer.status_code in (200, 409, 422) else None
        assert told is not None, (answer.status_code, answer.content[:300])
        # After the end of the campaign marks are kept as held, and the answer says both.
        if "marks" not in told:
            raise Refused(told["error"], told["code"])
        for mark in told["marks"]:
            self.storm.note(self.storm.done, f"  {mark['outcome']} {mark['code']}".rstrip())
        return told["marks"]

    # --- What moves underneath -------------------------------------------------------------------
    def disturber(self, number, act):
        dice = random.Random(1000 + number)

        return lambda turn: act(dice)

    def ago(self, days):
        return timezone.localdate() - timedelta(days=days)

    def move(self, dice):
        member = dice.choice(list(Member.objects.present()))
        move_member(
            actor=self.scene.officer,
            member=member,
            to_branch=dice.choice(self.scene.branches),
            day=self.ago(dice.randint(0, 4)),
        )

    def waive(self, dice):
        entry = dice.choice(list(self.scene.entries()))
        if entry.required:
            set_waiver(actor=self.scene.officer, entry=entry, reason="OLD_AGE", since=self.ago(5))
        else:
            end_waiver(actor=self.scene.officer, entry=entry, until=self.ago(dice.randint(0, 5)))

    def close(self, dice):
        actor = dice.choice(self.scene.organizers + self.scene.recorders)
        close_parts(
            actor=actor,
            session=dice.choice(self.scene.joint),
            rest=dice.choice(["present", "absent", "unmarked"]),
            note="签到表丢失",
            batch=uuid4(),
        )

    def reopen(self, dice):
        closed = SessionUnit.objects.filter(session__in=self.scene.joint, closed_at__isnull=False)
        for part in closed.select_related("session__campaign"):
            reopen_part(actor=self.scene.officer, part=part, reason="补登")

    def freeze(self, dice):
        unit = dice.choice(self.scene.units)
        freeze_unit(actor=self.scene.officer, unit=unit)
        time.sleep(PAUSE)
        thaw_unit(actor=self.scene.officer, unit=unit)

    def cancel(self, dice):
        """A class is planned; somebody may be marked for it before it is cancelled, which then is refused."""
        session = self.scene.plan(self.scene.unit, dice.sample(self.scene.units, 3), 4)
        self.extra.append(session)
        time.sleep(dice.choice([0, PAUSE]))
        cancel_session(actor=self.scene.officer, session=session, reason="停电")

    def undo(self, dice):
        batches = MarkBatch.objects.filter(session__in=self.scene.joint, kind="register").order_by("-pk")[:20]
        if batch := dice.choice([None, *batches]):
            undo_batch(actor=self.scene.officer, batch=batch, uuid=uuid4())

    def correct(self, dice):
        session = dice.choice(self.scene.joint)
        correct_session(
            actor=self.scene.officer,
            session=session,
            title="更正的课",
            topics=[dice.choice(list(self.scene.campaign.topics.all()))],
            starts_at=session.starts_at,
            ends_at=session.ends_at,
            minutes=dice.choice([60, 90, 120]),
        )

    def leave(self, dice):
        member = dice.choice(list(Member.objects.present()))
        leave_member(actor=self.scene.officer, member=member, left_on=self.ago(1), reason="其他")
        time.sleep(PAUSE)
        branch = dice.choice([member.branch, dice.choice(self.scene.branches)])
        return_member(actor=self.scene.officer, member=member, branch=branch, day=self.ago(0))

    def adopt(self, dice):
        adopt_differences(actor=self.scene.officer, unit=self.scene.unit)

    def rebuild(self, dice):
        rebuild(campaign=self.scene.campaign)
