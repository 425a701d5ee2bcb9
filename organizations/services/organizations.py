"""The tree of Party organizations: added, renamed, put under another superior, closed. Never deleted."""

from collections.abc import Iterable

from django.db.models import Q, Value
from django.db.models.functions import Concat, Substr
from django.utils import timezone

from organizations.models import BRANCH_KINDS, AuditEvent, Member, Organization, User
from organizations.service import Refused, service
from organizations.services import audit, changes
from organizations.tree import within

EDITABLE = ("name", "kind", "contact_name", "contact_phone")


@service
def create_root(*, code: str, name: str, kind: str) -> Organization:
    """The top of the tree, once per installation. With the same code again: the one that is there."""
    root = Organization.objects.order_by("path").first()
    if root:
        if root.code == code:
            return root
        raise Refused(f"已经有最上级党组织“{root.name}”（{root.code}），不能再建一个。")
    root = Organization.objects.add_root(instance=Organization(code=code, name=name, kind=kind))
    audit.record(
        actor=None,
        action="organization.created",
        summary=f"建立党组织：{name}",
        target=root,
        organization=root,
    )
    return root


@service
def create_organization(
    *,
    actor: User,
    parent: Organization,
    code: str,
    name: str,
    kind: str,
    contact_name: str = "",
    contact_phone: str = "",
) -> Organization:
    """A new organization, listed after its sisters. A code that is taken is refused."""
    parent = _mine(actor, parent)
    if parent.kind in BRANCH_KINDS:
        raise Refused(f"{parent.name}是{parent.get_kind_display()}，下面不能再设党组织。")
    if parent.closed_on:
        raise Refused(f"{parent.name}已经撤销，下面不能再设党组织。")
    code, name = code.strip(), name.strip()
    if Organization.objects.filter(code=code).exists():
        raise Refused(f"代码 {code} 已经有党组织在用，请换一个。", code="code_taken")
    created = Organization(
        code=code, name=name, kind=kind, contact_name=contact_name, contact_phone=contact_phone
    )
    _require_new_name(parent, created)
    created = Organization.objects.add_child(parent, instance=created)
    _onto_fresh_path(created)
    audit.record(
        actor=actor,
        action="organization.created",
        summary=f"新设党组织：{name}（{parent.name}）",
        target=created,
        organization=created,
    )
    return created


@service
def change_organization(*, actor: User, organization: Organization, **values) -> Organization:
    """Rename, correct kind or contact. Open campaigns take the new name over when somebody adopts it."""
    organization = _mine(actor, organization)
    if foreign := set(values) - set(EDITABLE):
        raise TypeError(f"no fields people may change: {foreign}")
    before = changes.facts(organization, values)
    changed = [name for name in values if getattr(organization, name) != values[name]]
    if not changed:
        return organization
    for name in changed:
        setattr(organization, name, values[name])
    _require_possible_kind(organization)
    if parent := Organization.objects.get_parent(organization):
        _require_new_name(parent, organization)
    organization.save(update_fields=changed)
    differences = changes.between(before, changes.facts(organization, values))
    audit.record(
        actor=actor,
        action="organization.changed",
        summary=f"修改党组织：{organization.name}{changes.labels(differences)}",
        target=organization,
        organization=organization,
        details={"changes": differences},
    )
    return organization


@service
def move_organization(*, actor: User, organization: Organization, parent: Organization) -> Organization:
    """`organization` and all below it belong to `parent` from now on, last among its sisters.

    Members and accounts come along and keep their scope; the old superior sees them no more.
    Open campaigns take it over when somebody adopts it, closed ones keep the tree they had.
    Repeating it changes nothing. Told to both sides.
    """
    organization, parent, old = _locked_for_move(actor, organization, parent)
    if old.pk == parent.pk:
        return organization
    _refuse_place(organization, parent)
    Organization.objects.move(organization, parent, "last-child")
    organization.refresh_from_db()
    _onto_fresh_path(organization)
    difference = {"field": "parent", "label": "上级党组织", "before": old.name, "after": parent.name}
    audit.record(
        actor=actor,
        action="organization.moved",
        summary=f"{organization.name}由{old.name}划到{parent.name}",
        target=organization,
        organization=organization,
        details={"changes": [difference]},
    )
    audit.record(
        actor=actor,
        action="organization.gone",
        summary=f"{organization.name}划走，不再属于{old.name}",
        target=old,
        organization=old,
    )
    return organization


@service
def close_organization(*, actor: User, organization: Organization) -> Organization:
    """撤销. Refused while anything in it is alive, with what to do first; a second time changes nothing."""
    organization = _mine(actor, organization)
    if organization.closed_on:
        return organization
    if organization.pk == actor.organization_id:
        raise Refused("自己所在的党组织要由上级撤销。")
    _require_empty(organization)
    organization.closed_on = timezone.localdate()
    organization.save(update_fields=["closed_on"])
    audit.record(
        actor=actor,
        action="organization.closed",
        summary=f"撤销党组织：{organization.name}",
        target=organization,
        organization=organization,
    )
    return organization


