"""The lists that shrink to nothing: 待补课, 一次都没参加的, 本支部还没开过, 补不齐的."""

from collections.abc import Callable
from dataclasses import dataclass, field

from django.contrib import messages
from django.http import Http404
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from attendance import queries
from attendance.models import RosterEntry, Standing
from attendance.queries import forecast, owing
from attendance.queries.batches import IN_ORDER
from attendance.queries.contacts import count_due
from attendance.queries.todos import MOST_COMPARED
from attendance.views.getters import get_campaign, get_unit, needs, unit_crumbs
from attendance.views.levels import levels
from attendance.views.sheet import words_of
from campaigns.models import Topic
from organizations import sheets
from organizations.admin_sheets import MOST_ROWS, as_file
from organizations.paging import MOST_FOUND, key_page
from organizations.service import Refused
from organizations.services.members import reveal_member
from organizations.services.sheets import record_export

PEOPLE, PRINTED = 50, 500
MOST_TOLD = 3  # classes named beside somebody who came to none
TABS = [
    ("owing", "待补课", "makeup_list"),
    ("never", "一次都没参加的", "never_list"),
    ("home_waiting", "送学上门", "home_list"),
    ("floating", "流动联系", "contact_list"),
    ("late", "补不齐的", "late_list"),
]


@dataclass(frozen=True)
class DebtList:
    """One list: what it is called, how its column of debts is headed, what an empty one means."""

    code: str
    title: str
    head: str
    empty: tuple[str, str]
    words: str  # in the sentence for WeChat


OWING = DebtList(
    "owing",
    "待补课",
    "缺了什么",
    ("没有人要补课", "开过的必训专题，没来的人都补齐了；未点名的场次不在这里。"),
    "待补课",
)
NEVER = DebtList(
    "never",
    "一次都没参加的",
    "为什么",
    ("没有一次都没参加的人", "应训的党员都至少来过一次。"),
    "一次都没参加的",
)
UNTAUGHT = DebtList(
    "untaught",
    "本支部还没开过",
    "还没学",
    ("没有这样的人", "每个支部的必训专题都开过，或这里的人都已经学过。"),
    "所在支部还没开过必训专题的",
)
LATE = DebtList(
    "late",
    "补不齐的",
    "没有课可上",
    ("没有补不齐的人", "每个人还缺的必训专题，后面都安排了能去的课。"),
    "照现在的安排学不完必训专题的",
)


@dataclass
class Line:
    """One person as the list shows them; `days_left` of the debt that ends first."""

    standing: Standing
    reasons: list[str] = field(default_factory=list)
    days_left: int | None = None

    @property
    def phone(self):
        return self.standing.entry.member.masked_phone


# --- The pages -------------------------------------------------------------------------------
@require_GET
def makeup_list(request, campaign_pk):
    """Who owes what, by topic and place; beside it whose branch has not held a topic at all."""
    campaign = get_campaign(request, campaign_pk)
    moved = {"never": "never_list", "home_waiting": "home_list", "floating": "contact_list"}
    if page := moved.get(request.GET.get("list", "")):
        unit = get_unit(request, campaign)
        return redirect(f"{reverse(f'attendance:{page}', args=[campaign.pk])}?unit={unit.pk}")
    unit = get_unit(request, campaign)
    shown = UNTAUGHT if request.GET.get("list") == "untaught" else OWING
    if shown is OWING and _due_of(request) and (people := owing.too_many(unit)):
        return levels(request, unit, shown.title, people, tabs=tabs(unit), which=shown.code)
    found = asked_owing(request, unit) if shown is OWING else asked_untaught(request, unit)
    topics = queries.compulsory_topics(campaign)
    context = _page(request, unit, shown, found) | {
        "which": "owing",
        "is_untaught": shown is UNTAUGHT,
        "owed_topics": [(topic, n) for topic, n in queries.makeup_by_topic(unit) if n],
        "not_held": owing.topics_not_held(unit, topics),
        "has_topics": bool(topics),
        "deadlines": owing.DEADLINES.items(),
        "progress": owing.progress(unit),
    }
    return render(request, "attendance/makeup_list.html", context)


@require_GET
def never_list(request, campaign_pk):
    """Who came to nothing yet."""
    campaign = get_campaign(request, campaign_pk)
    unit = get_unit(request, campaign)
    context = _page(request, unit, NEVER, asked_never(request, unit))
    return render(request, "attendance/never_list.html", context)


