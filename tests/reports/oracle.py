"""An independent recount of the indicators: plain Python over raw rows, no code shared with the system.

A subtree is told by the organizations' codes (HZ01 holds HZ0101), not by tree paths.
Campaigns whose trained rule is ANY only.
"""

from collections import Counter

from django.utils import timezone

from attendance.models import Attendance

CAME = {"present", "late", "left_early", "online", "elsewhere"}
BRANCHES = {"BRANCH", "JOINT_BRANCH", "TEMPORARY_BRANCH", "FLOATING_BRANCH"}
REASONS = ("ABSENT", "FLOATING", "HOME_BOUND", "LEAVE", "UNMARKED", "SHORT", "NO_SESSION", "NEW")


def recount(campaign, code):
    """{indicator: value} of everything at or below the organization with this code."""
    people = persons(campaign, code)
    due = [p for p in people if p["required"]]
    waived = [p for p in people if not p["required"]]
    trained = [p for p in due if p["came"]]
    why = Counter(p["why"] for p in due if not p["came"])
    rows = [
        row
        for row in Attendance.objects.filter(session__campaign=campaign, counts=True, part="EXPECTED")
        .select_related("session_unit__unit__organization")
        .all()
        if row.session_unit.unit.organization.code.startswith(code)
    ]
    known = [row for row in rows if row.status != "unmarked"]
    all_trained = len(trained) + sum(p["came"] for p in waived)
    first = sum(p["first"] for p in due)
    must = [topic.bit for topic in campaign.topics.all() if topic.is_compulsory]
    return {
        "ORG_N": sum(
            unit.kind in BRANCHES and unit.closed_on is None and unit.organization.code.startswith(code)
            for unit in campaign.units.select_related("organization")
        ),
        "MEM_ALL": len(people),
        "MEM_WAIVED": len(waived),
        "MEM_DUE": len(due),
        "MEM_FLOAT": sum(p["floating"] for p in people),
        "TR_FIRST": first,
        "TR_MAKEUP": len(trained) - first,
        "TR_HOME": sum(p["home"] for p in people),
        "TR_ALL": all_trained,
        "RATE_FIRST": {"n": first, "d": len(due)},
        "RATE_DUE": {"n": len(trained), "d": len(due)},
        "RATE_ALL": {"n": all_trained, "d": len(people)},
        "ATT_RATE": {"n": sum(row.status in CAME for row in known), "d": len(known)},
        "DONE_RATE": {"n": sum(all(b in p["learned"] for b in must) for p in due), "d": len(due)},
        "NOT_YET": len(due) - len(trained),
        "WHY": {reason: why[reason] for reason in REASONS},
        "UNMARKED": len(rows) - len(known),
        "MK_OPEN": sum(bool(set(must) & p["missed"] - p["learned"]) for p in due),
        **sessions(campaign, code, must),
        "HRS_AVG": {"n": sum(p["minutes"] for p in due), "d": len(due)},
        **tasks(campaign, code),
    }


def persons(campaign, code):
    found = []
    for entry in campaign.entries.select_related("unit__organization").prefetch_related("rows"):
        if entry.left_on or not entry.unit.organization.code.startswith(code):
            continue
        rows = [row for row in entry.rows.all() if row.counts]
        came = [row for row in rows if row.status in CAME]
        expected = [row for row in rows if row.part == "EXPECTED"]
        states = {row.status for row in expected}
        late = entry.joined_on > campaign.roster_drawn_on
        found.append(
            {
                "required": entry.required,
                "floating": entry.is_floating,
                "came": bool(came),
                "first": any(row.round == "FIRST" for row in came),
                "home": any(row.round == "HOME" for row in came),
                "learned": bits(came),
                "missed": bits([row for row in expected if row.status in ("leave", "absent")]),
                "minutes": sum(row.minutes for row in came),
                "why": next(
                    reason
                    for reason, holds in (
                        ("ABSENT", "absent" in states),
                        ("FLOATING", entry.is_floating),
                        ("HOME_BOUND", entry.is_home_bound),
                        ("LEAVE", "leave" in states),
                        ("UNMARKED", "unmarked" in states),
                        ("SHORT", any(row.status in CAME for row in entry.rows.all())),
                        ("NEW", late),
                        ("NO_SESSION", True),
                    )
                    if holds
                ),
            }
        )
    return found


def bits(rows):
    return {bit for row in rows for bit in range(62) if row.topic_mask >> bit & 1}


def sessions(campaign, code, must):
    planned = held = unrecorded = 0
    taught = set()
    for session in campaign.sessions.select_related("form").prefetch_related("parts__unit__organization"):
        parts = [part for part in session.parts.all() if part.unit.organization.code.startswith(code)]
        if not parts or session.cancelled_at or session.voided_at:
            continue
        over = session.ends_at <= timezone.now()
        recorded = [part for part in parts if part.recorded_at]
        planned += 1
        held += bool(recorded) or over
        unrecorded += over and len(recorded) < len(parts)
        if recorded and session.form.counts:
            taught |= {bit for bit in must if session.topic_mask >> bit & 1}
    return {
        "SES_PLAN": planned,
        "SES_HELD": held,
        "UNRECORDED": unrecorded,
        "TOPIC_COV": {"n": len(taught), "d": len(must)},
    }


def tasks(campaign, code):
    today = timezone.localdate()
    mine = [
        task
        for task in campaign.service_tasks.select_related("unit__organization")
        if task.unit.organization.code.startswith(code)
    ]
    late = [t for t in mine if t.state == "OPEN" and t.deadline and t.deadline < today]
    return {
        "TASK_DONE": sum(t.state in ("RESOLVED", "CONFIRMED") for t in mine),
        "TASK_LATE": len(late),
    }
