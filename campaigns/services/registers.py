"""How far the register of a part is. Called by the register itself, in its transaction, under its lock."""

from collections.abc import Iterable

from django.utils import timezone

from campaigns.models import SessionUnit, Topic, TrainingSession
from organizations.service import service


@service(audited=False)
def set_recorded(*, parts: Iterable[SessionUnit]) -> None:
    """The first mark of these parts is stored. Repeating keeps the first time."""
    SessionUnit.objects.filter(pk__in=[part.pk for part in parts], recorded_at__isnull=True).update(
        recorded_at=timezone.now()
    )


@service(audited=False)
def set_unrecorded(*, parts: Iterable[SessionUnit]) -> None:
    """The only marks of these parts were taken back: nobody has called the roll yet."""
    SessionUnit.objects.filter(pk__in=[part.pk for part in parts]).update(recorded_at=None)


@service(audited=False)
def set_closed(*, parts: Iterable[SessionUnit], closed: bool) -> None:
    """Finish these parts, or open them again."""
    SessionUnit.objects.filter(pk__in=[part.pk for part in parts]).update(
        closed_at=timezone.now() if closed else None
    )


@service(audited=False)
def set_counted_heads(*, session: TrainingSession, heads: int | None) -> None:
    """What somebody counted in the room; of a class of one branch that is the branch's number, too.

    It moves no rate.
    """
    TrainingSession.objects.filter(pk=session.pk).update(counted_heads=heads)
    parts = SessionUnit.objects.filter(session=session)
    if len(parts.values_list("pk")[:2]) == 1:
        parts.update(counted_heads=heads)


@service(audited=False)
def set_part_heads(*, part: SessionUnit, heads: int | None) -> None:
    """What was counted of one branch. It moves no rate."""
    SessionUnit.objects.filter(pk=part.pk).update(counted_heads=heads)


@service(audited=False)
def set_facts(*, session: TrainingSession, topics: Iterable[Topic] | None = None, **columns: object) -> None:
    """Rewrite facts of a recorded session; the correction that calls this rewrites its register too."""
    if topics is not None:
        session.topics.set(topics)
        columns["topic_mask"] = sum(topic.mask for topic in topics)
    for name, value in columns.items():
        setattr(session, name, value)
    session.save(update_fields=list(columns))
    session.parts.update(due_at=session.ends_at if session.is_valid else None)