@require_GET
def late_list(request, campaign_pk):
    """Who can no longer finish with what is still planned; above a township first where they are."""
    campaign = get_campaign(request, campaign_pk)
    unit = get_unit(request, campaign)
    members = queries.tally_sums(unit, ("members",))["members"]
    if members > forecast.MOST_MEMBERS:
        rule = "照现在排好的课，到冬训结束也学不全必训专题的人。"
        return levels(request, unit, LATE.title, members, rule=rule, tabs=tabs(unit), which=LATE.code)
    context = _page(request, unit, LATE, asked_late(request, unit))
    context["by_child"] = [] if unit.holds_people else forecast.too_late_by_child(unit, timezone.now())
    return render(request, "attendance/late_list.html", context)


# --- What was asked for ------------------------------------------------------------------------
@dataclass(frozen=True)
class Asked:
    """The people an address asks for, how long the list is if that is known, and a line for each."""

    people: object
    total: int | None
    lines: Callable
    topic: Topic | None = None
    due: str = ""


def asked_owing(request, unit):
    text, due = _text_of(request), _due_of(request)
    topics = queries.compulsory_topics(unit.campaign)
    topic = _topic(request, topics)
    today = timezone.localdate()
    found = owing.owing_people(unit, text)
    found = queries.owing_topic(found, topic) if topic else found
    found = owing.by_deadline(found, due, unit.campaign, today)
    known = None if text or topic or due else queries.count_standings(unit, "owing")

    def lines(rows):
        missed = owing.missed_classes(rows, topics, unit.campaign, today)
        return [_owing_line(row, missed.get(row.pk, [])) for row in rows]

    return Asked(found, known, lines, topic, due)


def _owing_line(row, missed):
    left = min((one.days_left for one in missed), default=None)
    return Line(row, [_missed_words(one) for one in missed], left)


def _missed_words(one):
    """What is owed, unless the title of the class says it already: then the class is enough."""
    owed = "、".join(topic.name for topic in one.topics if topic.name not in one.row.session.title)
    return f"{row_words(one.row)}，缺{owed}" if owed else row_words(one.row)


def row_words(row):
    """1月9日“第一课”请假·生病."""
    return f"{row.held_on.month}月{row.held_on.day}日“{row.session.title}”{words_of(row.status, row.reason)}"


def asked_untaught(request, unit):
    topics = queries.compulsory_topics(unit.campaign)
    topic = _topic(request, topics)
    wanted = [topic] if topic else topics

    def lines(rows):
        masks = dict(zip([row.pk for row in rows], _known(rows), strict=True))
        return [Line(row, [t.name for t in wanted if not masks[row.pk] & t.mask]) for row in rows]

    return Asked(owing.waiting_for_class(unit, wanted, _text_of(request)), None, lines, topic)


def _known(rows):
    return [row.known for row in rows]


def asked_never(request, unit):
    text = _text_of(request)
    known = None if text else queries.count_standings(unit, "never")

    def lines(rows):
        missed = owing.classes_missed(rows)
        return [Line(row, _never_words(row, missed.get(row.pk, []))) for row in rows]

    return Asked(queries.standings(unit, "never", text=text), known, lines)


def _never_words(row, missed):
    """Why, and the last classes they did not come to."""
    told = [row_words(one) for one in missed[-MOST_TOLD:]]
    more = [f"前面还有{len(missed) - MOST_TOLD}场"] if len(missed) > MOST_TOLD else []
    return [*filter(None, [row.get_why_display() if row.why else ""]), *more, *told]


def asked_late(request, unit):
    now = timezone.now()
    topics = queries.compulsory_topics(unit.campaign)

    def lines(rows):
        missing = forecast.what_is_missing(rows, unit, now, topics)
        return [Line(row, [topic.name for topic in missing.get(row.pk, [])]) for row in rows]

    return Asked(forecast.too_late(unit, now, _text_of(request)), None, lines)


ASKED = {
    "owing": (OWING, asked_owing),
    "untaught": (UNTAUGHT, asked_untaught),
    "never": (NEVER, asked_never),
    "late": (LATE, asked_late),
}


def _due_of(request):
    due = request.GET.get("due", "")
    return due if due in owing.DEADLINES else ""


def _text_of(request):
    return request.GET.get("q", "").strip()[:50]


def _topic(request, topics):
    return next((topic for topic in topics if str(topic.pk) == request.GET.get("topic", "")), None)


# --- The frame they share ------------------------------------------------------------------------
def base(request, unit, shown):
    """Title, way back and tabs."""
    return {
        "campaign": unit.campaign,
        "unit": unit,
        "crumbs": unit_crumbs(unit, request.user),
        "which": shown.code,
        "shown": shown,
        "tabs": tabs(unit),
        "q": _text_of(request),
        "now": timezone.now(),
        "can_plan": request.user.keeps_records and unit.campaign.is_open,
        "may_export": request.user.exports_reports,
    }


