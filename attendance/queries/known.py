"""What the member list itself knows of a change the roster now follows: who did it there, and why."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from attendance.models import RosterEntry
from organizations.models import AuditEvent, Member, Transfer, User

AT_ONCE = 500


@dataclass(frozen=True)
class Known:
    """Whatever the member list does not know was done by whoever adopted it."""

    adopter: User
    acts: dict[tuple[str, int], User] = field(default_factory=dict)
    moves: dict[int, Transfer] = field(default_factory=dict)

    def by(self, entries: Iterable[RosterEntry], action: str = "") -> dict[int, User]:
        """Who moved them, or who did `action` with their record: by the entry's key."""
        return {entry.pk: self._actor(entry.member, action) for entry in entries}

    def _actor(self, member: Member, action: str) -> User:
        if action and (actor := self.acts.get((action, member.pk))):
            return actor
        move = self.move(member)
        return move.accepted_by if move and action in ("", "member.created") else self.adopter

    def move(self, member: Member) -> Transfer | None:
        """The transfer that brought the member to where they are now."""
        move = self.moves.get(member.pk)
        return move if move and move.to_branch_id == member.branch_id else None

    def request_note(self, member: Member) -> str:
        """What whoever asked for the transfer wrote to the receiving side."""
        move = self.move(member)
        request = getattr(move, "request", None)
        return f"（{request.note}）" if request and request.note else ""


def known(adopter: User, entries: Iterable[RosterEntry]) -> Known:
    """Of the members behind these entries; a handful of statements for five hundred of them."""
    ids = sorted({entry.member_id for entry in entries})
    found = Known(adopter)
    for start in range(0, len(ids), AT_ONCE):
        chunk = ids[start : start + AT_ONCE]
        found.acts.update(_acts(chunk))
        found.moves.update(_moves(chunk))
    return found


# Who came back did not leave by what was written down earlier, and the other way round.
OVERTAKES = {"member.returned": "member.left", "member.left": "member.returned"}


def _acts(members: Collection[int]) -> dict[tuple[str, int], User]:
    """The last act of each kind wins, unless what followed overtook it: an import leaves no such act."""
    told = AuditEvent.objects.filter(
        target_type=Member._meta.label_lower, target_id__in=[str(pk) for pk in members]
    )
    rows = list(told.order_by("pk").values_list("action", "target_id", "actor_id"))
    actors = User.objects.in_bulk({actor for _, _, actor in rows if actor})
    acts: dict[tuple[str, int], User] = {}
    for action, member, actor in rows:
        acts.pop((OVERTAKES.get(action, ""), int(member)), None)
        if actor in actors:
            acts[action, int(member)] = actors[actor]
    return acts


def _moves(members: Collection[int]) -> dict[int, Transfer]:
    moves = Transfer.objects.filter(member__in=members).order_by("pk")
    return {move.member_id: move for move in moves.select_related("accepted_by", "from_branch", "request")}
