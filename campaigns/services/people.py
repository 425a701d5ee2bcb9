"""What a campaign keeps of one member. Called by the merging of two records, under the lock of the units."""

from campaigns.models import ServiceTask, SessionUnit, Stage
from organizations.models import Member
from organizations.service import service


@service(audited=False)
def hand_over(*, from_member: Member, to_member: Member) -> dict[str, int]:
    """Classes that expect `from_member` by name expect the other, whose open tasks they now are too.

    Closed campaigns and tasks already done keep the name they were done under. Repeating changes nothing.
    """
    through = SessionUnit.named_members.through.objects
    asked = through.filter(member=from_member, sessionunit__session__campaign__stage=Stage.OPEN)
    known = through.filter(member=to_member).values("sessionunit")
    twice = asked.filter(sessionunit__in=list(known.values_list("sessionunit", flat=True)))
    named = asked.count()
    twice.delete()
    asked.update(member=to_member)
    tasks = ServiceTask.objects.filter(owner=from_member, state=ServiceTask.State.OPEN)
    return {"named": named, "tasks": tasks.update(owner=to_member)}
