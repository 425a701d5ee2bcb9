"""An example call of every service that moves people, for the table of acts."""

from uuid import uuid4

from django.utils import timezone

from attendance.services import moving, moving_several
from organizations.services import transfer_requests

TODAY = timezone.localdate


def nothing(w):
    return None


def asked(w):
    """Somebody of the north would go to the south."""
    return transfer_requests.ask_transfer(
        actor=w.north_organizer, member=w.wang, wanted="南河村党支部", day=TODAY()
    )


def moved(w):
    return moving_several.move_several(
        actor=w.north_organizer,
        members=[w.wang],
        to_branch=w.north_other_branch,
        day=TODAY(),
        request_uuid=uuid4(),
    )


def there(w) -> dict:
    return {"actor": w.north_organizer, "to_branch": w.north_other_branch, "day": TODAY()}


# name → (what has to be there before, the act itself on what that gave).
MOVING = {
    "attendance.services.moving.move_member": (
        nothing,
        lambda w, _: moving.move_member(member=w.wang, **there(w)),
    ),
    "attendance.services.moving.move_members": (
        nothing,
        lambda w, _: moving.move_members(members=[w.wang, w.li], **there(w)),
    ),
    "attendance.services.moving.merge_branch": (
        nothing,
        lambda w, _: moving.merge_branch(branch=w.north_branch, **there(w)),
    ),
    "attendance.services.moving.accept_transfer": (
        asked,
        lambda w, request: moving.accept_transfer(
            actor=w.south_organizer, request=request, to_branch=w.south_branch
        ),
    ),
    "attendance.services.moving_several.move_several": (nothing, lambda w, _: moved(w)),
    "attendance.services.moving_several.undo_move": (
        moved,
        lambda w, act: moving_several.undo_move(actor=w.north_organizer, act=act),
    ),
}
