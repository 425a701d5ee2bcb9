"""Which list a figure opens."""

from functools import lru_cache
from urllib.parse import urlencode

from django.urls import reverse

from campaigns.models import Unit
from reports.indicators import BY_CODE


def dashboard(unit: Unit) -> str:
    return reverse("reports:unit_dashboard", args=[unit.campaign_id, unit.pk])


@lru_cache(maxsize=256)
def page(name: str, *args: int) -> str:
    """A dashboard has a few hundred links, most of them to the same page."""
    return reverse(name, args=args)


def people(unit: Unit, state: str, why: str = "") -> str:
    query = {"unit": unit.pk, "state": state} | ({"why": why} if why else {})
    return f"{page('attendance:roster_list', unit.campaign_id)}?{urlencode(query)}"


def tasks(unit: Unit, state: str) -> str:
    query = {"campaign": unit.campaign_id, "unit": unit.pk, "state": state}
    return f"{page('campaigns:service_list')}?{urlencode(query)}"


def sessions(unit: Unit, state: str) -> str:
    query = {"campaign": unit.campaign_id, "unit": unit.pk, "state": state}
    return f"{page('campaigns:session_list')}?{urlencode(query)}"


# Which state of the list of sessions, or of service tasks, is this figure.
SESSION_STATES = {"SES_PLAN": "planned", "SES_HELD": "held", "UNRECORDED": "missing"}
TASK_STATES = {"TASK_DONE": "done", "TASK_LATE": "overdue"}


def figure(unit: Unit, code: str) -> str:
    """The list whose total is this figure."""
    indicator = BY_CODE[code]
    if code == "HRS_AVG":
        return f"{page('attendance:hours_list', unit.campaign_id)}?{urlencode({'unit': unit.pk})}"
    if indicator.people:
        return people(unit, indicator.people)
    if code in SESSION_STATES:
        return sessions(unit, SESSION_STATES[code])
    if code in TASK_STATES:
        return tasks(unit, TASK_STATES[code])
    return reverse("reports:indicator_list", args=[unit.campaign_id, unit.pk, code])
