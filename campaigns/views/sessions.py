from django.contrib import messages
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from campaigns.forms.sessions import SessionForm, first_values, values_of
from campaigns.models import Campaign, Lecturer, TrainingSession, Unit
from campaigns.queries import (
    IN_TIME,
    SESSION_FILTERS,
    by_turn,
    listed_sessions,
    session_states,
    with_progress,
)
from campaigns.queries.clashes import planning_warnings
from campaigns.queries.parts import parts_kept
from campaigns.queries.same_class import branches_together
from campaigns.queries.trainees import others
from campaigns.services import sessions
from campaigns.views.apart import branches_apart, plan_apart
from campaigns.views.getters import chosen_campaign, chosen_unit, own_units, trail, unit_tree
from organizations.numbers import asked_pk
from organizations.paging import MOST_FOUND, chained_page, key_page
from organizations.queries.history import record_history
from organizations.service import Refused

TABS = ("week", "coming", "missing", "recorded", "all")
SOONEST_FIRST = ("coming", "missing")
NEWEST_FIRST = ("-starts_at", "-id")
FIELD_OF_REFUSAL = {
    "outside_campaign": "day",
    "ends_before_start": "other_minutes",
    "too_long": "other_minutes",
    "no_units": "units",
    "frozen": "units",
    "too_long_text": "lecturers",
}


def asked_filters(request) -> dict[str, str]:
    """What a link behind a figure adds; a number that is none is a page that does not exist."""
    filters = {name: request.GET[name] for name in SESSION_FILTERS if request.GET.get(name)}
    if "topic" in filters:
        asked_pk(filters["topic"])
    if filters.get("department", "any") != "any":
        asked_pk(filters["department"])
    return filters


@require_GET
def session_list(request):
    """Classes of the scope: this week's, coming ones, those without a register."""
    campaign = chosen_campaign(request)
    if campaign is None:
        return render(request, "campaigns/session_list.html", {"campaign": None})
    unit, text = chosen_unit(request, campaign), request.GET.get("q", "").strip()
    now, filters = timezone.now(), asked_filters(request)
    states = session_states(now)
    state = asked_state(request, states, campaign, narrowed=bool(unit or text or filters))
    rows = listed_sessions(request.user, campaign, unit=unit, state=state, search=text, **filters)
    page = shown_page(request, rows.select_related("host", "form"), state, now)
    context = {
        "campaign": campaign,
        "unit": unit,
        "trail": trail(request.user, unit),
        "page": page,
        "query": text,
        "state": state,
        "state_label": states[state].label,
        "tabs": [(word, states[word].label) for word in TABS],
        "filtered": bool(filters) or state not in TABS,
        "now": now,
    }
    return render(request, "campaigns/session_list.html", context)


def asked_state(request, states, campaign: Campaign, *, narrowed: bool) -> str:
    """Who asks for nothing wants this week; who asks for a unit, words or a figure wants all of it."""
    state = request.GET.get("state", "all" if narrowed or not campaign.is_open else "week")
    return state if state in states else "all"


def shown_page(request, rows, state: str, now):
    """A week begins with what waits for its register; every other list is in time."""
    if state == "week":
        page = chained_page(request, rows, by_turn(rows, now), *IN_TIME)
    else:
        keys = IN_TIME if state in SOONEST_FIRST else NEWEST_FIRST
        page = key_page(request, rows, *keys, most=MOST_FOUND)
    with_progress(page.rows)
    return page


@require_GET
def session_detail(request, pk):
    """One class: facts, topics, and each unit's part with its register."""
    seen = TrainingSession.objects.visible_to(request.user)
    session = get_object_or_404(
        seen.select_related("campaign", "host__organization", "form", "hours_rule"), pk=pk
    )
    mine = Unit.objects.visible_to(request.user).filter(campaign=session.campaign)
    parts = session.parts.filter(unit__in=mine).select_related("unit")
    hosting = TrainingSession.objects.hosted_by(request.user).filter(pk=session.pk).exists()
    context = {
        "session": session,
        "campaign": session.campaign,
        "trail": trail(request.user, session.host),
        "page": key_page(request, parts, "unit__path", "id"),
        "elsewhere": session.parts.exclude(unit__in=mine).count(),
        "recorded": session.parts.filter(recorded_at__isnull=False).count(),
        "topics": session.topics.select_related("task"),
        "lecturers": session.lecturers.select_related("department"),
        "hosting": hosting,
        "is_over": session.ends_at <= timezone.now(),
        "others": others(parts_kept(session, request.user, mine, to_write=False)),
        "events": record_history(session, request.user, most=20),
    }
    keeps = parts_kept(session, request.user, mine, to_write=True)
    context["still_open"] = keeps.filter(closed_at__isnull=True).exists()
    context["may_note_others"] = context["still_open"] and session.is_valid and session.day_has_come
    context["may_change"] = (
        hosting and session.is_valid and not context["recorded"] and session.campaign.is_open
    )
    if session.campaign.is_open:
        context["together"] = branches_together(session, request.user, timezone.now())
    return render(request, "campaigns/session_detail.html", context)


