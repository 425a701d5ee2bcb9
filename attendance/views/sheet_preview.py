"""How the lines of a file look beside what is stored."""

from dataclasses import dataclass, field

from attendance.models import Status
from attendance.views.sheet import stored_words


@dataclass(frozen=True)
class Change:
    """One line that would change something. `clash`: changed by somebody since the sheet went out."""

    where: str
    name: str
    unit: str
    old: str
    new: str
    say: str = ""
    is_clash: bool = False
    is_locked: bool = False
    by: str = ""
    at: object = None


@dataclass
class Preview:
    changes: list[Change] = field(default_factory=list)
    left: list = field(default_factory=list)
    noted: list = field(default_factory=list)
    same: list[str] = field(default_factory=list)
    rest_named: int = 0

    @property
    def clashes(self):
        return [change for change in self.changes if change.is_clash]


def entries_in(reading) -> set[int]:
    options = [option.mark for line in reading.lines for option in line.options]
    marks = [line.mark for line in reading.lines] + options + reading.rest
    return {mark.entry for mark in marks if mark}


def differs(mark, known) -> bool:
    """Would this mark change what is stored?"""
    stored = known[mark.entry]
    status = "" if mark.status == Status.UNMARKED else mark.status
    return (status, mark.reason, mark.minutes) != (stored.status, stored.reason, stored.minutes)


def preview_of(reading, known, session) -> Preview:
    """Lines that change something, lines nothing was read from, and lines that change nothing."""
    view = Preview()
    for line in reading.lines:
        if line.options:
            continue
        if line.mark and differs(line.mark, known):
            view.changes.append(_change(line, known[line.mark.entry], session))
        elif line.mark or line.is_blank:
            view.same.append(line.name)
            if line.say:
                view.noted.append(line)
        else:
            view.left.append(line)
    waiting = {mark.entry for mark in reading.rest}
    view.rest_named = len(
        waiting & {line.mark.entry for line in reading.lines if line.mark and not line.options}
    )
    return view


def _change(line, stored, session) -> Change:
    mark = line.mark
    return Change(
        where=line.where,
        name=stored.name,
        unit=stored.unit,
        old=stored_words(stored.status, stored.reason, stored.minutes, session),
        new=stored_words(mark.status, mark.reason, mark.minutes, session),
        say=line.say,
        is_clash=mark.version != stored.version,
        is_locked=stored.is_locked,
        by=stored.by,
        at=stored.at,
    )
