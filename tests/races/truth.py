"""What must hold once everybody has stopped: every figure true, no mark lost, no sending counted twice."""

from collections import Counter, defaultdict

from attendance.models import Attendance, Mark, MarkBatch
from attendance.services.recount import differences
from organizations.models import AuditEvent
from tests.attendance.life_scene import (
    no_figure_exceeds_its_denominator,
    rows_copy_their_session,
    stays_are_one_line,
)
from tests.attendance.recount_oracle import assert_derived_rows_are_true

REGISTER_KINDS = ("register", "undo")


def assert_everything_is_true(campaign) -> None:
    campaign.refresh_from_db()
    assert differences(campaign=campaign) == []
    assert_derived_rows_are_true(campaign)
    no_figure_exceeds_its_denominator(campaign)
    rows_copy_their_session(campaign)
    stays_are_one_line(campaign)
    assert lost_marks(campaign) == []
    assert sendings_without_one_event(campaign) == []


def lost_marks(campaign) -> list[str]:
    """Marks said to be applied that did not follow the one before, or whose value nobody took away.

    The marks of one row are one line: each begins where the last one ended. A
    withdrawn row, on which nothing was known, begins at 0 again.
    """
    lines = defaultdict(list)
    applied = Mark.objects.filter(batch__session__campaign=campaign, outcome=Mark.Outcome.APPLIED)
    for mark in applied.select_related("batch").order_by("pk"):
        lines[mark.batch.session_id, mark.entry_id].append(mark)
    rows = {
        (row.session_id, row.entry_id): row for row in Attendance.objects.filter(session__campaign=campaign)
    }
    wrong = []
    for key, marks in lines.items():
        version, status = 0, "unmarked"
        for mark in marks:
            again = mark.version_after == 1 and status == "unmarked"
            if mark.version_after != version + 1 and not again:
                wrong.append(f"{key}: {version} was followed by {mark.version_after}")
            version, status = mark.version_after, mark.status
        row = rows.get(key)
        stored = (row.version, row.status) if row else (0, "unmarked")
        if stored != (version, status) and not (status == "unmarked" and stored == (0, "unmarked")):
            wrong.append(f"{key}: stored {stored}, last mark {(version, status)}")
    return wrong


def sendings_without_one_event(campaign) -> list:
    """Each stored sending is one act in the audit, however often it was sent."""
    stored = MarkBatch.objects.filter(session__campaign=campaign, kind__in=REGISTER_KINDS)
    acts = AuditEvent.objects.filter(action__startswith="register.").values_list("details", flat=True)
    events = Counter(details["batch"] for details in acts if "batch" in details)
    uuids = stored.values_list("uuid", flat=True)
    return [(uuid, events[str(uuid)]) for uuid in uuids if events[str(uuid)] != 1]
