"""Who may be registered twice, and why one thinks so."""

from collections import defaultdict
from collections.abc import Sequence

from django.db.models import CharField, Count, Exists, ExpressionWrapper, F, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Cast, Concat, ExtractMonth, ExtractYear
from django.urls import reverse

from organizations.models import Member, NotTwins, Organization, User, named
from organizations.queries import Todo
from organizations.tree import within

MOST_COUNTED = 100
# Everybody is compared with everybody of the same place: up to a district at once, on a page that is asked
# for; no more than a township on one that is opened every day.
MOST_COMPARED, MOST_ON_THE_WAY = 60_000, 5_000
SAME_BRANCH = "在同一个支部，姓名、出生日期对得上"
OTHER_BRANCH = "在两个支部，姓名、出生日期相同"
SAME_PHONE = "姓名、手机号相同"
NO_NUMBER = "其中一条没有身份证号"
NO_NUMBERS = "两条都没有身份证号"


def people(user: User, unit: Organization | None = None) -> QuerySet[Member]:
    """Whom this account may merge, in one organization's subtree if given."""
    mine = Member.objects.manageable_by(user)
    return mine.filter(within("branch__path", unit.path)) if unit else mine


def are_more_than(most: int, found: QuerySet[Member]) -> bool:
    return found.filter(left_on__isnull=True).order_by().values("pk")[: most + 1].count() > most


def suspects(user: User, text: str = "", unit: Organization | None = None) -> QuerySet[Member]:
    """Members of one place (or the scope) beside whom another record of perhaps the same person stands.

    Of a pair it is the record without an ID number; where both have none, the older.
    Two different numbers are two people, unless name and phone are the same: then one
    may be mistyped, and the older record is named.
    """
    mine = people(user, unit)
    alike = _somebody_alike(mine.filter(merged_into__isnull=True).order_by())
    found = mine.filter(left_on__isnull=True).annotate(**KEYS).filter(alike)
    found = found.filter(Q(id_digest="") & _unnumbered(mine) | ~Q(id_digest="") & _numbered(mine))
    return found.filter(named(text)) if text.strip() else found


def _key(*columns: str) -> Concat:
    pieces = [piece for column in columns for piece in (Cast(column, CharField()), Value("|"))]
    return Concat(*pieces, output_field=CharField())


KEYS = {
    "born": _key("name", "birth_date"),
    "here": _key("name", "branch_id"),
    "called": _key("name", "phone_digest"),
}
KNOWN = {"born": Q(birth_date__isnull=False), "here": Q(), "called": ~Q(phone_digest="")}


def _somebody_alike(mine: QuerySet[Member]) -> Q:
    """Who shares name and birth, branch or phone with anybody: each asked once of everybody, so
    that the dear questions below are asked of a few."""
    found = Q()
    for name, known in KNOWN.items():
        groups = mine.filter(known).values(key=KEYS[name]).annotate(people=Count("pk"))
        found |= known & Q(**{f"{name}__in": groups.filter(people__gt=1).values("key")})
    return found


def _unnumbered(mine: QuerySet[Member]) -> Q:
    others = _others(mine).filter(~Q(id_digest="") | _is_later())
    alike = _same_birth() | Q(birth_date__isnull=True, branch=OuterRef("branch")) | _same_phone()
    here = others.filter(branch=OuterRef("branch"))
    return Q(Exists(others.filter(alike))) | Q(Exists(here), birth_date__isnull=True)


def _numbered(mine: QuerySet[Member]) -> Q:
    return Q(Exists(_others(mine).filter(_same_phone(), _is_later()).exclude(id_digest="")))


def _others(mine: QuerySet[Member]) -> QuerySet[Member]:
    one, other = OuterRef(OuterRef("pk")), OuterRef("pk")
    apart = NotTwins.objects.filter(Q(lesser=one, greater=other) | Q(lesser=other, greater=one))
    asked = ExpressionWrapper(OuterRef("birth_precision"), output_field=CharField())
    others = mine.filter(name=OuterRef("name"), merged_into__isnull=True).annotate(asked=asked)
    return others.exclude(pk=OuterRef("pk")).filter(~Exists(apart))


def _is_later() -> Q:
    """So that a pair is shown once; who left is never shown first."""
    return Q(left_on__isnull=False) | Q(pk__gt=OuterRef("pk"))


def _same_phone() -> Q:
    return Q(phone_digest=OuterRef("phone_digest")) & ~Q(phone_digest="")


