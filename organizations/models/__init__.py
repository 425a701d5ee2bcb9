from organizations.models.accounts import Role, User
from organizations.models.audit import AuditEvent
from organizations.models.imports import ImportBatch, ImportState
from organizations.models.jobs import Job, JobState, StoredFile
from organizations.models.members import Category, Member, Post, Sex, named
from organizations.models.organizations import BRANCH_KINDS, Organization, OrganizationKind
from organizations.models.transfers import Transfer

__all__ = [
    "BRANCH_KINDS",
    "AuditEvent",
    "Category",
    "ImportBatch",
    "ImportState",
    "Job",
    "JobState",
    "Member",
    "Organization",
    "OrganizationKind",
    "Post",
    "Role",
    "Sex",
    "StoredFile",
    "Transfer",
    "User",
    "named",
]
