"""One person registered twice: one record gives way to the other, or somebody says they are two."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.utils import timezone

from organizations.fields import mask_id_number, mask_phone
from organizations.models import PRECISION_OF, Member, NotTwins, RequestState, TransferRequest, User
from organizations.names import initials
from organizations.service import Refused, service
from organizations.services import audit, changes

MERGED = "重复登记，已合并"
# What people know of somebody, and the columns that go with it. Branch and place stay those of the winner.
FACTS: dict[str, tuple[str, ...]] = {
    "name": ("name",),
    "sex": ("sex",),
    "birth_date": ("birth_date", "birth_precision"),
    "id_number": ("id_number", "id_digest"),
    "phone": ("phone", "phone_digest", "phone_tail"),
    "category": ("category",),
    "post": ("post",),
    "party_group": ("party_group",),
    "joined_party_on": ("joined_party_on", "joined_party_precision"),
    "is_floating": ("is_floating", "floating_to", "contact_person"),
    "is_home_bound": ("is_home_bound",),
    "is_in_difficulty": ("is_in_difficulty",),
}
OF_THE_BRANCH = ("post", "party_group")
MASKS = {"id_number": mask_id_number, "phone": mask_phone}


@dataclass(frozen=True)
class Fact:
    """One thing both records say something of. `choose`: they differ, and a person decides."""

    name: str
    label: str
    mine: str
    theirs: str
    choose: bool
    from_theirs: bool

    @property
    def stands(self) -> str:
        return self.theirs if self.from_theirs else self.mine


def compared(winner: Member, loser: Member, chosen: Collection[str] = ()) -> list[Fact]:
    """Field by field what both say and what will stand: what only the loser knows goes along."""
    facts = []
    for name in FACTS:
        mine, theirs = _words(winner, name), _words(loser, name)
        elsewhere = name in OF_THE_BRANCH and winner.branch_id != loser.branch_id
        differs = not elsewhere and _said(winner, name) != _said(loser, name)
        choose = differs and bool(mine and theirs)
        from_theirs = name in chosen if choose else differs and bool(theirs)
        label = str(Member._meta.get_field(name).verbose_name)  # type: ignore[union-attr]
        facts.append(Fact(name, label, mine, theirs, choose, from_theirs))
    return facts


def _said(member: Member, name: str) -> tuple[object, object]:
    """The value; of a day also how exactly it is known."""
    return getattr(member, name), getattr(member, PRECISION_OF.get(name, name))


def _words(member: Member, name: str) -> str:
    value = getattr(member, name)
    if name in MASKS:
        return MASKS[name](value)
    if name == "is_floating" and value:
        return f"是，在{member.floating_to}" if member.floating_to else "是"
    return changes.fact(member, name)[1]


@service
def merge_members(
    *,
    actor: User,
    winner: Member,
    loser: Member,
    chosen: Collection[str] = (),
    besides: Sequence[dict] = (),
) -> bool:
    """The record `loser` gives way to `winner`; False where it did before, and nothing is changed.

    What only the loser knows goes along; where both know, `chosen` names what is taken
    from the loser. The loser stays readable: it has left today and says where it went.
    Both must lie in the scope, and the one that stays must be present. `besides`: what else
    of the same act the history tells.
    """
    pair = lock_pair(actor, winner, loser)
    if pair is None:
        return False
    winner, loser = pair
    facts = compared(winner, loser, chosen)
    details = {"changes": [*_news(facts), _where_from(winner, loser), *besides], "member": loser.pk}
    _give_way(winner, loser, [fact.name for fact in facts if fact.from_theirs])
    audit.record(
        actor=actor,
        action="member.merged",
        summary=f"合并重复登记：{loser.name}（{loser.branch.name}）的另一条记录并入{winner.branch.name}的{winner.name}",
        target=winner,
        organization=winner.branch,
        details=details,
    )
    return True


@service
def tell_apart(*, actor: User, one: Member, other: Member) -> None:
    """These two are two persons: nobody is asked again. Saying it again changes nothing."""
    lesser, greater = sorted(_both(actor, one, other), key=lambda member: member.pk)
    _, is_new = NotTwins.objects.get_or_create(lesser=lesser, greater=greater, defaults={"said_by": actor})
    if is_new:
        audit.record(
            actor=actor,
            action="member.told_apart",
            summary=f"核对后不是同一人：{lesser.name}（{lesser.branch.name}）和{greater.name}（{greater.branch.name}）",
            target=lesser,
            organization=lesser.branch,
            details={"member": greater.pk},
        )


def lock_pair(actor: User, winner: Member, loser: Member) -> tuple[Member, Member] | None:
    """Both as stored now and locked until the transaction ends; None where they were merged before."""
    winner, loser = _both(actor, winner, loser)
    if loser.merged_into_id == winner.pk:
        return None
    _refuse(winner, loser)
    return winner, loser


def _both(actor: User, one: Member, other: Member) -> tuple[Member, Member]:
    """Both as stored now, locked in one order, in the actor's scope."""
    if one.pk == other.pk:
        raise Refused("这是同一条记录，请另选一条。", code="same")
    rows = Member.objects.select_for_update(no_key=True, of=("self",)).select_related("branch").order_by("pk")
    mine = Member.objects.manageable_by(actor)
    found = {m.pk: m for m in rows.filter(pk__in=mine.values("pk")).filter(pk__in=(one.pk, other.pk))}
    if len(found) != 2:
        raise Refused("有一条记录不在您的管理范围内，请由上级核对合并。", code="scope")
    return found[one.pk], found[other.pk]


