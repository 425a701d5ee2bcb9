from django.contrib import messages
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from campaigns.forms.service import StepForm, TaskChangeForm, TaskForm
from campaigns.models import ServiceTask
from campaigns.queries import count_tasks, scope_unit, task_states, tasks_of
from campaigns.services import service_tasks
from campaigns.views.getters import chosen_campaign, chosen_unit, own_units, trail, unit_tree
from organizations.models import Member
from organizations.paging import key_page
from organizations.service import Refused

MOST_SUGGESTED = 20


@require_GET
def service_list(request):
    """Service tasks of the scope: open, overdue, done."""
    campaign = chosen_campaign(request)
    if campaign is None:
        return render(request, "campaigns/service_list.html", {"campaign": None})
    unit, text = chosen_unit(request, campaign), request.GET.get("q", "").strip()
    scope = unit or scope_unit(request.user, campaign)
    tasks = tasks_of(scope) if scope else ServiceTask.objects.none()
    if text:
        tasks = tasks.search(text)
    states = task_states()
    state = request.GET.get("state", "open")
    state = state if state in states else "open"
    counts = count_tasks(tasks.order_by())
    rows = tasks.filter(states[state][1]).select_related("unit", "owner")
    context = {
        "campaign": campaign,
        "unit": unit,
        "trail": trail(request.user, unit),
        "page": key_page(request, rows, "-id", total=None if text else counts[f"n_{state}"]),
        "query": text,
        "state": state,
        "tabs": [(word, label, counts[f"n_{word}"]) for word, (label, _) in states.items()],
        "today": timezone.localdate(),
    }
    return render(request, "campaigns/service_list.html", context)


@require_http_methods(["GET", "POST"])
def service_new(request):
    """Write down one thing to be done."""
    if not request.user.keeps_records:
        raise Http404
    campaign = chosen_campaign(request)
    if campaign is None or not campaign.is_open:
        return render(request, "campaigns/session_closed.html", {"campaign": campaign})
    top, units, too_many = unit_tree(request.user, campaign, chosen_unit(request, campaign))
    form = TaskForm(
        request.POST or None,
        user=request.user,
        units=own_units(request.user, campaign),
        initial={"unit": top},
    )
    form.fields["unit"].choices = [(unit.pk, unit.name) for unit in units] or [("", "没有可选的单位")]
    if request.method == "POST" and form.is_valid():
        try:
            task = service_tasks.open_task(actor=request.user, **form.cleaned_data)
            messages.success(request, "登记好了。")
            return redirect("campaigns:service_detail", task.pk)
        except Refused as refusal:
            form.add_error("deadline" if refusal.code == "deadline_past" else None, refusal.message)
    context = {"campaign": campaign, "form": form, "units": units, "too_many": too_many, "top": top}
    return render(request, "campaigns/service_form.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
def service_edit(request, pk):
    """Correct what was written down; the steps taken stay."""
    mine = ServiceTask.objects.manageable_by(request.user).select_related("campaign", "unit", "owner__branch")
    task = get_object_or_404(mine, pk=pk)
    form = TaskChangeForm(request.POST or None, user=request.user, task=task)
    if request.method == "POST" and form.is_valid():
        try:
            service_tasks.change_task(actor=request.user, task=task, **form.cleaned_data)
            messages.success(request, "改好了。")
            return redirect("campaigns:service_detail", task.pk)
        except Refused as refusal:
            form.add_error(None, refusal.message)
    context = {"campaign": task.campaign, "form": form, "task": task}
    return render(request, "campaigns/service_form.html", context, status=form.answer_status)


@require_GET
def service_owners(request):
    """Names for the owner field while somebody types: 姓名（党支部）."""
    text = request.GET.get("owner", "").strip()
    members = Member.objects.manageable_by(request.user).present().select_related("branch")
    found = members.search(text)[:MOST_SUGGESTED] if text else []
    return render(request, "campaigns/_owners.html", {"members": found})


def detail_context(request, task: ServiceTask) -> dict:
    return {
        "task": task,
        "campaign": task.campaign,
        "trail": trail(request.user, task.unit),
        "events": task.events.select_related("by"),
        "today": timezone.localdate(),
        "may_change": ServiceTask.objects.manageable_by(request.user).filter(pk=task.pk).exists(),
    }


@require_GET
def service_detail(request, pk):
    """One task with its history and the next step."""
    seen = ServiceTask.objects.visible_to(request.user).select_related("campaign", "unit", "owner__branch")
    task = get_object_or_404(seen, pk=pk)
    return render(request, "campaigns/service_detail.html", detail_context(request, task))


def take_step(request, pk, act, **columns):
    """One step of a task: `act` takes what the form's fields say under its own names, which `columns` give.

    A refusal is shown on the task's page, with what was typed.
    """
    mine = ServiceTask.objects.manageable_by(request.user).select_related("campaign", "unit", "owner__branch")
    task = get_object_or_404(mine, pk=pk)
    form = StepForm(request.POST)
    try:
        if not form.is_valid():
            raise Refused(next(iter(form.errors.values()))[0])
        said = {name: form.cleaned_data[field] for name, field in columns.items()}
        act(actor=request.user, task=task, **said)
    except Refused as refusal:
        context = detail_context(request, task) | {"refused": refusal.message, "typed": request.POST}
        return render(request, "campaigns/service_detail.html", context, status=422)
    messages.success(request, "记下了。")
    return redirect("campaigns:service_detail", pk)


@require_POST
def service_note(request, pk):
    """Add one line of progress."""
    return take_step(request, pk, service_tasks.note_task, text="text")


@require_POST
def service_resolve(request, pk):
    """办结, with its result."""
    return take_step(request, pk, service_tasks.resolve_task, result="text", resolved_on="day")


@require_POST
def service_confirm(request, pk):
    """Somebody confirms that it is done."""
    return take_step(request, pk, service_tasks.confirm_task, confirmed_by="text")


@require_POST
def service_reopen(request, pk):
    """The result did not hold."""
    return take_step(request, pk, service_tasks.reopen_task, reason="text")


@require_POST
def service_drop(request, pk):
    """It will not be done here."""
    return take_step(request, pk, service_tasks.drop_task, reason="text")
