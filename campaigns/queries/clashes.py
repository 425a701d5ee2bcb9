"""What a planner should look at again: said once the class is planned, never a refusal."""

from collections.abc import Collection
from datetime import timedelta

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from campaigns.models import SessionUnit, TrainingSession
from campaigns.queries.sessions import midnight_after
from organizations.models import Member, User

SHOWN = 3
KINDS = SessionUnit.Audience


def planning_warnings(session: TrainingSession, user: User) -> list[str]:
    """Same place at the same time, people called to two classes at once, the same class twice.

    Only classes the account sees are compared, and named.
    """
    seen = TrainingSession.objects.visible_to(user).valid()
    others = seen.filter(campaign=session.campaign_id).exclude(pk=session.pk)
    at_once = others.filter(starts_at__lt=session.ends_at, ends_at__gt=session.starts_at)
    said = []
    if session.venue and (there := _listed(at_once.filter(venue=session.venue))):
        said.append(f"同一时间“{session.venue}”还安排了{there}。")
    if both := _listed(_calling_the_same(session, at_once)):
        said.append(f"有人同一时间还要参加{both}，请看看要不要错开。")
    if twice := _listed(_the_same_class(session, others)):
        said.append(f"同一天、同样的专题、同样的支部，已经安排过{twice}，请看看是不是重了。")
    return said


def apart_warnings(ids: Collection[int], user: User) -> list[str]:
    """The same of classes the branches hold each for itself, branch by branch, in two statements."""
    planned = list(TrainingSession.objects.filter(pk__in=ids).select_related("host").order_by("host__path"))
    seen = TrainingSession.objects.visible_to(user).valid().filter(campaign=planned[0].campaign_id)
    beside = SessionUnit.objects.filter(
        session__in=seen.exclude(pk__in=ids),
        unit__in=[one.host_id for one in planned],
        session__starts_at__lt=max(one.ends_at for one in planned),
        session__ends_at__gt=min(one.starts_at for one in planned),
    )
    others: dict[int, list[TrainingSession]] = {}
    for part in beside.select_related("session").order_by("session__starts_at", "pk"):
        others.setdefault(part.unit_id, []).append(part.session)
    said = [
        f"{one.host.name}同一时间还有“{other.title}”，请看看要不要错开。"
        for one in planned
        for other in others.get(one.host_id, [])
        if other.starts_at < one.ends_at and other.ends_at > one.starts_at
    ]
    return said[:SHOWN] + ([f"另外还有{len(said) - SHOWN}处时间相同。"] if len(said) > SHOWN else [])


def _listed(sessions: QuerySet[TrainingSession]) -> str:
    found = list(sessions.order_by("starts_at", "pk")[: SHOWN + 1])
    names = "、".join(
        f"“{one.title}”（{timezone.localtime(one.starts_at):%H:%M}，{one.host.name}）"
        for one in found[:SHOWN]
    )
    return names + ("等" if len(found) > SHOWN else "")


def _calling_the_same(
    session: TrainingSession, others: QuerySet[TrainingSession]
) -> QuerySet[TrainingSession]:
    """Of these, classes with a part of the same branch whose audience has people in common with ours."""
    shared: Q | None = None
    for audience, category in set(session.parts.values_list("audience", "category")):
        alike = session.parts.filter(audience=audience, category=category)
        meets = _meets_named(alike) if audience == KINDS.NAMED else _meets(audience, category)
        wanted = Q(unit__in=alike.values("unit")) & meets
        shared = wanted if shared is None else shared | wanted
    if shared is None:
        return others.none()
    parts = SessionUnit.objects.filter(shared, session=OuterRef("pk"))
    return others.filter(Exists(parts)).select_related("host")


def _meets(audience: str, category: str) -> Q:
    """Parts of the same branch that call somebody such a part calls."""
    if audience == KINDS.WHOLE:
        return Q()
    among = Member.objects.filter(category=category).values("pk")
    same = Q(audience=KINDS.CATEGORY, category=category)
    return Q(audience=KINDS.WHOLE) | same | Q(audience=KINDS.NAMED, named_members__in=among)


def _meets_named(parts: QuerySet[SessionUnit]) -> Q:
    """The same for people called by name: one condition, of however many branches they are."""
    named = SessionUnit.named_members.through.objects.filter(
        sessionunit__in=parts.values("pk"), sessionunit__unit=OuterRef("unit")
    )
    of_category = Q(Exists(named.filter(member__category=OuterRef("category"))), audience=KINDS.CATEGORY)
    same = Q(audience=KINDS.NAMED, named_members__in=named.values("member"))
    return Q(audience=KINDS.WHOLE) | of_category | same


def _the_same_class(session: TrainingSession, others: QuerySet[TrainingSession]) -> QuerySet[TrainingSession]:
    """That day, of the same form, round and topics, for one of the same branches."""
    if not session.topic_mask:
        return others.none()
    parts = SessionUnit.objects.filter(session=OuterRef("pk"), unit__in=session.parts.values("unit"))
    facts = {"form": session.form_id, "round": session.round, "topic_mask": session.topic_mask}
    end = midnight_after(session.starts_at)
    that_day = Q(starts_at__gte=end - timedelta(days=1), starts_at__lt=end)
    return others.filter(that_day, Exists(parts), **facts).select_related("host")
