"""学时: who has how many, every minute of one person, and the file of a unit."""

from datetime import date
from urllib.parse import quote

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from attendance import hours_sheet, queries
from attendance.queries import hours
from attendance.queries.batches import IN_ORDER
from attendance.views.getters import get_campaign, get_entry, get_unit, needs, unit_crumbs
from attendance.views.levels import levels
from attendance.views.sheet import words_of
from campaigns.queries.hours import exact_text, hours_text
from organizations.models import Member
from organizations.paging import MOST_FOUND, key_page
from organizations.services.sheets import record_export
from organizations.sheets import XLSX

MOST_PEOPLE = 1_000
EMPTY = {
    "due": ("名册上还没有应训的人", "划定名册以后，人就在这里。"),
    "short": ("没有还差学时的人", "应训的党员都学够了，或名册上还没有人。"),
    "enough": ("还没有人学够", "点名以后，学时自动加上去。"),
    "waived": ("没有不作硬性要求的人", "在党员个人页可以设置。"),
    "all": ("名册上还没有人", "划定名册以后，人就在这里。"),
}


@require_GET
def hours_list(request, campaign_pk):
    """人均学时 opens this: every person with hours, target and what is missing."""
    campaign = get_campaign(request, campaign_pk)
    unit = get_unit(request, campaign)
    state, text = _asked(request)
    if not text and (people := hours.too_many(unit, state)):
        return levels(request, unit, f"学时：{hours.HOURS_STATES[state][0]}", people)
    found = hours.hours_standings(unit, state, text).select_related("entry__campaign")
    known = queries.count_standings(unit, state) if state in queries.STATES and not text else None
    page = key_page(request, found, *IN_ORDER, total=known, most=MOST_FOUND if text else None)
    year = _year(campaign)
    of_year = hours.hours_of_year([row.entry for row in page.rows], year, request.user)
    context = {
        "campaign": campaign,
        "unit": unit,
        "crumbs": unit_crumbs(unit, request.user),
        "state": state,
        "states": [(code, label) for code, (label, _) in hours.HOURS_STATES.items()],
        "label": hours.HOURS_STATES[state][0],
        "q": text,
        "page": page,
        "year": year,
        "lines": [(row, hours.sum_of(row), exact_text(of_year[row.entry_id])) for row in page.rows],
        "average": _average(unit, campaign),
        "empty": ("没有找到", "换个名字或换个筛选再看。") if text else EMPTY[state],
        "may_export": request.user.exports_reports,
    }
    return render(request, "attendance/hours_list.html", context)


def _asked(request):
    state = request.GET.get("state", "due")
    return state if state in hours.HOURS_STATES else "due", request.GET.get("q", "").strip()[:50]


def _year(campaign) -> int:
    """The calendar year the campaign is in, or ended in."""
    return min(max(timezone.localdate(), campaign.starts_on), campaign.ends_on).year


def _average(unit, campaign):
    sums = queries.tally_sums(unit, ("minutes", "due"))
    return hours_text(sums["minutes"], campaign.minutes_per_hour * sums["due"]) if sums["due"] else "—"


@require_GET
def entry_hours(request, pk):
    """Every minute of one person in this campaign, and what the calendar years come to."""
    entry = get_entry(request, pk)
    everything = hours.ledgers(list(queries.entries_of(entry.member, request.user)))
    mine = [one for one in everything if one.entry.pk == entry.pk] or hours.ledgers([entry])
    return _ledger_page(request, entry.member, mine, everything, entry)


@require_GET
def member_hours(request, pk):
    """The same over every campaign the account sees."""
    member = get_object_or_404(Member.objects.visible_to(request.user), pk=pk)
    everything = hours.ledgers(list(queries.entries_of(member, request.user)))
    return _ledger_page(request, member, everything, everything, None)


def _ledger_page(request, member, shown, everything, entry):
    context = {
        "member": member,
        "entry": entry,
        "crumbs": unit_crumbs(entry.unit, request.user) if entry else [],
        "campaign": entry.campaign if entry else None,
        "ledgers": [(one, hours.target_source(one.entry), _lines(one)) for one in shown],
        "years": hours.years(everything, timezone.localdate()).items(),
        "several": len(everything) > 1,
    }
    return render(request, "attendance/hours_ledger.html", context)


def _lines(ledger):
    return [(line, words_of(line.row.status, line.row.reason)) for line in ledger.lines]


@require_POST
def hours_export(request, campaign_pk):
    """The ledger of everybody of the list as a workbook; each file is an event with its count."""
    campaign = get_campaign(request, campaign_pk)
    needs(request.user.exports_reports)
    unit = get_unit(request, campaign)
    found = hours.hours_standings(unit, "all").select_related("entry__campaign", "entry__unit")
    rows = list(found[: MOST_PEOPLE + 1])
    if not 0 < len(rows) <= MOST_PEOPLE:
        words = f"超过{MOST_PEOPLE}人，一次导不完。请选下面的单位分几次导出。" if rows else "名册上还没有人。"
        messages.warning(request, words)
        return redirect(f"{reverse('attendance:hours_list', args=[campaign.pk])}?unit={unit.pk}")
    year = _year(campaign)
    of_year = hours.hours_of_year([row.entry for row in rows], year, request.user)
    found = hours.ledgers([row.entry for row in rows])
    content = hours_sheet.workbook(_head(unit, campaign), _sums(found, of_year, year), _every_minute(found))
    record_export(actor=request.user, noun="学时明细", count=len(rows), asked=unit.name)
    name = f"{unit.name}_学时明细_{timezone.localdate():%Y%m%d}.xlsx"
    answer = HttpResponse(content, content_type=XLSX)
    answer["Content-Disposition"] = f"attachment; filename=\"hours.xlsx\"; filename*=UTF-8''{quote(name)}"
    return answer


def _head(unit, campaign):
    today = f"{timezone.localdate():%Y年%-m月%-d日}"
    return f"{unit.name} {campaign.label} 学时明细，{today}，每学时{campaign.minutes_per_hour}分钟"


def _sums(found, of_year, year):
    for one in found:
        entry, total = one.entry, one.total
        yield (
            entry.unit.name,
            entry.member.name,
            entry.get_category_display(),
            entry.get_post_display() if entry.post else "",
            entry.hours_target,
            total.minutes,
            float(total.text),
            "够了" if total.is_met else f"还差{total.missing}",
            f"{year}年{exact_text(of_year[entry.pk], entry.hours_target)}学时",
        )


def _every_minute(found):
    for one in found:
        for line in one.lines:
            yield (
                one.entry.unit.name,
                one.entry.member.name,
                _day(line.row.held_on),
                line.row.session.title,
                words_of(line.row.status, line.row.reason),
                line.rule if line.row.counts else f"{line.rule}（这场不计入）",
                f"{line.set_by}，{timezone.localtime(line.set_at):%Y-%m-%d %H:%M}" if line.set_at else "",
                line.minutes,
                float(line.hours),
            )


def _day(day: date) -> str:
    return f"{day:%Y-%m-%d}"
