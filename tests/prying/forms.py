"""Every form an account is shown, gathered by walking its pages: what nonsense is put into."""

from collections import Counter, deque
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urljoin, urlsplit

from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import Resolver404, resolve, reverse
from django.utils import timezone

from campaigns.models import TrainingSession
from tests.organizations.workbooks import person, roster
from tests.prying.walk import Pryer

MOST_PAGES = 400
VOID = {"submit", "button", "image", "reset"}
# What a person would type where a form asks for it; by a part of the field's name.
TYPED = [
    ("uuid", ""),
    ("starts_at", "moment"),
    ("ends_at", "moment later"),
    ("_on", "day"),
    ("day", "day"),
    ("since", "day"),
    ("until", "day"),
    ("deadline", "day"),
    ("starts", "09:00"),
    ("start", "09:00"),
    ("ends", "11:00"),
    ("length", "120"),
    ("minutes", "60"),
    ("username", "xin-zhanghao"),
    ("code", "HZ0999"),
    ("reason", "核对一下"),
]
ALWAYS = {"title", "name", "reason", "text", "starts_at", "ends_at"}


@dataclass
class Field:
    """One name of a form, what it would send, and what else it offers."""

    name: str
    kind: str
    value: str = ""
    offered: list = field(default_factory=list)
    is_required: bool = False
    is_checked: bool = False

    @property
    def is_id(self) -> bool:
        """Numbers and UUIDs that stand for a record: offered by a choice, or hidden in the page."""
        values = [value for value in [self.value, *self.offered] if value]
        # A choice without any offers is filled by a search while somebody types.
        looks = (bool(values) or self.kind == "select") and all(
            value.isdigit() or value.count("-") == 4 for value in values
        )
        return looks and self.kind in ("select", "checkbox", "radio", "hidden", "query")


@dataclass
class Form:
    """One form as a browser would send it."""

    page: str
    action: str
    method: str
    fields: list = field(default_factory=list)

    @property
    def key(self) -> tuple:
        match = resolve(urlsplit(self.action).path)
        return match.view_name, self.method, tuple(sorted({one.name for one in self.fields}))

    def body(self, own: dict | None = None) -> dict:
        """What is sent when somebody fills the form in sensibly; `own`: what a search would offer."""
        sent: dict = {}
        for one in self.fields:
            if one.kind in ("checkbox", "select") or one.name not in sent:
                sent.setdefault(one.name, [])
                if value := filled(one) or searched(one, own or {}):
                    sent[one.name].append(value)
        return {name: values for name, values in sent.items() if values}


def filled(one: Field) -> str | SimpleUploadedFile:
    if one.value or one.is_checked or one.kind in ("hidden", "query"):
        return one.value
    if one.kind == "file":
        return SimpleUploadedFile("名册.xlsx", roster(person("试一", branch="北山村党支部")))
    if one.kind == "checkbox":
        return one.offered[0] if one.offered[0].isdigit() else ""
    if one.kind in ("select", "radio"):
        return next((value for value in one.offered if value), "")
    return typed(one) if one.is_required or one.name in ALWAYS else ""


def searched(one: Field, own: dict) -> str:
    return own.get(one.name, "") if one.kind == "select" else ""


def typed(one: Field) -> str:
    now = timezone.localtime()
    days = {
        "day": f"{now:%Y-%m-%d}",
        "moment": f"{now:%Y-%m-%dT08:00}",
        "moment later": f"{now:%Y-%m-%dT10:00}",
    }
    word = next((word for part, word in TYPED if part in one.name), "1" if one.kind == "number" else "试试看")
    return days.get(word, word)


