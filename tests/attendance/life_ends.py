"""Acts of a random life: the end of the campaign, what comes after it, and its reopening; unlocking."""

from hypothesis.stateful import rule

from attendance.models import Attendance, Standing, Tally
from attendance.services.ending import close_campaign, reopen_campaign
from attendance.services.judging import MarkInput
from attendance.services.unlocking import let_in_waiting, unlock_unit
from tests.attendance.life_scene import NUMBER, Being, run_recount


def stored(campaign) -> list:
    """What no service may move while the campaign is over."""
    rows = Attendance.objects.filter(session__campaign=campaign)
    tables = (rows, Standing.objects.filter(campaign=campaign), Tally.objects.filter(campaign=campaign))
    return [list(table.order_by("pk").values_list()) for table in tables]


class EndActs(Being):
    """Closed over whatever is open, a mark sent to the closed campaign, opened again."""

    @rule(number=NUMBER, who=NUMBER, meanwhile=NUMBER)
    def end_and_reopen(self, number, who, meanwhile):
        if number % 3:
            return
        if self.campaign.recount_due_at:
            if self.units().filter(frozen_at__isnull=False).exists():
                return
            run_recount()
        before = None
        with self.act("end"):
            close_campaign(actor=self.scene.officer, campaign=self.campaign, reason="年终了")
            before = stored(self.campaign)
        self.mark_meanwhile(who, meanwhile)
        assert before is not None and stored(self.campaign) == before
        with self.act("reopen the campaign"):
            reopen_campaign(actor=self.scene.officer, campaign=self.campaign, reason="漏报")
            let_in_waiting(actor=self.scene.officer, unit=self.scene.district_unit)
        assert self.campaign.is_open
        if not self.units().filter(frozen_at__isnull=False).exists():
            run_recount()

    def mark_meanwhile(self, who, number):
        entry, session = self.pick(self.entries(), who), self.pick(self.sessions(), number)
        if session:
            with self.act("mark after the end"):
                row = Attendance.objects.filter(session=session, entry=entry).first()
                self.send(session, [MarkInput(entry.pk, "late", row.version if row else 0)])

    @rule()
    def unlock(self):
        with self.act("unlock"):
            unlock_unit(actor=self.scene.officer, unit=self.scene.district_unit)