def tabs(unit):
    """(code, label, address, people) of each list; the forecast is not counted on every page."""
    sums = queries.tally_sums(unit, [code for code, _, _ in TABS if code != "late"])
    # Two figures are of who still waits: their tabs open on them.
    state = {"home_waiting": "&state=waiting"}
    # Who is to be contacted is known only by asking for each: not where a page would wait for it.
    if 0 < sums["floating"] <= MOST_COMPARED:
        sums["floating"] = count_due(unit, unit.campaign, timezone.localdate())
        state["floating"] = "&state=due"
    where = {page: reverse(f"attendance:{page}", args=[unit.campaign_id]) for _, _, page in TABS}
    return [
        (code, label, f"{where[page]}?unit={unit.pk}{state.get(code, '')}", sums.get(code))
        for code, label, page in TABS
    ]


def _page(request, unit, shown, asked):
    is_print = bool(request.GET.get("print"))
    size = PRINTED if is_print else PEOPLE
    page = key_page(request, asked.people, *IN_ORDER, size=size, total=asked.total, most=_most(request))
    text = _text_of(request)
    return base(request, unit, shown) | {
        "topic": asked.topic,
        "due": asked.due,
        "page": page,
        "lines": asked.lines(page.rows),
        "is_print": is_print,
        "empty": ("没有找到", "换个名字或换个筛选再看。") if text or asked.due else shown.empty,
        "text": sentence(unit, shown.words, page, asked.topic),
    }


def _most(request):
    return MOST_FOUND if _text_of(request) else None


def sentence(unit, words, page, topic=None):
    """Ready for WeChat: numbers, no names."""
    today = timezone.localdate()
    about = f"（{topic.name}）" if topic else ""
    ask = "，请各支部尽快安排。" if page.total else "。"
    return f"{unit.name}冬训：截至{today.month}月{today.day}日，{words}{about}{page.total_text}人{ask}"


# --- Out of the house, and one phone ---------------------------------------------------------------
@require_GET
def debts_export(request, campaign_pk):
    """The whole list as a workbook, phones masked. Each file is an event with its count."""
    campaign = get_campaign(request, campaign_pk)
    unit = get_unit(request, campaign)
    needs(request.user.exports_reports)
    shown, ask = ASKED.get(request.GET.get("list", ""), (None, None))
    if shown is None:
        raise Http404
    if _keeps_waiting(request, unit, shown):
        messages.warning(request, "这一级人太多，请先打开下一级再导出。")
        page = "late_list" if shown is LATE else "makeup_list"
        return redirect(f"{reverse(f'attendance:{page}', args=[campaign.pk])}?unit={unit.pk}")
    asked = ask(request, unit)
    rows = list(asked.people.order_by(*IN_ORDER)[: MOST_ROWS + 1])
    if len(rows) > MOST_ROWS:
        messages.warning(request, f"超过{MOST_ROWS}人，一次导不完。请先打开下一级，再分几次导出。")
        return redirect(f"{reverse('attendance:makeup_list', args=[campaign.pk])}?unit={unit.pk}")
    return _as_workbook(request, unit, shown, asked.lines(rows))


def _keeps_waiting(request, unit, shown):
    """What no page of the list would compare is not compared for a file either."""
    if shown is LATE:
        return queries.tally_sums(unit, ("members",))["members"] > forecast.MOST_MEMBERS
    return shown is OWING and _due_of(request) and owing.too_many(unit)


def _as_workbook(request, unit, shown, lines):
    heads = ["支部", "姓名", "手机", shown.head, "还剩几天"]
    rows = [
        [*who(line.standing), "；".join(line.reasons), "" if line.days_left is None else str(line.days_left)]
        for line in lines
    ]
    return workbook(request, unit, shown.title, heads, rows)


def who(standing):
    """Branch, name and masked phone: how a line of every such file begins."""
    member = standing.entry.member
    return [standing.unit.name, member.name, member.masked_phone]


def workbook(request, unit, title, heads, rows):
    """The list as a file; each file is an event with its count."""
    needs(request.user.exports_reports)
    record_export(actor=request.user, noun=f"{unit.name}{title}", count=len(rows))
    name = f"{unit.name}{title}{timezone.localdate():%Y%m%d}.xlsx"
    return as_file(name, sheets.table(title, heads, rows))


@require_POST
def entry_phone(request, pk):
    """One phone in full, once, for a reason that is kept."""
    needs(request.user.keeps_records)
    found = RosterEntry.objects.manageable_by(request.user).select_related("member").filter(pk=pk).first()
    if found is None:
        raise Http404
    context, status = {"entry": found, "can_plan": True}, 200
    try:
        reason = request.POST.get("reason", "")
        _, phone = reveal_member(actor=request.user, member=found.member, reason=reason)
        context["revealed"] = phone
    except Refused as refusal:
        context["refusal"], status = refusal.message, 422
    return render(request, "attendance/_phone.html", context, status=status)
