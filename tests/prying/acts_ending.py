"""An example call of the services around hours and the end of a campaign, for the table of acts."""

from uuid import uuid4

from django.utils import timezone

from attendance.models import Attendance
from attendance.services import closing, ending, unlocking
from campaigns.services import hours
from campaigns.services.freezing import freeze_unit, thaw_unit

TODAY = timezone.localdate


def nothing(w):
    return None


def ended(w):
    return ending.close_campaign(actor=w.officer, campaign=w.campaign, reason="年终了")


def held(w):
    """A mark that came while its branch was frozen, which it is no more."""
    session = w.session(w.north_branch_unit, days=-3, title="锁着的课", hour=15)
    freeze_unit(actor=w.officer, unit=w.north_branch_unit)
    w.mark(session, {w.wang: "present"})
    thaw_unit(actor=w.officer, unit=w.north_branch_unit)
    return session


# name → (what has to be there before, the act itself on what that gave).
ENDING = {
    "campaigns.services.hours.set_hours_rule": (
        nothing,
        lambda w, _: hours.set_hours_rule(
            actor=w.officer, campaign=w.campaign, kind="OTHER", since=TODAY(), minutes=90, source="通知"
        ),
    ),
    "attendance.services.ending.close_campaign": (nothing, lambda w, _: ended(w)),
    "attendance.services.ending.reopen_campaign": (
        ended,
        lambda w, _: ending.reopen_campaign(actor=w.officer, campaign=w.campaign, reason="漏报一场"),
    ),
    "attendance.services.unlocking.let_in_waiting": (
        held,
        lambda w, _: unlocking.let_in_waiting(actor=w.north_organizer, unit=w.north_unit),
    ),
    "attendance.services.unlocking.unlock_unit": (
        held,
        lambda w, _: unlocking.unlock_unit(actor=w.officer, unit=w.north_unit),
    ),
}


def finish(w):
    """Every sheet of the scene finished: nothing stops the end."""
    for session in w.campaign.sessions.valid().filter(starts_at__lte=timezone.now()):
        if session.parts.filter(closed_at__isnull=True).exists():
            closing.close_parts(actor=w.officer, session=session, rest="present", batch=uuid4())
    return Attendance.objects.filter(session__campaign=w.campaign).count()
