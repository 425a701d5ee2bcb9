"""转组织关系 to a place outside the scope: one side asks, the other accepts or declines.

Nobody who asks learns whether a place of that name exists, what it is called or who
answers: the words are resolved silently, and whatever does not fit exactly one place
is answered by the level above the asker.
"""

import unicodedata
from datetime import date

from django.db import IntegrityError, transaction
from django.utils import timezone

from organizations.id_number import without_numbers
from organizations.imports.branches import KIND_OF_UPPER, normalise
from organizations.models import Member, Organization, RequestState, Transfer, TransferRequest, User
from organizations.service import Refused, service
from organizations.services import audit, changes
from organizations.services.transfers import locked_branch, place_members, refuse_day
from organizations.tree import ancestors, holds

SHORTEST = 2
BETWEEN = " 　·・/／\\,，、>》-—"


@service
def ask_transfer(*, actor: User, member: Member, wanted: str, day: date, note: str = "") -> TransferRequest:
    """Ask that `member` go to the place `wanted` names; the member stays until somebody accepts.

    The same words again give the request that waits already; other words are refused
    until that one is withdrawn.
    """
    member = _mine(actor, member)
    wanted, note = without_numbers(" ".join(wanted.split())), without_numbers(" ".join(note.split()))
    if len(wanted) < SHORTEST:
        raise Refused("请写明转往哪里：党支部的名称，最好带上它的上级。")
    refuse_day(member, day)
    waiting = member.transfer_requests.filter(state=RequestState.WAITING).first()
    if waiting:
        if (waiting.wanted, waiting.day, waiting.note) == (wanted, day, note):
            return waiting
        raise Refused(f"{member.name}已经有一份转接申请在等对方接收，要改请先撤回那一份。", code="waiting")
    request = TransferRequest(
        member=member,
        from_branch=member.branch,
        wanted=wanted,
        addressee=_addressee(actor, wanted),
        day=day,
        note=note,
        asked_by=actor,
    )
    try:
        with transaction.atomic():
            request.save()
    except IntegrityError as clash:
        raise Refused(f"{member.name}刚刚有人申请过了，请刷新后再看。", code="waiting") from clash
    audit.record(
        actor=actor,
        action="transfer.asked",
        summary=f"申请转组织关系：{member.name}转往“{wanted}”，{changes.words(day)}起",
        target=member,
        organization=member.branch,
    )
    return request


@service
def withdraw_request(*, actor: User, request: TransferRequest) -> TransferRequest:
    """The asking side takes it back. A second time changes nothing; an answered one is refused."""
    request = _locked(request, TransferRequest.objects.manageable_by(actor).sent_by(actor))
    if request.state == RequestState.WITHDRAWN:
        return request
    _answer(actor, request, RequestState.WITHDRAWN)
    audit.record(
        actor=actor,
        action="transfer.withdrawn",
        summary=f"撤回转接申请：{request.member.name}",
        target=request.member,
        organization=request.from_branch,
    )
    return request


@service
def decline_request(*, actor: User, request: TransferRequest, reason: str) -> TransferRequest:
    """The receiving side does not take the member, for a reason the asker reads. Again changes nothing."""
    request = _locked(request, TransferRequest.objects.manageable_by(actor).received_by(actor))
    if request.state == RequestState.DECLINED:
        return request
    reason = without_numbers(" ".join(reason.split()))
    if len(reason) < SHORTEST:
        raise Refused("请写明为什么退回，对方看得到。")
    _answer(actor, request, RequestState.DECLINED, answer=reason[:200])
    audit.record(
        actor=actor,
        action="transfer.declined",
        summary=f"退回转接申请：{request.member.name}，{reason}",
        target=request,
        organization=request.addressee,
    )
    return request


@service
def accept_request(*, actor: User, request: TransferRequest, to_branch: Organization) -> Transfer | None:
    """The member belongs to `to_branch`, one of the receiving side's own, from the day that was asked for.

    The asking side consented by asking, for as long as the member is where they were then.
    None where it was accepted before: a second click changes nothing. Told to both sides.
    """
    to_branch = locked_branch(actor, to_branch)
    people = Member.objects.select_for_update(no_key=True, of=("self",)).select_related("branch")
    member = people.get(pk=request.member_id)
    request = _locked(request, TransferRequest.objects.manageable_by(actor).received_by(actor))
    if request.state == RequestState.ACCEPTED:
        if request.transfer and request.transfer.to_branch_id == to_branch.pk:
            return None
        raise Refused(f"{member.name}已经接收过了，要换支部请在“转支部”里办。", code="answered")
    _refuse_changed(request, member, to_branch)
    [transfer] = place_members(
        members=[member], to_branch=to_branch, day=request.day, asked_by=request.asked_by, accepted_by=actor
    )
    _answer(actor, request, RequestState.ACCEPTED, transfer=transfer)
    _tell_both(actor, request, member, to_branch)
    return transfer


