"""People from outside the scope who were written down as text, and who may claim them.

The rule of claiming (nobody learns of people of other scopes): an account is shown a guest
only if (1) exactly this name stands on a roster it manages, and (2) the guest named a unit that
is called exactly like one of its own, or the class was held by its own units or by a level
above it. It sees its own person, the day and who held the class; of what was typed only what
equals its own names. A guest of another scope with another name, or another unit, is never listed.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q, QuerySet

from attendance.models import Guest, RosterEntry
from campaigns.models import Campaign, TrainingSession, Unit
from campaigns.queries import inside, scope_unit
from organizations.models import User
from organizations.tree import within

IN_TURN = ("part__session__starts_at", "id")


def guests_of(session: TrainingSession, user: User) -> QuerySet[Guest]:
    """Written down at this class, on the sheets the account sees."""
    found = Guest.objects.visible_to(user).standing().filter(part__session=session)
    return found.select_related("part__unit", "claimed__unit").order_by("pk")


def own_people(user: User, campaign: Campaign) -> QuerySet[RosterEntry]:
    """Whom the account may claim a guest as."""
    return RosterEntry.objects.manageable_by(user).present().filter(campaign=campaign)


def claimable(user: User, campaign: Campaign) -> QuerySet[Guest]:
    """Guests nobody claimed yet whom this account may be shown; see the rule above."""
    scope = scope_unit(user, campaign)
    if scope is None or not user.keeps_records:
        return Guest.objects.none()
    # Of one campaign the scope is a range of paths; `manageable_by` would look through the units of all.
    mine = RosterEntry.objects.present().filter(inside(scope), campaign=campaign)
    own_name = mine.filter(member__name=OuterRef("name"))
    own_unit = Unit.objects.filter(within("path", scope.path), campaign=campaign, name=OuterRef("says_from"))
    above = Q(part__session__host__path__in=scope.ancestor_paths)
    near = inside(scope, "part__session__host") | above | Exists(own_unit)
    valid = Q(part__session__cancelled_at__isnull=True, part__session__voided_at__isnull=True)
    return Guest.objects.filter(
        Exists(own_name),
        near,
        valid,
        claimed__isnull=True,
        dropped_at__isnull=True,
        part__recorded_at__isnull=False,
        part__session__campaign=campaign,
    ).select_related("part__session__host")


@dataclass(frozen=True)
class GuestLine:
    """One guest and the people of the own rosters with exactly this name: of several a person chooses."""

    guest: Guest
    people: list[RosterEntry]


def guest_lines(guests: Iterable[Guest], user: User, campaign: Campaign) -> list[GuestLine]:
    """One query for the people of a page."""
    guests = list(guests)
    names = {guest.name for guest in guests}
    found = own_people(user, campaign).filter(member__name__in=names).select_related("member", "unit")
    by_name: dict[str, list[RosterEntry]] = {}
    for entry in found.order_by("unit__path", "member__place_in_list", "pk"):
        by_name.setdefault(entry.member.name, []).append(entry)
    return [GuestLine(guest, by_name.get(guest.name, [])) for guest in guests]