def _refuse(winner: Member, loser: Member) -> None:
    for member in (winner, loser):
        if member.merged_into:
            raise Refused(
                f"{member.branch.name}的{member.name}这条记录已经并入另一条，请打开那一条再看。",
                code="merged",
            )
    if winner.left_on:
        raise Refused(
            f"留下的那条记录要是在册的，{winner.branch.name}的这条已经离开。请把两条换过来。", code="left"
        )
    if TransferRequest.objects.filter(member=loser, state=RequestState.WAITING).exists():
        raise Refused(
            f"{loser.branch.name}的{loser.name}还有等对方接收的转接申请，请先撤回再合并。", code="request"
        )


def _news(facts: list[Fact]) -> list[dict]:
    """What changes on the record that stays; of numbers only that they do."""
    return [
        {"field": fact.name, "label": fact.label}
        | ({} if fact.name in MASKS else {"before": fact.mine, "after": fact.theirs})
        for fact in facts
        if fact.from_theirs
    ]


def _where_from(winner: Member, loser: Member) -> dict:
    told = [loser.name, loser.branch.name, _words(loser, "birth_date"), loser.party_group]
    if loser.left_on:
        told.append(f"{changes.words(loser.left_on)}离开：{loser.left_reason}")
    return {
        "field": "merged_into",
        "label": "并入的记录",
        "before": "，".join(filter(None, told)),
        "after": f"{winner.name}，{winner.branch.name}",
    }


def _give_way(winner: Member, loser: Member, taken: list[str]) -> None:
    """The numbers leave the loser first: an ID number is unique. One that is given up stays with it."""
    columns = [column for name in taken for column in FACTS[name]]
    theirs = {column: getattr(loser, column) for column in columns}
    for name in set(taken) & set(MASKS):
        for column in FACTS[name]:
            setattr(loser, column, "")
    loser.left_on, loser.left_reason = loser.left_on or timezone.localdate(), MERGED
    loser.merged_into = winner
    loser.save()
    given_up = {column: getattr(winner, column) for name in taken if name in MASKS for column in FACTS[name]}
    for column, value in theirs.items():
        setattr(winner, column, value)
    winner.initials = initials(winner.name)
    winner.save()
    for column, value in given_up.items():
        setattr(loser, column, value)
    loser.save()