@require_http_methods(["GET", "POST"])
def session_new(request):
    """Plan a class for one or several branches of the scope."""
    if not request.user.keeps_records:
        raise Http404
    campaign = chosen_campaign(request)
    if campaign is None or not campaign.is_open:
        return render(request, "campaigns/session_closed.html", {"campaign": campaign})
    top = chosen_unit(request, campaign)
    choice = unit_tree(request.user, campaign, top)
    form = SessionForm(
        request.POST or None,
        campaign=campaign,
        units=own_units(request.user, campaign),
        initial=first_values(campaign, choice[0]),
    )
    # 上一步, from the rows of branches that hold it apart, shows the page as it was sent.
    is_sent = request.method == "POST" and "back" not in request.POST
    if is_sent and form.is_valid() and (answer := accepted(request, campaign, form, choice[0])):
        return answer
    return show_form(request, campaign, form, choice)


def accepted(request, campaign: Campaign, form: SessionForm, top: Unit):
    """One class planned, or the next step of several; None = refused, the form says why."""
    host = form.host(top)
    branches = branches_apart(request, form, host)
    if form.errors:
        return None
    if branches:
        return plan_apart(request, campaign, form, host, branches, venues_before(request.user))
    if session := planned(request, campaign, form, host):
        messages.success(request, "场次安排好了。")
        say_clashes(request, session)
        return redirect("campaigns:session_detail", session.pk)
    return None


def say_clashes(request, session: TrainingSession) -> None:
    """Quietly: the class is planned, and somebody may want to look at it again."""
    for sentence in planning_warnings(session, request.user):
        messages.info(request, sentence)


def planned(request, campaign: Campaign, form: SessionForm, host: Unit) -> TrainingSession | None:
    try:
        return sessions.plan_session(
            actor=request.user,
            campaign=campaign,
            host=host,
            plan=form.plan(),
            request_uuid=form.cleaned_data["request_uuid"],
        )
    except Refused as refusal:
        form.add_error(FIELD_OF_REFUSAL.get(refusal.code), refusal.message)
        return None


@require_http_methods(["GET", "POST"])
def session_edit(request, pk):
    """Change a class nobody has been marked for."""
    hosted = TrainingSession.objects.hosted_by(request.user).select_related("campaign", "host", "form")
    session = get_object_or_404(hosted, pk=pk)
    campaign = session.campaign
    form = SessionForm(
        request.POST or None,
        campaign=campaign,
        units=own_units(request.user, campaign),
        session=session,
        initial=values_of(session),
    )
    if request.method == "POST" and form.is_valid():
        try:
            sessions.change_session(actor=request.user, session=session, plan=form.plan())
            messages.success(request, "改好了。")
            say_clashes(request, TrainingSession.objects.get(pk=session.pk))
            return redirect("campaigns:session_detail", session.pk)
        except Refused as refusal:
            form.add_error(FIELD_OF_REFUSAL.get(refusal.code), refusal.message)
    return show_form(request, campaign, form, unit_tree(request.user, campaign, None), session=session)


def venues_before(user) -> list[str]:
    """Places used before, the last ones first."""
    before = TrainingSession.objects.hosted_by(user).exclude(venue="").order_by("-starts_at")
    return list(dict.fromkeys(before.values_list("venue", flat=True)[:100]))


def show_form(request, campaign: Campaign, form: SessionForm, choice, session=None):
    """The form with what was used before: venues and lecturers of the scope."""
    top, units, too_many = choice
    context = {
        "campaign": campaign,
        "form": form,
        "session": session,
        "top": top,
        "units": units,
        "too_many": too_many,
        "branch_count": sum(unit.holds_people for unit in units),
        "venues": venues_before(request.user),
        "names": Lecturer.objects.visible_to(request.user).values_list("name", flat=True)[:200],
        # Task by task, for the headings between them.
        "topics": form.fields["topics"].queryset.order_by("task__position", "position", "bit"),
    }
    return render(request, "campaigns/session_form.html", context, status=form.answer_status)


@require_POST
def session_cancel(request, pk):
    """The class does not take place."""
    session = get_object_or_404(TrainingSession.objects.hosted_by(request.user), pk=pk)
    try:
        sessions.cancel_session(actor=request.user, session=session, reason=request.POST.get("reason", ""))
        messages.success(request, "已取消。")
    except Refused as refusal:
        messages.warning(request, refusal.message)
    return redirect("campaigns:session_detail", session.pk)
