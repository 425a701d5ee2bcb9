"""How long somebody was at a class: minutes missed, and those that count."""

from attendance.models import Status
from campaigns.models import TrainingForm, TrainingSession

SHORTENED = (Status.LATE, Status.LEFT_EARLY)


def whole_minutes(session: TrainingSession) -> int:
    """What a whole class is worth; 0 where its form counts no minutes."""
    counts_none = session.form.hours_rule == TrainingForm.HoursRule.NONE
    return 0 if counts_none else session.minutes


def missed_minutes(status: str, minutes: int | None, session: TrainingSession) -> int:
    """How many minutes late or early, where a person said so; `minutes` are those that count."""
    if minutes is None or status not in SHORTENED:
        return 0
    return max(whole_minutes(session) - minutes, 0)


def with_minutes(words: str, status: str, minutes: int | None, session: TrainingSession) -> str:
    """迟到20分钟，计115分钟: never the credited minutes as if they were those missed."""
    if minutes is None:
        return words
    missed = missed_minutes(status, minutes, session)
    return f"{words}{missed}分钟，计{minutes}分钟" if missed else f"{words}，计{minutes}分钟"