def _refuse_changed(request: TransferRequest, member: Member, to_branch: Organization) -> None:
    if request.state != RequestState.WAITING:
        raise Refused(f"这份申请{request.get_state_display()}，不能再接收。", code="answered")
    if member.left_on:
        raise Refused(f"{member.name}在原支部已经登记离开，不能接收。请退回，由对方核对。", code="left")
    if member.branch_id != request.from_branch_id:
        raise Refused(
            f"提出申请以后，{member.name}在那边换了支部，不能接收。请退回，由对方重新申请。", code="changed"
        )
    if to_branch.pk == request.from_branch_id:
        raise Refused(f"{member.name}现在就在{to_branch.name}，请选别的党支部。", code="same")


def _tell_both(actor: User, request: TransferRequest, member: Member, to_branch: Organization) -> None:
    """One event on either side; who accepted, and where, is known to the receiving side alone."""
    audit.record(
        actor=actor,
        action="transfer.accepted",
        summary=f"接收{member.name}到{to_branch.name}，{changes.words(request.day)}起",
        target=member,
        organization=to_branch,
        details={"request": request.pk, "members": [member.pk]},
    )
    audit.record(
        actor=None,
        action="transfer.gone",
        summary=f"{member.name}的组织关系已经转出：对方接收了申请，{changes.words(request.day)}起",
        target=member,
        organization=request.from_branch,
        details={"request": request.pk},
    )


def _answer(actor: User, request: TransferRequest, state: RequestState, **facts) -> None:
    if request.state != RequestState.WAITING:
        raise Refused(f"这份申请{request.get_state_display()}，不用再办。", code="answered")
    facts |= {"state": state, "answered_by": actor, "answered_at": timezone.now()}
    for name, value in facts.items():
        setattr(request, name, value)
    request.save(update_fields=list(facts))


def _locked(request: TransferRequest, allowed) -> TransferRequest:
    """The request as stored now, locked, if this side may act on it."""
    rows = TransferRequest.objects.select_for_update(no_key=True, of=("self",))
    rows = rows.select_related("member", "from_branch", "addressee", "asked_by", "transfer")
    found = rows.filter(pk__in=allowed.values("pk"), pk=request.pk).first()
    if found is None:
        raise Refused("这份申请不归您办理。", code="scope")
    return found


def _mine(actor: User, member: Member) -> Member:
    rows = Member.objects.select_for_update(no_key=True, of=("self",)).select_related("branch")
    found = rows.filter(pk__in=Member.objects.manageable_by(actor).values("pk"), pk=member.pk).first()
    if found is None:
        raise Refused("这名党员不在您的管理范围内。", code="scope")
    return found


# --- Who answers ---------------------------------------------------------------------------------
def _addressee(actor: User, wanted: str) -> Organization:
    """The one open organization outside the scope that is meant, else the level above the asker."""
    fitting = _fitting(wanted)
    own = [one for one in fitting if holds(actor.organization.path, one.path)]
    if own:
        # Said whether or not there is another one elsewhere: an answer must not tell.
        raise Refused(
            f"“{own[0].name}”就在您的管理范围内，请直接办理转支部。要转到别处同名的支部，请写上它的上级，"
            "例如“某某镇党委 某某村党支部”。",
            code="own",
        )
    if len(fitting) == 1:
        return fitting[0]
    above = Organization.objects.open().filter(path__in=ancestors(actor.organization.path)[:-1])
    if superior := above.order_by("-path").first():
        return superior
    raise Refused("您管理的范围里没有这个党组织。转到本系统以外的，请登记离开。", code="nowhere")


def _fitting(wanted: str) -> list[Organization]:
    """Open organizations of this code, or of this name as people shorten it, with or without superiors.

    Everybody's name is compared the way a roster's is, on the fly: nothing is kept but what fits.
    """
    code = unicodedata.normalize("NFKC", wanted).replace(" ", "")
    is_open = Organization.objects.open()
    if by_code := list(is_open.filter(code__iexact=code)):
        return by_code
    text = normalise("".join(c for c in wanted if c not in BETWEEN))
    names = is_open.order_by().values_list("pk", "path", "name").iterator()
    ends = ((pk, path, normalise(name)) for pk, path, name in names)
    prefixes = {pk: (path, text.removesuffix(name)) for pk, path, name in ends if text.endswith(name)}
    above = {path for one, prefix in prefixes.values() if prefix for path in ancestors(one)[:-1]}
    called = dict(Organization.objects.filter(path__in=above).values_list("path", "name"))
    fitting = [
        pk
        for pk, (path, prefix) in prefixes.items()
        if _leads_to(prefix, [called.get(upper, "") for upper in ancestors(path)[:-1]])
    ]
    return list(is_open.filter(pk__in=fitting).order_by("path"))


def _leads_to(prefix: str, superiors: list[str]) -> bool:
    """Whether the words before the name are its superiors, from the top down; any of them may be
    left out, or lack its 党委, 党工委 or 党总支."""
    rest = {prefix}
    for superior in superiors:
        whole = normalise(superior)
        for name in {whole, KIND_OF_UPPER.sub("", whole)} - {""}:
            rest |= {words.removeprefix(name) for words in rest}
    return "" in rest
