"""What pages of several apps ask about organizations, and the shape of a to-do."""

from dataclasses import dataclass

from django.db.models import Count, Exists, IntegerField, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, Concat

from organizations.models import AuditEvent, Member, Organization, Role, Transfer, User
from organizations.queries.history import Step, bulk_steps, import_steps, newest
from organizations.queries.search import by_name
from organizations.tree import ancestors, within


@dataclass(frozen=True)
class Todo:
    """One line of 待办: what waits, how much of it, where it is done. `level` is info, warn or good.

    `later`: the address of a fragment that takes its place, where counting takes
    longer than a page should.
    """

    text: str
    count: int
    url: str
    level: str = "info"
    later: str = ""


def organization_trail(organization: Organization, user: User) -> list[Organization]:
    """From the account's own organization down to this one: the breadcrumb, never above the scope."""
    top = len(user.organization.path)
    paths = [path for path in ancestors(organization.path) if len(path) >= top]
    return list(Organization.objects.filter(path__in=paths).order_by("path"))


def records_of(member: Member) -> QuerySet[Member]:
    """This record and those merged into it. Asked by key: an OR over both tables would read them whole."""
    return Member.objects.filter(Q(pk=member.pk) | Q(merged_into=member)).order_by()


# Kept as a Transfer, too; one line of a history is enough.
TOLD_BY_TRANSFERS = ("member.transferred", "transfer.accepted")


def member_history(member: Member, user: User, most: int = 50) -> list[Step | AuditEvent]:
    """What happened to one member; moves are read from the transfers, for many may move in one act."""
    told = AuditEvent.objects.about(member, user).exclude(action__in=TOLD_BY_TRANSFERS)[:most]
    its_own = records_of(member).values("pk")
    between = Transfer.objects.filter(member__in=its_own).select_related(
        "from_branch", "to_branch", "accepted_by"
    )
    moves = between.order_by("-pk")[:most]
    went = [
        Step(
            at=move.at,
            actor_name=move.accepted_by.name,
            summary=f"{member.name}由{move.from_branch.name}转到{move.to_branch.name}，"
            f"{move.day.year}年{move.day.month}月{move.day.day}日起",
        )
        for move in moves
    ]
    done = [*bulk_steps(member, user, most), *import_steps(member, user, most)]
    return newest([*told, *went, *done], most)


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


# The filters of the member list, in the order they are shown: word in the address, label, condition.
MEMBER_FILTERS: dict[str, tuple[str, Q]] = {
    "": ("在册", Q(left_on__isnull=True)),
    "floating": ("流动在外", Q(left_on__isnull=True, is_floating=True)),
    "home": ("居家送学", Q(left_on__isnull=True, is_home_bound=True)),
    "hard": ("困难党员", Q(left_on__isnull=True, is_in_difficulty=True)),
    "left": ("已离开", Q(left_on__isnull=False)),
}


def members(*, user: User, unit: Organization | None, show: str, text: str) -> QuerySet[Member]:
    """Members of the account's scope, of one organization's subtree if given, by filter and name."""
    rows = Member.objects.visible_to(user).select_related("branch").filter(MEMBER_FILTERS[show][1])
    if unit:
        rows = rows.filter(within("branch__path", unit.path))
    return rows.filter(by_name(text)) if text.strip() else rows


def organizations_without(*, user: User, role: str, text: str) -> QuerySet[Organization]:
    """Open organizations of the scope where an account of this role is still missing."""
    rows = Organization.objects.manageable_by(user).open().exclude(pk=user.organization_id)
    served = User.objects.filter(organization=OuterRef("pk"), role=role, is_active=True)
    rows = rows.branches() if role == Role.RECORDER else rows
    rows = rows.filter(Q(name__contains=text.strip()) | Q(code__startswith=text.strip()))
    return rows.exclude(Exists(served)).order_by("depth", "path")


def audit_events(*, user: User, text: str) -> QuerySet[AuditEvent]:
    """The audit of the account's subtree, searched by who and what."""
    rows = AuditEvent.objects.visible_to(user)
    text = text.strip()
    return rows.filter(Q(summary__contains=text) | Q(actor_name__startswith=text)) if text else rows
