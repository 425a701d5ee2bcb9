"""What a planner should look at again: said once the class is planned, never a refusal."""

from collections.abc import Iterable
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
    for part in _one_of_each(session.parts.prefetch_related("named_members")):
        wanted = Q(unit__in=session.parts.filter(_alike(part)).values("unit")) & _meets(part)
        shared = wanted if shared is None else shared | wanted
    if shared is None:
        return others.none()
    parts = SessionUnit.objects.filter(shared, session=OuterRef("pk"))
    return others.filter(Exists(parts)).select_related("host")


def _one_of_each(parts: Iterable[SessionUnit]) -> list[SessionUnit]:
    """A class of a township has one audience for all its branches; only named people differ."""
    found: dict[tuple, SessionUnit] = {}
    for part in parts:
        of_its_own = part.pk if part.audience == KINDS.NAMED else 0
        found.setdefault((part.audience, part.category, of_its_own), part)
    return list(found.values())


def _alike(part: SessionUnit) -> Q:
    if part.audience == KINDS.NAMED:
        return Q(pk=part.pk)
    return Q(audience=part.audience, category=part.category)


def _meets(part: SessionUnit) -> Q:
    """Parts of the same branch that call somebody `part` calls."""
    if part.audience == KINDS.WHOLE:
        return Q()
    if part.audience == KINDS.CATEGORY:
        among = Member.objects.filter(category=part.category).values("pk")
        same = Q(audience=KINDS.CATEGORY, category=part.category)
        return Q(audience=KINDS.WHOLE) | same | Q(audience=KINDS.NAMED, named_members__in=among)
    people = [member.pk for member in part.named_members.all()]
    kinds = {member.category for member in part.named_members.all()}
    named = Q(audience=KINDS.NAMED, named_members__in=people)
    return Q(audience=KINDS.WHOLE) | Q(audience=KINDS.CATEGORY, category__in=kinds) | named


def _the_same_class(session: TrainingSession, others: QuerySet[TrainingSession]) -> QuerySet[TrainingSession]:
    """That day, of the same form, round and topics, for one of the same branches."""
    if not session.topic_mask:
        return others.none()
    parts = SessionUnit.objects.filter(session=OuterRef("pk"), unit__in=session.parts.values("unit"))
    facts = {"form": session.form_id, "round": session.round, "topic_mask": session.topic_mask}
    end = midnight_after(session.starts_at)
    that_day = Q(starts_at__gte=end - timedelta(days=1), starts_at__lt=end)
    return others.filter(that_day, Exists(parts), **facts).select_related("host")
