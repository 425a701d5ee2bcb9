"""One act on many records: all or none, one line in the audit, taken back by whoever did it.

Kinds of records that can be changed this way say so in EDITS; an app to the right adds its own:

    EDITS["servicetask.change"] = Edit(ServiceTask, "实事", ("owner_id", "deadline"), fetch, refusal, ...)
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Field, Model
from django.utils import timezone

from organizations.fields import decrypt, digest, encrypt
from organizations.id_number import without_numbers
from organizations.models import BulkAct, BulkChange, Member, Organization, User
from organizations.service import Refused, service
from organizations.services import audit, changes

MOST_AT_ONCE = 500
UNDO_WITHIN = timedelta(hours=24)
Values = Mapping[str, Any]
Told = list[dict[str, str]]


def nothing_more(actor: User, records: list, told: dict[int, Told]) -> None:
    """Most records keep no history of their own beside the audit."""


def anything_goes(actor: User, values: dict[str, Any]) -> None:
    """Most values are judged by the form alone."""


@dataclass(frozen=True)
class Edit:
    """Records whose columns may be changed by the hundred.

    `fetch(actor, ids)`: those rows as stored now, locked, in the actor's scope. `refusal(actor, record)`:
    why this one may not be changed, or "". `organization(record)`: whose history it belongs to.
    `check(actor, values)` refuses values nobody may be given. `after(actor, records, told)`: what else is
    written, in the same transaction.
    """

    model: type[Model]
    noun: str
    columns: tuple[str, ...]
    fetch: Callable[[User, Sequence[int]], list]
    refusal: Callable[[User, Any], str]
    organization: Callable[[Any], Organization]
    check: Callable[[User, dict[str, Any]], None] = anything_goes
    after: Callable[[User, list, dict[int, Told]], None] = nothing_more
    secret: tuple[str, ...] = ()

    def field(self, column: str) -> Field:
        return next(one for one in self.model._meta.concrete_fields if one.attname == column)

    def kept(self, values: Values) -> dict[str, Any]:
        """Values as they go into a `BulkChange`."""
        return {
            column: encrypt(value)
            if column in self.secret
            else str(value)
            if isinstance(value, date)
            else value
            for column, value in values.items()
        }

    def read(self, kept: Values) -> dict[str, Any]:
        return {
            column: decrypt(value) if column in self.secret else self.field(column).to_python(value)
            for column, value in kept.items()
        }

    def words(self, column: str, value: Any, names: Mapping[tuple[str, Any], str]) -> str:
        if self.field(column).is_relation:
            return names.get((column, value), "")
        return changes.words(value, dict(self.field(column).flatchoices))

    def names(self, several: Sequence[Values]) -> dict[tuple[str, Any], str]:
        """What the rows that are pointed at are called, read in one statement for each column."""
        found = {}
        for column in self.columns:
            if related := self.field(column).related_model:
                wanted = {values[column] for values in several if values.get(column)}
                rows = related._default_manager.filter(pk__in=wanted)
                found.update({(column, row.pk): str(row) for row in rows})
        return found

    def told(self, before: Values, after: Values, names: Mapping[tuple[str, Any], str]) -> Told:
        """Old and new in words; of a telephone only that it changed."""
        lines = []
        for column in (column for column in before if before[column] != after[column]):
            line = {"field": self.field(column).name, "label": str(self.field(column).verbose_name)}
            if column not in self.secret:
                line["before"] = self.words(column, before[column], names)
                line["after"] = self.words(column, after[column], names)
            lines.append(line)
        return lines


EDITS: dict[str, Edit] = {}
# Acts that are taken back by a service of their own.
UNDO: dict[str, Callable[..., "Undone"]] = {}
# Acts that ended something or have gone out of the house: why they are not taken back, and what to do.
FINAL = {
    "account.close": "停用账号不能撤销；要再用，请给它重置密码。",
    "account.reset": "旧密码已经作废，恢复不了；需要时可以再重置一次。",
}


@dataclass
class Undone:
    """What taking an act back did: how many were put back, and who was left alone and why."""

    done: int = 0
    left: list[str] = field(default_factory=list)
    verb: str = "恢复"


def current(record: Model, columns: Sequence[str]) -> dict[str, Any]:
    return {column: getattr(record, column) for column in columns}


@service
def change_many(
    *, actor: User, kind: str, ids: Sequence[int], values: Values, request_uuid: UUID
) -> BulkAct | None:
    """Set these columns of these records. The same `request_uuid` again gives the same act.

    One that may not be changed refuses all, by name. None when every record was like that already.
    """
    edit, columns = EDITS[kind], list(values)
    if foreign := set(columns) - set(edit.columns):
        raise TypeError(f"not columns to change at once: {foreign}")
    sent = sending(kind, ids, values)
    if earlier := sent_before(actor, request_uuid, sent):
        return earlier
    records = fetched(edit.fetch, actor, ids)
    edit.check(actor, dict(values))
    old = {record.pk: current(record, columns) for record in records}
    changed = [record for record in records if old[record.pk] != dict(values)]
    if not changed:
        return None
    for record in changed:
        write(record, values)
        require_possible(record, edit.refusal(actor, record))
    edit.model._default_manager.bulk_update(changed, columns, batch_size=MOST_AT_ONCE)
    names = edit.names([*old.values(), values])
    told = {record.pk: edit.told(old[record.pk], values, names) for record in changed}
    edit.after(actor, changed, told)
    lines = [
        Line(record, edit.organization(record), edit.kept(old[record.pk]), edit.kept(values), told[record.pk])
        for record in changed
    ]
    return keep(actor, kind, summary_of(edit, changed, values, names), request_uuid, lines, sent)


def summary_of(edit: Edit, changed: list, values: Values, names: Mapping[tuple[str, Any], str]) -> str:
    """把3名党员的党小组改为“二组”：甲、乙、丙"""
    said = "，".join(
        f"{edit.field(column).verbose_name}"
        + ("" if column in edit.secret else f"改为“{edit.words(column, value, names) or '空'}”")
        for column, value in values.items()
    )
    return f"批量修改{len(changed)}条{edit.noun}（{said}）：{changes.names(changed, '条')}"


def take_back(*, actor: User, act: BulkAct) -> Undone:
    """Undo by the service that knows how."""
    undo = UNDO.get(act.kind, undo_act)
    return undo(actor=actor, act=act)


@service
def undo_act(*, actor: User, act: BulkAct) -> Undone:
    """Put back what each record was, where it still is as the act left it; the others are named.

    One's own act, within a day. A second time changes nothing.
    """
    mine = BulkAct.objects.manageable_by(actor).select_for_update(no_key=True, of=("self",))
    found = mine.filter(pk=act.pk).first()
    if found is None:
        raise Refused("只能撤销自己办的批量办理。", code="scope")
    if found.undone_at:
        return Undone()
    if problem := why_not_undone(found):
        raise Refused(problem, code="final")
    edit, outcome = EDITS[found.kind], Undone()
    kept = list(found.changes.all())
    stored = {record.pk: record for record in edit.fetch(actor, [change.target_id for change in kept])}
    names = edit.names([edit.read(change.before) for change in kept])
    back = []
    for change in kept:
        record = stored.get(change.target_id)
        problem = why_left(edit, actor, record, change, names)
        if problem:
            outcome.left.append(f"{change.name}（{problem}）")
        else:
            back.append((record, change))
    put_back(edit, actor, back)
    outcome.done, found.undone_at = len(back), timezone.now()
    found.save(update_fields=["undone_at"])
    found.changes.filter(pk__in=[change.pk for _, change in back]).update(was_undone=True)
    tell_undone(actor, found, outcome)
    return outcome


def why_not_undone(act: BulkAct) -> str:
    """Why this act cannot be taken back, in words; "" when it can."""
    if act.kind not in EDITS and act.kind not in UNDO:
        return FINAL.get(act.kind, "这一种办理不能撤销。")
    if timezone.now() - act.at > UNDO_WITHIN:
        return "已经过了24小时，不能一次撤销了；要改回去，请到各条记录里改。"
    return ""


def why_left(
    edit: Edit,
    actor: User,
    record: Model | None,
    change: BulkChange,
    names: Mapping[tuple[str, Any], str],
) -> str:
    """Why undoing leaves this record alone; "" when it may be put back, and then it holds the old values.

    Asked of the record as it would be: what stands beside the old values may be new.
    """
    if record is None:
        return "已经不归您管理"
    before, after = edit.read(change.before), edit.read(change.after)
    if current(record, list(after)) != after:
        return "后来又改过"
    for column, value in before.items():
        if value and edit.field(column).is_relation and (column, value) not in names:
            return f"原来的{edit.field(column).verbose_name}已经不在了"
    write(record, before)
    return edit.refusal(actor, record)


def put_back(edit: Edit, actor: User, back: list[tuple[Any, BulkChange]]) -> None:
    if not back:
        return
    old = {record.pk: edit.read(change.before) for record, change in back}
    new = {record.pk: edit.read(change.after) for record, change in back}
    names = edit.names([*old.values(), *new.values()])
    records = [record for record, _ in back]
    columns = list(old[records[0].pk])
    edit.model._default_manager.bulk_update(records, columns, batch_size=MOST_AT_ONCE)
    edit.after(actor, records, {pk: edit.told(new[pk], old[pk], names) for pk in old})


def write(record: Model, values: Values) -> None:
    for column, value in values.items():
        setattr(record, column, value)


def tell_undone(actor: User, act: BulkAct, outcome: Undone) -> None:
    rest = f"，{len(outcome.left)}条没有动：{'、'.join(outcome.left[:3])}" if outcome.left else ""
    audit.record(
        actor=actor,
        action="bulk.undone",
        summary=f"撤销“{act.summary[:150]}”，{outcome.verb}{outcome.done}条{rest}",
        target=act,
        details={"left": outcome.left},
    )


def sending(kind: str, ids: Iterable[int], values: Values) -> str:
    """What a page asks for, to tell its second sending from another act under the same key."""
    said = sorted((column, str(value)) for column, value in values.items())
    return digest(repr((kind, sorted(set(ids)), said)))


def sent_before(actor: User, request_uuid: UUID, sent: str) -> BulkAct | None:
    """The act of this very page; a page of the same key that asks for something else is refused."""
    act = BulkAct.objects.filter(actor=actor, request_uuid=request_uuid).first()
    if act and act.sent != sent:
        raise Refused(
            "这一页刚才已经办过，这次选的或填的和那时不一样，没有再办。请回到列表，重新勾选再办。",
            code="sent_otherwise",
        )
    return act


def fetched(fetch: Callable[[User, Sequence[int]], list], actor: User, ids: Sequence[int]) -> list:
    """All of them, or a refusal: what lies outside the scope is not left out in silence."""
    wanted = sorted(set(ids))
    if not wanted:
        raise Refused("请先勾选要办的记录。", code="none")
    if len(wanted) > MOST_AT_ONCE:
        raise Refused(f"一次最多办{MOST_AT_ONCE}条，选中的更多。请先筛选，分几次办。", code="too_many")
    found = fetch(actor, wanted)
    if len(found) != len(wanted):
        raise Refused("选中的有一些不在您的管理范围内，一条都没有办。", code="scope")
    return found


def require_possible(record: object, problem: str) -> None:
    if problem:
        raise Refused(f"{record}：{problem}。这次一条都没有办，请去掉它再办。", code="one_refuses")


@dataclass(frozen=True)
class Line:
    """What an act does to one record."""

    record: Any
    organization: Organization
    before: dict[str, Any]
    after: dict[str, Any]
    told: Told


def keep(
    actor: User, kind: str, summary: str, request_uuid: UUID, lines: Sequence[Line], sent: str
) -> BulkAct:
    """The act, what it did to each record, and its one line in the audit."""
    summary = without_numbers(summary)[:300]
    try:
        with transaction.atomic():
            act = BulkAct.objects.create(
                actor=actor, kind=kind, summary=summary, request_uuid=request_uuid, sent=sent
            )
    except IntegrityError as clash:
        # Two sendings of one page: the other one is just done.
        raise Refused("这一页刚才已经办过了，请看“批量办理”。", code="sent_twice") from clash
    BulkChange.objects.bulk_create(
        [
            BulkChange(
                act=act,
                target_type=line.record._meta.label_lower,
                target_id=line.record.pk,
                path=line.organization.path,
                name=without_numbers(str(line.record))[:100],
                before=line.before,
                after=line.after,
                told=audit.masked(line.told),
            )
            for line in lines
        ]
    )
    concerned = {line.organization.pk: line.organization for line in lines}
    audit.record(
        actor=actor,
        action=f"bulk.{kind}",
        summary=summary,
        target=act,
        organization=next(iter(concerned.values())) if len(concerned) == 1 else actor.organization,
        details={"records": len(lines), "changes": changes.together(line.told for line in lines)},
    )
    return act


# --- Members and organizations ------------------------------------------------------------
def fetch_members(actor: User, ids: Sequence[int]) -> list[Member]:
    rows = Member.objects.select_for_update(no_key=True, of=("self",)).select_related("branch").order_by("pk")
    return list(rows.filter(pk__in=Member.objects.manageable_by(actor).filter(pk__in=ids).values("pk")))


def member_refusal(actor: User, member: Member) -> str:
    if member.left_on:
        return "已经登记离开"
    if member.floating_to and not member.is_floating:
        return "填了外出流向，就要同时是流动党员"
    return ""


def fetch_organizations(actor: User, ids: Sequence[int]) -> list[Organization]:
    rows = Organization.objects.manageable_by(actor).select_for_update(no_key=True)
    # As every write that holds several: in one order, or two wait for each other.
    return list(rows.filter(pk__in=ids).order_by("pk"))


def organization_refusal(actor: User, organization: Organization) -> str:
    return "已经撤销" if organization.closed_on else ""


EDITS["member.change"] = Edit(
    model=Member,
    noun="党员",
    columns=("party_group", "category", "is_floating", "floating_to", "contact_person", "is_home_bound"),
    fetch=fetch_members,
    refusal=member_refusal,
    organization=lambda member: member.branch,
)
EDITS["organization.change"] = Edit(
    model=Organization,
    noun="党组织",
    columns=("contact_name", "contact_phone"),
    fetch=fetch_organizations,
    refusal=organization_refusal,
    organization=lambda organization: organization,
    secret=("contact_phone",),
)
