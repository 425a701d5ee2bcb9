"""Taking a whole import back: nobody new stays, every changed column gets its old value; or nothing happens.

Whether something depends on a new member is asked of every table that points at members, whichever app
it belongs to. Why such a row may go although members are never deleted: docs/decisions/0011.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date

from django.db import models
from django.utils import timezone

from organizations.fields import decrypt, digest
from organizations.imports.matching import fingerprint
from organizations.models import ImportBatch, ImportChange, ImportState, Member, Organization, User
from organizations.names import initials
from organizations.service import Refused, service
from organizations.services import audit

AT_ONCE = 1000
DATES = ("birth_date", "joined_party_on")
# A batch stored in part may have been checked again since, and that check forgotten after a day.
MAY_BE_UNDONE = (
    ImportState.STORED,
    ImportState.PARTIAL,
    ImportState.CHECKED,
    ImportState.REFUSED,
    ImportState.DROPPED,
)
MOST_NAMES = 50
CHANGED = "导入以后有人改过"
LEFT = "导入以后已登记离开"
IMPORTED_AGAIN = "后来的导入又改过"
NUMBER_TAKEN = "原来的身份证号已不能改回，请报区里核对"


@dataclass(frozen=True)
class Obstacle:
    """Somebody who stands in the way of the undo, and why."""

    member: int
    name: str
    row: int
    why: str


@dataclass
class Plan:
    """What an undo would do: so many taken back, so many put back, or who stands in the way."""

    taken_back: int = 0
    restored: int = 0
    obstacles: list[Obstacle] = field(default_factory=list)


class UndoRefused(Refused):
    def __init__(self, obstacles: list[Obstacle]):
        self.obstacles = obstacles
        names = "、".join(dict.fromkeys(one.name for one in obstacles[:3]))
        more = f"等 {len(obstacles)} 人" if len(obstacles) > 3 else ""
        super().__init__(
            f"不能撤销：{names}{more}的记录后来用到了或改过了，这次什么也没有动。原因见名单。",
            "depended_on",
        )


def is_undoable(batch: ImportBatch) -> bool:
    """What it did to whom is written down, and it is neither taken back nor being checked.

    An import that changed nobody has nothing to take back, and old ones did not write it down.
    """
    return batch.stored_at is not None and batch.state in MAY_BE_UNDONE and batch.changes.exists()


def undo_plan(batch: ImportBatch) -> Plan:
    """What would happen now; reads only."""
    plan = Plan()
    for changes in in_pieces(batch):
        members = {one.pk: one for one in known().filter(pk__in=[one.member_id for one in changes])}
        plan.obstacles += obstacles(batch, changes, members)
        plan.taken_back += sum(one.is_new for one in changes)
        plan.restored += sum(not one.is_new for one in changes)
    return plan


@service
def undo_batch(*, actor: User, batch: ImportBatch, version: int) -> dict:
    """Take back what this import stored, all or nothing. Undoing again returns the first result.

    `version` is the check the page showed. Refused by name where somebody new is used by now, or
    somebody changed is no longer as the import left them.
    """
    if not ImportBatch.objects.manageable_by(actor).filter(pk=batch.pk).exists():
        raise Refused("只能撤销本单位和下级的导入。", "scope")
    lock_branches(batch)
    batch = (
        ImportBatch.objects.select_for_update(no_key=True, of=("self",))
        .select_related("organization")
        .defer("verdict")
        .get(pk=batch.pk)
    )
    if batch.state == ImportState.UNDONE:
        return batch.result["undone"]
    if not is_undoable(batch):
        raise Refused("这份名册还没有存进系统，没有可以撤销的。", "not_stored")
    if version != batch.version:
        raise Refused("您打开这一页以后，这份名册又检查过。请再看一遍，然后撤销。", "stale")
    result = take_back(batch)
    batch.state, batch.undone_at, batch.undone_by = ImportState.UNDONE, timezone.now(), actor
    undone = {name: result[name] for name in ("taken_back", "restored")}
    batch.result = batch.result | {"undone": undone}
    batch.save(update_fields=["state", "undone_at", "undone_by", "result"])
    batch.pieces.all().delete()
    audit.record(
        actor=actor,
        action="roster.undone",
        summary=f"撤销导入：收回新增 {result['taken_back']} 人，改回 {result['restored']} 人",
        target=batch,
        organization=batch.organization,
        details=result,
    )
    return undone


def take_back(batch: ImportBatch) -> dict:
    """Under the locks: first everybody is looked at, then everybody is put back."""
    found = Plan()
    names: list[str] = []
    for changes in in_pieces(batch):
        members = locked_members(changes)
        found.obstacles += obstacles(batch, changes, members)
        if found.obstacles:
            continue
        new = [one for one in changes if one.is_new]
        old = [one for one in changes if not one.is_new]
        names += [one.name for one in new[: MOST_NAMES - len(names)]]
        found.taken_back += len(new)
        found.restored += len(old)
        delete([pk_of(one) for one in new])
        restore([(members[pk_of(one)], one.before) for one in old])
    if found.obstacles:
        raise UndoRefused(found.obstacles)
    return {"taken_back": found.taken_back, "restored": found.restored, "names": names}


def lock_branches(batch: ImportBatch) -> None:
    """Organizations before members; two acts on one branch's roster come one after the other."""
    branches = set(batch.changes.order_by().values_list("member__branch_id", flat=True).distinct())
    wanted = (branches - {None}) | {batch.organization_id}
    list(Organization.objects.select_for_update(no_key=True).filter(pk__in=sorted(wanted)).order_by("pk"))


