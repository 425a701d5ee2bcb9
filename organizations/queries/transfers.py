"""转接申请: what a place asked for, and what it is asked."""

from datetime import timedelta

from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils import timezone

from organizations.fields import digest
from organizations.id_number import clean_id_number
from organizations.models import Member, RequestState, TransferRequest, User, named
from organizations.queries import Todo
from organizations.tree import holds

DECLINED_SHOWN = timedelta(days=14)
STATES: dict[str, tuple[str, Q]] = {
    "": ("在等的", Q(state=RequestState.WAITING)),
    "accepted": ("已接收", Q(state=RequestState.ACCEPTED)),
    "declined": ("退回的", Q(state=RequestState.DECLINED)),
    "withdrawn": ("撤回的", Q(state=RequestState.WITHDRAWN)),
}


def transfer_requests(*, user: User, sent: bool, state: str, text: str) -> QuerySet[TransferRequest]:
    """Requests the account's places sent, or are asked to accept, by the name of the member."""
    rows = TransferRequest.objects.all()
    rows = rows.sent_by(user) if sent else rows.received_by(user)
    rows = rows.filter(STATES[state][1]).select_related("member", "from_branch")
    return rows.filter(named(text, "member__")) if text.strip() else rows


def latest_request(member: Member, user: User) -> TransferRequest | None:
    """What became of the last request for a member of the account's scope: waiting, or sent back lately."""
    request = TransferRequest.objects.sent_by(user).filter(member=member).order_by("-pk").first()
    if request is None or request.state == RequestState.WAITING:
        return request
    lately = request.answered_at and request.answered_at > timezone.now() - DECLINED_SHOWN
    return request if request.state == RequestState.DECLINED and lately else None


def who_left(id_number: str, user: User) -> Member | None:
    """Whose number this is, if they left the account's scope before: they return and are not made anew."""
    found = digest(clean_id_number(id_number))
    gone = Member.objects.manageable_by(user).filter(left_on__isnull=False, merged_into__isnull=True)
    return gone.filter(id_digest=found).exclude(id_digest="").first() if found else None


def why_not_acceptable(request: TransferRequest) -> str:
    """What changed since it was asked for, in words; empty while it may be accepted."""
    if request.member.left_on:
        return f"{request.member.name}在原支部已经登记离开"
    if request.member.branch_id != request.from_branch_id:
        return f"提出申请以后，{request.member.name}换了支部"
    return ""


def is_mine(request: TransferRequest, user: User) -> bool:
    """Whether the member is in the account's scope now; else the name is shown, but leads nowhere."""
    return holds(user.organization.path, request.member.branch.path)


def todos(user: User) -> list[Todo]:
    """Requests to accept somebody, and those of one's own that came back lately."""
    if not user.is_active or not user.keeps_records:
        return []
    lately = timezone.now() - DECLINED_SHOWN
    received = TransferRequest.objects.received_by(user).filter(state=RequestState.WAITING).count()
    back = TransferRequest.objects.sent_by(user)
    declined = back.filter(state=RequestState.DECLINED, answered_at__gte=lately).count()
    where = reverse("organizations:transfer_list")
    lines = [
        Todo(f"{received}份转接申请等您接收", received, where, "warn"),
        Todo(f"{declined}份转接申请被对方退回", declined, f"{where}?box=sent&state=declined"),
    ]
    return [line for line in lines if line.count]
