"""How long a login lasts. Three clocks run in it.

`since`: when the password was given; nothing outlives it by more than SESSION_ABSOLUTE_HOURS. `renewed`: the
last request while the login was fresh; after SESSION_IDLE_MINUTES pages ask for the password again. `marked`:
the last marking page, on a device its owner asked to remember; for those pages alone the login lasts
SESSION_MARKING_IDLE_HOURS, because a morning in a cold hall must not end in a login page. Marking never makes
a login fresh again: who picks up a phone left in the hall sees one register, and no list of people.
"""

import time
from enum import Enum

from django.conf import settings

RENEW_AFTER_SECONDS = 60
REMEMBERED = "remembered"  # 记住这台设备 was ticked by somebody who marks registers


class Age(Enum):
    FRESH = "fresh"
    MARKING_ONLY = "marking only"
    OVER = "over"


def begin(session, *, remembered: bool) -> None:
    """The password was given just now."""
    now = int(time.time())
    session.update({"since": now, "renewed": now, "marked": now, REMEMBERED: remembered})


def age_of(session) -> Age:
    """What the login is still good for; one from before these clocks begins now."""
    now = int(time.time())
    if now - session.get("since", now) >= settings.SESSION_ABSOLUTE_HOURS * 3600:
        return Age.OVER
    if now - session.get("renewed", now) < settings.SESSION_IDLE_MINUTES * 60:
        return Age.FRESH
    idle = settings.SESSION_MARKING_IDLE_HOURS * 3600
    marks = session.get(REMEMBERED) and now - session.get("marked", 0) < idle
    return Age.MARKING_ONLY if marks else Age.OVER


def renew(session, *, is_marking: bool) -> None:
    """Write at most once a minute that somebody is there."""
    now = int(time.time())
    clocks = ["renewed"] if age_of(session) == Age.FRESH else []
    clocks += ["marked"] if is_marking and session.get(REMEMBERED) else []
    session.setdefault("since", now)
    for clock in clocks:
        if now - session.get(clock, 0) >= RENEW_AFTER_SECONDS:
            session[clock] = now