def known() -> models.QuerySet[Member]:
    return Member.objects.defer("id_number", "phone").order_by("pk")


def locked_members(changes: list[ImportChange]) -> dict[int, Member]:
    """Rows that go are locked against new references to them, the others against other writers only."""
    members = {}
    for is_new in (False, True):
        rows = known().select_for_update(no_key=not is_new, of=("self",))
        wanted = [one.member_id for one in changes if one.is_new == is_new]
        members |= {one.pk: one for one in rows.filter(pk__in=wanted)}
    return members


def in_pieces(batch: ImportBatch) -> Iterator[list[ImportChange]]:
    """What the import did, in the order of the members; whoever is gone already is not in it.

    A member it touched twice (stored in parts) comes with the newest change first.
    """
    last = 0
    while True:
        rows = batch.changes.filter(member_id__gt=last).order_by("member_id", "-pk")
        piece = list(rows[: AT_ONCE + 1])
        if len(piece) > AT_ONCE:  # a member's changes stay together
            end = piece[-1].member_id
            piece = [one for one in piece if one.member_id != end]
        if not piece:
            return
        last = pk_of(piece[-1])
        yield merged(piece)


def pk_of(change: ImportChange) -> int:
    """The member of a change that is not taken back."""
    assert change.member_id is not None
    return change.member_id


def merged(changes: list[ImportChange]) -> list[ImportChange]:
    """One change per member: the end of the newest, the old values of the oldest."""
    by_member: dict[int, ImportChange] = {}
    for one in changes:
        newest = by_member.setdefault(pk_of(one), one)
        if newest is not one:
            newest.before, newest.is_new = newest.before | one.before, newest.is_new or one.is_new
    return list(by_member.values())


def obstacles(batch: ImportBatch, changes: list[ImportChange], members: dict[int, Member]) -> list[Obstacle]:
    used = uses([pk_of(one) for one in changes if one.is_new], batch)
    taken = numbers_taken(changes)
    found = []
    for one in changes:
        member = members[pk_of(one)]
        reasons = []
        if member.left_on:
            reasons.append(LEFT)
        elif fingerprint(member) != one.after:
            reasons.append(CHANGED)
        reasons += used.get(member.pk, []) + ([NUMBER_TAKEN] if member.pk in taken else [])
        if reasons:
            found.append(Obstacle(member.pk, member.name, one.row, "；".join(dict.fromkeys(reasons))))
    return found


def uses(members: list[int], batch: ImportBatch) -> dict[int, list[str]]:
    """Which tables know these members by now: member → reasons."""
    found: dict[int, list[str]] = defaultdict(list)
    for relation in Member._meta.get_fields(include_hidden=True):
        if not members or not isinstance(relation, models.ManyToOneRel):
            continue
        rows = relation.related_model._base_manager.filter(**{f"{relation.field.name}__in": members})
        if relation.related_model is ImportChange:
            rows = rows.exclude(batch=batch).exclude(batch__state=ImportState.UNDONE)
        for pk in rows.order_by().values_list(relation.field.attname, flat=True).distinct():
            found[pk].append(reason_of(relation.related_model))
    return found


def reason_of(model: type[models.Model]) -> str:
    """已用在“名册”里. A table between two models is called by the one that owns it."""
    if model is ImportChange:
        return IMPORTED_AGAIN
    if model is Member:
        return "有重复的记录并到了名下"
    between = model._meta.auto_created
    owner = between if isinstance(between, type) else model
    return f"已用在“{owner._meta.verbose_name}”里"


def numbers_taken(changes: Iterable[ImportChange]) -> set[int]:
    """Whose old ID number meanwhile belongs to somebody else."""
    wanted = {
        digest(decrypt(one.before["id_number"])): one.member_id
        for one in changes
        if not one.is_new and one.before.get("id_number")
    }
    holders = Member.objects.filter(id_digest__in=wanted).values_list("id_digest", "pk") if wanted else []
    return {wanted[held] for held, pk in holders if wanted[held] != pk}


def delete(members: list[int]) -> None:
    """Under the lock, after every table was asked: what an ORM delete would ask is known already."""
    ImportChange.objects.filter(member_id__in=members).update(member=None)
    rows = Member.objects.filter(pk__in=members)
    rows._raw_delete(rows.db)


def restore(rows: list[tuple[Member, dict]]) -> None:
    """The old values, and what is kept beside them; people with the same columns go together."""
    groups: dict[tuple[str, ...], list[Member]] = defaultdict(list)
    for member, before in rows:
        values = old_values(before)
        for name, value in values.items():
            setattr(member, name, value)
        groups[tuple(sorted(values))].append(member)
    for written, members in groups.items():
        if written:
            Member.objects.bulk_update(members, written, batch_size=100)


def old_values(before: dict) -> dict:
    values = dict(before)
    for name in DATES:
        if values.get(name):
            values[name] = date.fromisoformat(values[name])
    if "id_number" in values:
        values["id_number"] = decrypt(values["id_number"])
        values["id_digest"] = digest(values["id_number"])
    if "phone" in values:
        values["phone"] = decrypt(values["phone"])
        values |= {"phone_digest": digest(values["phone"]), "phone_tail": values["phone"][-4:]}
    if "name" in values:
        values["initials"] = initials(values["name"])
    return values
