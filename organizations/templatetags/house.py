"""How figures, dates, icons and the navigation look, the same on every page."""

from fractions import Fraction
from functools import partial

from django import template
from django.templatetags.static import static
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.html import format_html

from organizations.models import Role
from organizations.services import changes

register = template.Library()

SPRITE = "vendor/bootstrap-icons/1.13.2/sprite.svg"
WEEKDAYS = "一二三四五六日"
# State is always sign + word + colour: a colour-blind reader and a black-and-white print lose nothing.
CHIP_ICONS = {
    "good": "check-circle",
    "warn": "exclamation-triangle",
    "muted": "dash-circle",
    "gold": "star",
    "info": "info-circle",
}
READERS = {Role.OFFICER, Role.ORGANIZER, Role.INSPECTOR}
EDITORS = {Role.OFFICER, Role.ORGANIZER}
# (label, icon, URL name, roles, where): "tab" stands on the phone's tab bar and the desktop's top bar,
# "bar" on the top bar and under 更多, "more" first under 更多 (a desk finds it on the page of the winter),
# "kept" there as well where a phone can keep registers, "menu" in the account's menu.
NAV = [
    ("首页", "house", "reports:home", READERS | {Role.RECORDER}, "tab"),
    ("场次", "calendar3", "campaigns:session_list", READERS | {Role.RECORDER}, "tab"),
    ("补课", "arrow-repeat", "attendance:makeup_list", READERS, "tab"),
    ("看板", "bar-chart", "reports:dashboard", READERS, "tab"),
    ("请假", "dash-circle", "attendance:leave_list", READERS, "more"),
    ("学时", "clock-history", "attendance:hours_list", READERS, "more"),
    ("手机里的点名", "download", "attendance:offline_home", EDITORS | {Role.RECORDER}, "kept"),
    ("办实事", "house-heart", "campaigns:service_list", READERS, "bar"),
    ("报表", "file-earmark-spreadsheet", "reports:report_list", READERS, "bar"),
    ("党员", "people", "organizations:member_list", READERS, "bar"),
    ("台账", "journal-text", "admin:index", READERS, "bar"),
    ("导入", "upload", "organizations:import_upload", EDITORS, "bar"),
    ("操作记录", "list", "organizations:audit_list", {Role.OFFICER, Role.AUDITOR}, "bar"),
    ("冬训", "flag", "campaigns:campaign_list", READERS, "menu"),
    ("党组织", "diagram-3", "organizations:organization_list", READERS, "menu"),
    ("账号", "key", "organizations:account_list", EDITORS, "menu"),
    ("后台任务", "gear", "organizations:job_list", READERS, "menu"),
]


@register.simple_tag
def icon(name: str) -> str:
    """One picture from the local sprite; decoration only, the word stands beside it."""
    return format_html(
        '<svg class="icon" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>',
        static(SPRITE),
        name,
    )


@register.simple_tag
def chip(level: str, text: str) -> str:
    return format_html('<span class="chip chip-{}">{}{}</span>', level, icon(CHIP_ICONS[level]), text)


@register.simple_tag
def rate_text(n: int | None, d: int | None, target: float | None = None) -> str:
    """ "95.3%" half-up; never rounded up to 100 % or to the target; "—" when nobody was expected."""
    if not d or n is None:
        return "—"
    tenths = (2000 * n + d) // (2 * d)
    if n < d:
        tenths = min(tenths, 999)
    if target is not None:
        goal = Fraction(str(target)) * 10
        if Fraction(1000 * n, d) < goal <= tenths:
            tenths = -(-goal.numerator // goal.denominator) - 1
    return f"{tenths // 10}.{tenths % 10}%"


@register.simple_tag
def meter(n: int | None, d: int | None, target: float | None = None) -> str:
    """A thin bar with the target marked. SVG attributes, because the policy forbids inline styles."""
    if not d or n is None:
        return ""
    width = min(Fraction(100 * n, d), Fraction(100))
    reached = target is not None and Fraction(100 * n, d) >= Fraction(str(target))
    mark = format_html('<rect class="meter-mark" x="{}" width="0.8" height="6"/>', target) if target else ""
    return format_html(
        '<svg class="meter{}" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="meter-ground" width="100" height="6"/>'
        '<rect class="meter-bar" width="{}" height="6"/>{}</svg>',
        " is-reached" if reached else "",
        f"{float(width):.2f}",
        mark,
    )


@register.filter
def role_name(code: str) -> str:
    """The word people say for a role; anything else stays as it is."""
    return dict(Role.choices).get(code, code)


def local(value):
    """Datetimes are stored in UTC; people read Beijing time."""
    return timezone.localtime(value) if hasattr(value, "tzinfo") and timezone.is_aware(value) else value


@register.filter
def cn_date(value, year: str = "") -> str:
    """11月22日 周日; with the argument "year" 2026年11月22日 周日."""
    if not value:
        return "—"
    day = local(value)
    prefix = f"{day.year}年" if year else ""
    return f"{prefix}{day.month}月{day.day}日 周{WEEKDAYS[day.weekday()]}"


@register.filter
def cn_datetime(value, year: str = "") -> str:
    """11月22日 周日 14:30."""
    return f"{cn_date(value, year)} {local(value):%H:%M}" if value else "—"


@register.filter
def fact(record, name: str) -> str:
    """A column of a record as people would write it; of a day as much as is known."""
    return changes.fact(record, name)[1]


@register.simple_tag(takes_context=True)
def kept_fields(context, *dropped: str) -> list[tuple[str, str]]:
    """The page's GET parameters a filter form must carry on, without its own ones and the page number."""
    query = context["request"].GET
    return [(key, value) for key, values in query.lists() if key not in dropped for value in values]


@register.simple_tag(takes_context=True)
def page_address(context, name: str, value: str = "") -> str:
    """This page's address with one parameter set, or taken away; the filters stay."""
    query = context["request"].GET.copy()
    query.pop(name, None)
    if value:
        query[name] = value
    return f"?{query.urlencode()}"


def campaign_pk(context, match) -> int | None:
    """The campaign the page is about, for links that live below one."""
    campaign = context.get("campaign") or context.get("nav_campaign")
    return getattr(campaign, "pk", None) or (match.kwargs.get("campaign_pk") if match else None)


def address(name: str, find_campaign) -> str | None:
    """The page's address, below the current campaign where it lives there; None while there is none."""
    try:
        return reverse(name)
    except NoReverseMatch:
        pk = find_campaign()
    try:
        return reverse(name, args=[pk]) if pk else None
    except NoReverseMatch:
        return None


@register.simple_tag(takes_context=True)
def nav_items(context) -> list[dict]:
    """What this account's role may open, in the fixed order of the bar."""
    request = context.get("request")
    user = getattr(request, "user", None)
    if not getattr(user, "is_authenticated", False):
        return []
    match = request.resolver_match
    here = match.view_name if match else ""
    items = []
    for label, image, name, roles, where in NAV:
        url = address(name, partial(campaign_pk, context, match)) if user.role in roles else None
        active = here == name or (name == "admin:index" and here.startswith("admin:"))
        if url:
            items.append({"label": label, "icon": image, "url": url, "where": where, "active": active})
    return items
