"""Writes the audit. Call `record` once in every service, in its transaction."""

from contextvars import ContextVar
from typing import Any

from django.db.models import Model

from organizations.id_number import without_numbers
from organizations.models import AuditEvent, Organization, User

# Set per request by the middleware; empty for commands and jobs.
client_address: ContextVar[str] = ContextVar("client_address", default="")


def record(
    *,
    actor: User | None,
    action: str,
    summary: str,
    target: Model,
    organization: Organization | None = None,
    path: str | None = None,
    details: dict | None = None,
) -> AuditEvent:
    """One act. `summary` is a Chinese sentence a lay person can read beside the record.

    `organization` says whose history it belongs to (default: the actor's own).
    `details` never hold ID numbers or phones, only that they changed; one that somebody typed into a
    reason or a search is masked, for what stands here stands for ever.
    """
    organization = organization or (actor.organization if actor else None)
    return AuditEvent.objects.create(
        actor=actor,
        actor_name=actor.name if actor else "",
        organization=organization,
        path=path if path is not None else organization.path if organization else "",
        action=action,
        summary=without_numbers(summary)[:300],
        target_type=target._meta.label_lower,
        target_id=str(target.pk),
        details=masked(details or {}),
        address=client_address.get(),
    )


def masked(value: Any) -> Any:
    """Details as they are kept: texts without numbers, whatever they are packed in."""
    if isinstance(value, dict):
        return {key: masked(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [masked(inner) for inner in value]
    return without_numbers(value) if isinstance(value, str) else value