def lock_organizations(ids: Iterable[int]) -> list[Organization]:
    """For a write that concerns several: held in one order, before anybody's own lock of one of them."""
    return list(Organization.objects.select_for_update(no_key=True).filter(pk__in=set(ids)).order_by("pk"))


def _mine(actor: User, organization: Organization) -> Organization:
    """The organization as stored now, locked, in the actor's scope."""
    rows = Organization.objects.manageable_by(actor).select_for_update(no_key=True)
    found = rows.filter(pk=organization.pk).first()
    if found is None:
        raise Refused("这个党组织不在您的管理范围内。", code="scope")
    return found


def _locked_for_move(
    actor: User, organization: Organization, parent: Organization
) -> tuple[Organization, Organization, Organization]:
    """The organization, its new and its old superior as stored now, both ends in the actor's scope.

    Two moves at once could put each below the other: the root is held first, so one waits for the
    other. Then all whose path may change, so that nobody adds to them meanwhile.
    """
    rows = Organization.objects.select_for_update(no_key=True)
    list(rows.filter(depth=1))
    mine = Organization.objects.manageable_by(actor)
    here = mine.filter(pk=organization.pk).first()
    if here is None:
        raise Refused("这个党组织不在您的管理范围内。", code="scope")
    if here.pk == actor.organization_id:
        raise Refused("自己所在的党组织要由上级来换。", code="own")
    there = mine.filter(pk=parent.pk).first()
    if there is None:
        raise Refused("新的上级不在您的管理范围内，请由上级办理。", code="scope")
    above = here.path[: -Organization.steplen]
    concerned = within("path", here.path) | Q(path__in=[above, there.path])
    locked = {one.path: one for one in rows.filter(concerned).order_by("pk")}
    return locked[here.path], locked[there.path], locked[above]


def _refuse_place(organization: Organization, parent: Organization) -> None:
    if organization.contains(parent):
        raise Refused(f"{parent.name}就在{organization.name}下面，不能反过来做它的上级。", code="cycle")
    if parent.kind in BRANCH_KINDS:
        raise Refused(f"{parent.name}是{parent.get_kind_display()}，下面不能再设党组织。", code="kind")
    for one in (organization, parent):
        if one.closed_on:
            raise Refused(f"{one.name}已经撤销，不能再换上级。", code="closed")
    _require_new_name(parent, organization)


def _onto_fresh_path(organization: Organization) -> None:
    """Scope is a range of paths, and the audit keeps the paths of its day: a place somebody's history
    was written under is never given to anybody else, though the one who had it has moved away."""
    written = AuditEvent.objects.filter(within("path", organization.path))
    if not written.exists():
        return
    above = organization.path[: -Organization.steplen]
    last = AuditEvent.objects.filter(within("path", above)).order_by("-path")[0]
    step = Organization._str2int(last.path[len(above) :][: Organization.steplen]) + 1
    fresh = Organization._get_path(above, organization.depth, step)
    rest = Substr("path", len(organization.path) + 1)
    Organization.objects.below(organization).order_by().update(path=Concat(Value(fresh), rest))
    organization.refresh_from_db()


def _require_new_name(parent: Organization, organization: Organization) -> None:
    # Paths of the sisters are one step longer; the import finds a branch by its name among them.
    sisters = Organization.objects.below(parent).open().filter(depth=parent.depth + 1)
    if sisters.filter(name=organization.name).exclude(pk=organization.pk).exists():
        raise Refused(f"{parent.name}下面已经有“{organization.name}”，请换一个名称。")


def _require_possible_kind(organization: Organization) -> None:
    has_members = Member.objects.present().filter(branch=organization).exists()
    if has_members and not organization.holds_people:
        raise Refused(f"{organization.name}里有党员，类别只能是党支部。请先把党员转出。")
    if organization.holds_people and organization.numchild:
        raise Refused(f"{organization.name}下面还有党组织，不能改成党支部。")


def _require_empty(organization: Organization) -> None:
    below = Organization.objects.below(organization)
    members = Member.objects.present().filter(branch__in=below).count()
    if members:
        raise Refused(f"{organization.name}里还有 {members} 名党员，请先把他们转出或登记离开，再撤销。")
    children = below.open().exclude(pk=organization.pk).count()
    if children:
        raise Refused(f"{organization.name}下面还有 {children} 个党组织，请先撤销它们。")
    accounts = User.objects.filter(organization__in=below, is_active=True).count()
    if accounts:
        raise Refused(f"{organization.name}还有 {accounts} 个在用的账号，请先停用账号，再撤销。")
