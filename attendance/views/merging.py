"""同一个人登记了两次: choosing the other record, looking at what would stand, merging."""

from hashlib import sha256

from django.contrib import messages
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from attendance.queries.merging import merge_plans, obstacles
from attendance.services.merging import merge_people
from organizations.models import Member
from organizations.numbers import asked_pk
from organizations.queries import organization_trail
from organizations.service import Refused
from organizations.services.duplicates import FACTS, compared

MOST_FOUND = 20
TELLING = ("name", "birth_date", "id_number", "phone")
CHANGED = "两条记录刚刚有变动，还没有合并。请把下面的预览再看一遍。"


@require_http_methods(["GET", "POST"])
def member_merge(request, pk):
    """`pk` stays, ?with= gives way. Without one: whom to choose from. POST merges what the page showed."""
    if not request.user.keeps_records:
        raise Http404
    mine = Member.objects.manageable_by(request.user).select_related("branch", "merged_into")
    winner = get_object_or_404(mine, pk=pk)
    other = asked_pk(request.POST.get("with") or request.GET.get("with"))
    if other is None:
        return _choose(request, winner, mine)
    loser = get_object_or_404(mine.exclude(pk=pk), pk=other)
    if loser.merged_into_id == winner.pk:
        messages.info(request, f"这两条{winner.name}已经合并过了。")
        return redirect("organizations:member_detail", pk)
    refusal = _merged(request, winner, loser) if request.method == "POST" else ""
    if request.method == "POST" and not refusal:
        messages.success(request, f"合并好了：{winner.name}现在只有这一条记录，以前的考勤都在这里。")
        return redirect("organizations:member_detail", pk)
    context = _preview(request, winner, loser) | {"refusal": refusal}
    return render(request, "attendance/member_merge.html", context, status=422 if refusal else 200)


def _choose(request, winner, mine):
    text = request.GET.get("q", winner.name).strip()[:50]
    found = mine.filter(merged_into__isnull=True).exclude(pk=winner.pk).search(text) if text else mine.none()
    context = {
        "member": winner,
        "query": text,
        "found": found.order_by("branch__path", "place_in_list", "pk")[:MOST_FOUND],
        "trail": organization_trail(winner.branch, request.user),
    }
    return render(request, "attendance/member_merge_with.html", context)


def _merged(request, winner, loser) -> str:
    """Why not, or nothing."""
    if request.POST.get("seen") != _stamp(winner, loser):
        return CHANGED
    chosen = [name for name in FACTS if request.POST.get(f"take_{name}") == "theirs"]
    try:
        merge_people(actor=request.user, winner=winner, loser=loser, chosen=chosen)
    except Refused as refusal:
        return refusal.message
    return ""


def _preview(request, winner, loser):
    known = [fact for fact in compared(winner, loser) if fact.mine or fact.theirs]
    # By these one knows whether it is the same person; of the rest only what differs.
    shown = [fact for fact in known if fact.name in TELLING or fact.mine != fact.theirs]
    return {
        "member": winner,
        "other": loser,
        "facts": shown,
        "alike": [fact.label for fact in known if fact not in shown],
        "plans": merge_plans(winner, loser),
        "obstacles": [words for _, words in obstacles(request.user, winner, loser)],
        "seen": _stamp(winner, loser),
        "trail": organization_trail(winner.branch, request.user),
    }


def _stamp(winner, loser) -> str:
    """Changes with anything the page shows."""
    shown = [(fact.name, fact.mine, fact.theirs) for fact in compared(winner, loser)]
    states = [(one.pk, one.branch_id, one.left_on, one.merged_into_id) for one in (winner, loser)]
    rows = [
        (row.theirs.pk, row.theirs.version, row.mine and (row.mine.pk, row.mine.version))
        for plan in merge_plans(winner, loser)
        for row in plan.rows
    ]
    return sha256(repr((shown, states, rows)).encode()).hexdigest()[:32]