def _same_birth() -> Q:
    """The same day anywhere; in one branch as far as the coarser of the two can tell."""
    born = OuterRef("birth_date")
    year = Q(birth_date__year=ExtractYear(born), branch=OuterRef("branch"))
    month = year & Q(birth_date__month=ExtractMonth(born))
    return Q(birth_date=born) | year & _coarse("year") | month & _coarse("month")


def _coarse(precision: str) -> Q:
    return Q(birth_precision=precision) | Q(asked=precision)


def twins_of(
    user: User, members: Sequence[Member], unit: Organization | None = None
) -> dict[int, list[tuple[Member, list[str]]]]:
    """Beside each of these suspects the records that may be the same person, and why."""
    names = {member.name for member in members}
    alike = people(user, unit).filter(name__in=names, merged_into__isnull=True)
    by_name: dict[str, list[Member]] = defaultdict(list)
    for other in alike.select_related("branch").order_by("pk"):
        by_name[other.name].append(other)
    apart = _said_apart([other.pk for others in by_name.values() for other in others])
    found: dict[int, list[tuple[Member, list[str]]]] = {}
    for one in members:
        others = [other for other in by_name[one.name] if frozenset((one.pk, other.pk)) not in apart]
        told = [(other, why) for other in others if comes_after(one, other) and (why := reasons(one, other))]
        found[one.pk] = told
    return found


def registered_elsewhere(user: User, member: Member) -> Member | None:
    """Who may be the same person in another branch of the scope; somebody present first."""
    known = Q(birth_date=member.birth_date) if member.birth_date else Q()
    if member.phone_digest:
        known |= Q(phone_digest=member.phone_digest)
    if not known:
        return None
    others = people(user).filter(known, name=member.name, merged_into__isnull=True)
    others = others.exclude(branch=member.branch_id).select_related("branch")
    found = others.order_by(F("left_on").asc(nulls_first=True), "pk")
    return next((other for other in found if reasons(member, other)), None)


def _said_apart(pks: Sequence[int]) -> set[frozenset[int]]:
    said = NotTwins.objects.filter(lesser__in=pks, greater__in=pks)
    return {frozenset(pair) for pair in said.values_list("lesser_id", "greater_id")}


def comes_after(one: Member, other: Member) -> bool:
    """Whether the pair is shown at `one`: the same rule as in `suspects`."""
    if one.pk == other.pk:
        return False
    later = other.left_on is not None or other.pk > one.pk
    return later if one.id_digest else bool(other.id_digest) or later


def reasons(one: Member, other: Member) -> list[str]:
    """Why these two may be one person; empty where nothing says so."""
    told = []
    if not (one.id_digest and other.id_digest):
        if one.branch_id == other.branch_id and are_born_alike(one, other):
            told.append(SAME_BRANCH)
        elif one.branch_id != other.branch_id and one.birth_date and one.birth_date == other.birth_date:
            told.append(OTHER_BRANCH)
    if one.phone_digest and one.phone_digest == other.phone_digest:
        told.append(SAME_PHONE)
    if told and not (one.id_digest and other.id_digest):
        told.append(NO_NUMBER if one.id_digest or other.id_digest else NO_NUMBERS)
    return told


def are_born_alike(one: Member, other: Member) -> bool:
    """As far as both know."""
    if one.birth_date is None or other.birth_date is None:
        return True
    known = {"year": 1, "month": 2, "day": 3}
    parts = min(known[one.birth_precision], known[other.birth_precision])
    return one.birth_date.timetuple()[:parts] == other.birth_date.timetuple()[:parts]


def stays_first(one: Member, other: Member) -> tuple[Member, Member]:
    """Which record should stay, unless somebody knows better: present, with an ID number, the older."""
    return (one, other) if _weight(one) <= _weight(other) else (other, one)


def _weight(member: Member) -> tuple[bool, bool, int]:
    return member.left_on is not None, not member.id_digest, member.pk


def todos(user: User) -> list[Todo]:
    """Who may be registered twice; counted no further than a page of them, and where it takes no time."""
    if not user.keeps_records or are_more_than(MOST_ON_THE_WAY, people(user)):
        return []
    count = len(suspects(user).order_by("branch__path").values_list("pk")[:MOST_COUNTED])
    text = f"{count}人疑似重复登记" if count < MOST_COUNTED else f"{count}人以上疑似重复登记"
    return [Todo(text, count, reverse("organizations:member_twins"))] if count else []
