from organizations.models.accounts import Role, User
from organizations.models.audit import AuditEvent
from organizations.models.bulk import BulkAct, BulkChange
from organizations.models.imports import (
    HeaderMeaning,
    ImportBatch,
    ImportChange,
    ImportPiece,
    ImportState,
)
from organizations.models.jobs import Job, JobState, StoredFile
from organizations.models.members import PRECISION_OF, Category, Member, NotTwins, Post, Precision, Sex, named
from organizations.models.organizations import BRANCH_KINDS, Organization, OrganizationKind
from organizations.models.transfers import RequestState, Transfer, TransferRequest

__all__ = [
    "BRANCH_KINDS",
    "PRECISION_OF",
    "AuditEvent",
    "BulkAct",
    "BulkChange",
    "Category",
    "HeaderMeaning",
    "ImportBatch",
    "ImportChange",
    "ImportPiece",
    "ImportState",
    "Job",
    "JobState",
    "Member",
    "NotTwins",
    "Organization",
    "OrganizationKind",
    "Post",
    "Precision",
    "RequestState",
    "Role",
    "Sex",
    "StoredFile",
    "Transfer",
    "TransferRequest",
    "User",
    "named",
]
