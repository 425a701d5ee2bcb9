"""Lists that left the house as a file."""

from organizations.models import User
from organizations.service import service
from organizations.services import audit


@service
def record_export(*, actor: User, noun: str, count: int, asked: str = "") -> None:
    """A list was taken as a file: which, how many rows, what it was narrowed to. Each time is one event."""
    narrowed = f"（{asked[:100]}）" if asked else ""
    audit.record(
        actor=actor,
        action="ledger.exported",
        summary=f"导出台账：{noun}{narrowed}，{count}行",
        target=actor.organization,
        details={"count": count},
    )
