"""签到表: the A4 sheet that hangs in the room before the class, and ticking from it afterwards."""

import uuid

from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from attendance import queries
from attendance.models import ATTENDED, Status
from attendance.queries.minutes import missed_minutes
from attendance.views.getters import get_session, needs
from attendance.views.sheet import code_of, words_of

# Beyond so many names three blocks, so that one sheet of A4 holds a branch.
LONG = 40
# What a tick on paper can mean; everything finer is said on the register.
TICKS = (("present", "到"), ("leave", "请假"), ("absent", "没来"))
MANY_PEOPLE = 300


@require_GET
def sheet_print(request, pk):
    """One sheet per branch: names in the branch's own order, to be signed."""
    session = get_session(request, pk)
    view = queries.register(session, request.user)
    asked = request.GET.get("part", "")
    parts = [part for part in view.parts if str(part.part.pk) == asked] or view.parts
    lecturers = "、".join(str(lecturer) for lecturer in session.lecturers.all())
    topics = "、".join(topic.name for topic in session.topics.all())
    context = {
        "session": session,
        "campaign": session.campaign,
        "sheets": [_sheet(part) for part in parts],
        "parts": view.parts,
        "asked": asked,
        "lecturers": lecturers,
        "topics": topics,
    }
    return render(request, "attendance/sheet_print.html", context)


def _sheet(part):
    people = part.in_order
    columns = 3 if len(people) > LONG else 2
    height = -(-len(people) // columns) or 1
    grouped = len(part.groups) > 1
    cells = [
        (number, person.name, person.group if grouped else "") for number, person in enumerate(people, 1)
    ]
    cells += [None] * (columns * height - len(cells))
    # Read down, then across, as people look for themselves on paper.
    rows = [cells[row::height] for row in range(height)]
    return {
        "part": part.part,
        "unit": part.part.unit,
        "rows": rows,
        "columns": range(columns),
        "count": len(people),
        "waived": len(part.waived),
        "is_grouped": grouped,
    }


@require_GET
def sheet_tick(request, pk):
    """照纸勾选: the order and the numbers of the paper, three large choices a line, nothing preselected."""
    session = get_session(request, pk)
    needs(request.user.marks_registers)
    view = queries.register(session, request.user)
    mine = [part for part in view.parts if part.can_mark]
    asked = request.GET.get("part", "")
    shown = [part for part in mine if str(part.part.pk) == asked]
    if not shown:
        shown = mine if view.expected_count <= MANY_PEOPLE else mine[:1]
    context = {
        "session": session,
        "campaign": session.campaign,
        "parts": [(part, _tick_lines(part, session)) for part in shown],
        "others": mine if len(mine) > 1 else [],
        "shown": {part.part.pk for part in shown},
        "batch": uuid.uuid4(),
        "can_send": bool(shown) and session.campaign.is_open and session.is_valid and not _is_future(session),
        "is_future": _is_future(session),
    }
    return render(request, "attendance/sheet_tick.html", context)


def _is_future(session):
    return queries.held_on(session) > timezone.localdate()


def _tick_lines(part, session):
    """One line a person; what is stored is chosen, and said in words where it is none of the three."""
    return [_tick_line(number, person, session) for number, person in enumerate(part.in_order, 1)]


def _tick_line(number, person, session):
    missed = missed_minutes(person.status, person.minutes, session)
    code = code_of(person.status, person.reason, missed) if person.status else ""
    # Late, online or elsewhere is 到 on paper; the choice keeps what is stored.
    stands_for = Status.PRESENT if person.status in ATTENDED else person.status
    return {
        "number": number,
        "name": person.name,
        "group": person.group,
        "stored": words_of(person.status, person.reason, missed) if code else "",
        # Left as it is shown, a line is not sent.
        "field": f"m{person.entry}.{person.version}" + (f".{code}" if code else ""),
        "choices": [
            (code if value == stands_for else value, label, value == stands_for) for value, label in TICKS
        ],
    }
