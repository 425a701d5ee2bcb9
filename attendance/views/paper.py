"""签到表: the A4 sheet that hangs in the room before the class."""

from django.shortcuts import render
from django.views.decorators.http import require_GET

from attendance import queries
from attendance.views.getters import get_session

COLUMNS = 3
LONG = 46  # beyond that three blocks, so that one sheet of A4 holds a branch


@require_GET
def sheet_print(request, pk):
    """One sheet per branch: names in the branch's own order, to be signed."""
    session = get_session(request, pk)
    view = queries.register(session, request.user)
    lecturers = "、".join(str(lecturer) for lecturer in session.lecturers.all())
    topics = "、".join(topic.name for topic in session.topics.all())
    context = {
        "session": session,
        "campaign": session.campaign,
        "sheets": [_sheet(part) for part in view.parts],
        "lecturers": lecturers,
        "topics": topics,
    }
    return render(request, "attendance/sheet_print.html", context)


def _sheet(part):
    names = [person.name for person in part.expected]
    columns = COLUMNS if len(names) > LONG else 2
    height = -(-len(names) // columns) or 1
    cells = [*enumerate(names, 1), *[None] * (columns * height - len(names))]
    # Read down, then across, as people look for themselves on paper.
    rows = [cells[row::height] for row in range(height)]
    return {
        "unit": part.part.unit,
        "rows": rows,
        "columns": range(columns),
        "count": len(names),
        "waived": len(part.waived),
    }