class Reader(HTMLParser):
    """Forms and links of one page."""

    def __init__(self, page: str):
        super().__init__()
        self.page, self.forms, self.links = page, [], []
        self.form = self.select = None

    def handle_starttag(self, tag, attrs):
        values = {name: value or "" for name, value in attrs}
        if tag == "a":
            self.links.append(urljoin(self.page, values.get("href", "")))
        for name in ("hx-get", "hx-post"):
            if name in values:
                action = urljoin(self.page, values[name])
                self.forms.append(Form(self.page, action, name[3:].upper()))
        if tag == "form":
            action = urljoin(self.page, values.get("action") or values.get("hx-post") or self.page)
            self.form = Form(self.page, action, values.get("method", "get").upper())
            self.forms.append(self.form)
        if self.form is not None:
            self.handle_field(tag, values)

    def handle_field(self, tag, values):
        name, kind = values.get("name", ""), values.get("type", tag)
        if tag == "select" and name:
            self.select = Field(name, "select", is_required="required" in values)
            self.form.fields.append(self.select)
        elif tag == "option" and self.select is not None:
            self.select.offered.append(values.get("value", ""))
            if "selected" in values:
                self.select.value = values.get("value", "")
        elif tag in ("input", "textarea") and name and name != "csrfmiddlewaretoken" and kind not in VOID:
            self.add_input(name, "text" if tag == "textarea" else kind, values)
        elif tag == "button" and name:
            self.form.fields.append(Field(name, "hidden", values.get("value", "")))

    def add_input(self, name, kind, values):
        choice = kind in ("checkbox", "radio")
        known = next((f for f in self.form.fields if choice and f.name == name), None)
        one = known or Field(name, kind, is_required="required" in values)
        if known is None:
            self.form.fields.append(one)
        if choice:
            one.offered.append(values.get("value", "on"))
        if not choice or "checked" in values:
            one.value, one.is_checked = values.get("value", "on" if choice else ""), choice

    def handle_endtag(self, tag):
        if tag == "form":
            self.form = None
        if tag == "select":
            self.select = None


def gather(pryer: Pryer, most: int = MOST_PAGES, alike: int = MOST_PAGES) -> list[Form]:
    """All kinds of forms the account is shown."""
    forms: dict = {}
    for reader, _ in pages(pryer, most, alike):
        for form in [*reader.forms, *query_form(reader.page)]:
            if kind_of(form.action):
                forms.setdefault(form.key, form)
    return list(forms.values())


def pages(pryer: Pryer, most: int, alike: int = MOST_PAGES):
    """(forms and links, answer) of one page of each kind, as links lead to them; so many of one view."""
    waiting, visited, views = deque(["/", "/admin/", *planned(pryer)]), set(), Counter()
    while waiting and len(visited) < most:
        address = waiting.popleft()
        key = kind_of(address)
        if key is None or key in visited or views[key[0]] == alike:
            continue
        visited.add(key)
        views[key[0]] += 1
        answer, _ = pryer.ask("GET", address)
        if answer.status_code in (301, 302):
            waiting.append(urljoin(address, answer.url))
        if answer.status_code != 200 or "html" not in answer.headers.get("Content-Type", ""):
            continue
        reader = Reader(address)
        reader.feed(answer.content.decode())
        waiting.extend(reader.links)
        yield reader, answer


def planned(pryer: Pryer) -> list[str]:
    """Of all classes the walk visits the first it meets, which may be over: one that can still be edited."""
    if not pryer.user:
        return []
    mine = TrainingSession.objects.manageable_by(pryer.user).exclude(parts__recorded_at__isnull=False)
    return [reverse("campaigns:session_edit", args=[session.pk]) for session in mine[:1]]


def kind_of(address: str):
    """Pages of one route with the same words in their query are one kind."""
    parts = urlsplit(address)
    if parts.netloc or parts.scheme not in ("", "http"):
        return None
    try:
        match = resolve(parts.path)
    except Resolver404:
        return None
    if match.view_name in ("organizations:logout", "admin:logout", None):
        return None
    return match.view_name, tuple(sorted({name for name, _ in parse_qsl(parts.query)}))


def query_form(address: str) -> list[Form]:
    """The query of a link is a form too: people edit addresses."""
    parts = urlsplit(address)
    fields = [Field(name, "query", value) for name, value in parse_qsl(parts.query)]
    return [Form(address, parts.path, "GET", fields)] if fields else []
