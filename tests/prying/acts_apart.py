"""Planning a class the branches hold each for itself, and taking that back."""

from datetime import timedelta
from uuid import uuid4

from django.utils import timezone

from campaigns.services import apart, sessions
from tests.campaigns.scene import at


def nothing(w):
    return None


def planned(w, _nothing=None):
    start = at(timezone.localdate() + timedelta(days=2), 10)
    units = [w.north_branch_unit, w.north_other_unit]
    plan = sessions.Plan(
        title="各村自己上的课",
        form=w.campaign.forms.get(code="LECTURE"),
        starts_at=start,
        ends_at=start + timedelta(hours=2),
        units=units,
    )
    return apart.plan_apart(
        actor=w.north_organizer,
        campaign=w.campaign,
        host=w.north_unit,
        plan=plan,
        held=[apart.Held(unit, start, "村部") for unit in units],
        request_uuid=uuid4(),
    )


APART = {
    "campaigns.services.apart.plan_apart": (nothing, planned),
    "campaigns.services.apart.undo_apart": (
        planned,
        lambda w, act: apart.undo_apart(actor=w.north_organizer, act=act),
    ),
}
