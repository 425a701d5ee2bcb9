"""What pages of several apps ask about organizations, and the shape of a to-do."""

from dataclasses import dataclass

from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, Concat

from organizations.models import Member, Organization, User
from organizations.tree import ancestors


@dataclass(frozen=True)
class Todo:
    """One line of 待办: what waits, how much of it, where it is done. `level` is info, warn or good."""

    text: str
    count: int
    url: str
    level: str = "info"


def organization_trail(organization: Organization, user: User) -> list[Organization]:
    """From the account's own organization down to this one: the breadcrumb, never above the scope."""
    top = len(user.organization.path)
    paths = [path for path in ancestors(organization.path) if len(path) >= top]
    return list(Organization.objects.filter(path__in=paths).order_by("path"))


def with_counts(organizations: QuerySet[Organization]) -> QuerySet[Organization]:
    """Adds `branch_count` and `member_count` of each organization's whole subtree, in one query."""
    end = Concat(OuterRef("path"), Value("~"))
    branches = Organization.objects.branches().open().filter(path__gte=OuterRef("path"), path__lt=end)
    members = Member.objects.present().filter(branch__path__gte=OuterRef("path"), branch__path__lt=end)
    return organizations.annotate(branch_count=_number_of(branches), member_count=_number_of(members))


def _number_of(rows: QuerySet) -> Coalesce:
    # Grouping by a constant makes the correlated subquery one COUNT.
    counted = rows.order_by().values(everything=Value(1)).annotate(number=Count("pk")).values("number")
    return Coalesce(Subquery(counted, output_field=IntegerField()), 0)
