"""Looking for somebody by name where a million are registered."""

from django.db.models import Q

from organizations.models import Member, named

# So many are sorted in no time; more than that are met at every turn of the list.
FEW = 5_000


def by_name(text: str, prefix: str = "") -> Q:
    """The members `named` means, asked for in one of two ways, whatever the planner thinks of a name.

    Few are found by the index of names first, wherever in the tree they live: looking through the list
    until a page is full would read all of it for a surname of the last village. Many are
    looked for in the order of the list. `prefix` leads to the member.
    """
    hits = Member.objects.filter(named(text)).order_by().values("pk")
    if hits[: FEW + 1].count() > FEW:
        return named(text, prefix)
    # The limit is a fence: PostgreSQL answers what stands behind it by itself.
    return Q(**{f"{prefix}pk__in": hits[:FEW]})
