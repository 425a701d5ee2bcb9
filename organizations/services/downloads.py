"""Who took which finished file, and who read the audit."""

from organizations.models import Job, User
from organizations.service import service
from organizations.services import audit


@service
def record_download(*, actor: User, job: Job) -> None:
    """One download, one event."""
    audit.record(
        actor=actor,
        action="job.downloaded",
        summary=f"下载：{job.title}",
        target=job,
        organization=job.organization,
        details={"sha256": job.file.sha256} if job.file else {},
    )


@service
def record_audit_reading(*, actor: User, text: str) -> None:
    """Reading the audit is in the audit too, with what was looked for."""
    wanted = f"，查找“{text[:50]}”" if text else ""
    audit.record(actor=actor, action="audit.read", summary=f"查看操作记录{wanted}", target=actor.organization)
