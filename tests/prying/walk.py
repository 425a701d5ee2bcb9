"""One request of somebody who pries, undone afterwards, with all that is wrong about the answer."""

import json
import os
import re
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import unquote

from django.db import connection, transaction
from django.test import Client

from tests.prying.places import Place, World, holds
from tests.prying.routes import LOGIN_PAGES, PUBLIC, ROUTES, Route
from tests.prying.sweep import may_write, unpacked

# (name, method, content type, body). What most forms ask for is there, so that acts in scope are done.
BODY = {"reason": "试试看能不能", "text": "试试看能不能", "rest": "present", "q": "试", "note": "试试看"}
METHODS = {
    "GET": ("GET", "", {}),
    "GET by htmx": ("GET", "", {"HTTP_HX_REQUEST": "true"}),
    "HEAD": ("HEAD", "", {}),
    "POST form": ("POST", "form", {}),
    "POST JSON": ("POST", "json", {}),
    "PUT": ("PUT", "json", {}),
    "PATCH": ("PATCH", "json", {}),
    "DELETE": ("DELETE", "", {}),
    "OPTIONS": ("OPTIONS", "", {}),
}
RARE = 5  # of the methods no page of ours uses
ONE_OF = int(os.environ.get("PRYING_ONE_OF", "1"))  # of all combinations; the bench says how many
# Rows that reading and being refused may write: the audit, the login.
HARMLESS = {"organizations_auditevent"}
# What a role that only reads may ask for: a report.
READERS = {"INSPECTOR": HARMLESS | {"organizations_job", "organizations_storedfile"}, "AUDITOR": HARMLESS}
# Where a reason shows the numbers of a member of the own scope, once.
REVEALS = ("organizations:member_reveal", "admin:organizations_member_reveal", "attendance:entry_phone")
# Everybody may end the own logins.
OWN = {"organizations:logins_end": {"organizations_user"}}
# Levels keep these for everybody below them.
FROM_BELOW = {"campaign", "item", "topic", "lecturer"}
CHANGING = re.compile(rb'name="csrfmiddlewaretoken" value="[^"]*"|[0-9a-f]{8}-[0-9a-f-]{27}')
# Wherever it stands in the statement: PostgreSQL writes inside WITH, too.
WRITE = re.compile(
    r'(?:INSERT\s+(?:OR\s+\w+\s+)?INTO|UPDATE|DELETE\s+FROM)\s+"?'
    r"((?:organizations|campaigns|attendance|reports)_\w+)",
    re.IGNORECASE,
)
TOKEN = re.compile(rb"X-CSRFToken[^>]*")


@dataclass(frozen=True)
class Case:
    """One combination of the matrix."""

    actor: str
    route: Route
    place: Place
    method: str
    variant: str
    address: str

    def __str__(self):
        where = f"{self.place.code}, {self.variant}"
        return f"{self.actor}: {self.method} {self.route.name} {self.address} ({where})"

    @property
    def is_common(self) -> bool:
        return self.method in ("GET", "POST form")

    def is_in_sample(self, one_of: int, halves: bool) -> bool:
        """Always the same share, spread over everything; another one when a route is added."""
        text = f"{self.actor}{self.route.name}{self.place.code}{self.method}{self.variant}"
        share, rest = divmod(zlib.crc32(text.encode()), one_of)
        return rest == 0 and (not halves or is_ours(share))


def variants(world: World, route: Route, place: Place):
    """(name, address): the record itself, and pages that take a record of the place in their query."""
    if route.is_open or route.name == "organizations:logout":
        yield from open_variants(world, route, place)
        return
    shared = Shared(world, place)
    about = shared if "unit_pk" in route.arguments else place
    if address := route.address(about):
        yield "record", address
    if route.arguments == ["campaign_pk"]:
        address = route.address(shared)
        yield "unit", f"{address}?unit={place.value('unit', 'pk')}&form=LECTURE&state=all"
        yield "search", f"{address}?q={word_of(place)}&entry={place.value('entry', 'pk')}"
    if "session" in route.records and (address := route.address(JointClass(world))):
        yield "joint class", f"{address}?unit={place.value('unit', 'pk')}&visitor={word_of(place)}&status=all"


def open_variants(world, route, place):
    address = route.address(place)
    if route.name == "admin:autocomplete":
        fields = [("organizations", "member", "branch"), ("campaigns", "servicetask", "owner")]
        for app, model, column in fields:
            yield (
                f"{model}.{column}",
                (f"{address}?app_label={app}&model_name={model}&field_name={column}&term={word_of(place)}"),
            )
        return
    yield "search", f"{address}?q={word_of(place)}&owner={word_of(place)}&state=all&show=all"
    tree, campaign = place.value("organization", "pk"), place.value("campaign", "pk")
    yield "organization", f"{address}?unit={tree}&organization={tree}&parent={tree}&branch={tree}"
    units = place.value("unit", "pk")
    yield "unit", f"{address}?campaign={world.campaign.pk}&unit={units}&host={units}&state=all"
    if campaign:
        yield "campaign", f"{address}?campaign={campaign}&campaign__id__exact={campaign}"


def word_of(place: Place) -> str:
    """What somebody would look for: never a whole canary, so that its echo is none."""
    found = place.value("member", "name") if type(place) is Place else ""
    return found[:2] if found else "灰喜" if place.code.startswith("HZ02") else "白头"


class Shared(Place):
    """A place's records in the campaign of the whole district."""

    def __init__(self, world, place):
        super().__init__(place.code)
        self.world, self.place = world, place

    def value(self, record, column):
        if record == "campaign":
            return self.world.campaign.pk
        return self.place.value(record, column)


class JointClass(Place):
    def __init__(self, world):
        shared = {"session": world.shared, "part": world.shared.parts.first()}
        super().__init__("HZ", shared | {"sending": world.shared.batches.first()})


def cases(
    world: World,
    actor: str,
    *,
    one_of: int = 1,
    rare: int = RARE,
    methods=tuple(METHODS),
    places=None,
    halves: bool = False,
):
    """The combinations of one account: of the common methods one of so many, of the others fewer."""
    for route in ROUTES:
        if route.name in PUBLIC:
            continue
        for place in places or [*world.places.values(), *world.ghosts]:
            for variant, address in variants(world, route, place):
                for method in methods:
                    case = Case(actor, route, place, method, variant, address)
                    if case.is_in_sample(one_of if case.is_common else one_of * rare, halves):
                        yield case


def is_ours(number: int) -> bool:
    """Of a sample SQLite is asked one half and PostgreSQL the other: `make test` asks the whole of it."""
    return number % 2 == (connection.vendor == "postgresql")


class Pryer:
    """One account at the door. Whatever a request does is rolled back, so no case disturbs the next."""

    def __init__(self, world: World, actor: str):
        self.world, self.actor, self.user = world, actor, world.actors[actor]
        self.client = Client(raise_request_exception=False)
        if self.user:
            self.client.force_login(self.user)
        self.login = self.client.cookies.output()
        self.cookies = dict(self.client.cookies)
        self.nothing: dict = {}
        self.counts = {"combinations": 0, "shown": 0, "denied": 0}
        hidden = [c for c in world.canaries if not c.may_be_seen_by(self.user)]
        self.hidden = [c.words.encode() for c in hidden]

    @property
    def is_inside_the_door(self) -> bool:
        return self.user is not None and self.user.is_active

    def ask(self, method: str, address: str, body=None):
        """(answer, tables written); the database is afterwards as it was before."""
        verb, kind, headers = METHODS[method]
        self.client.cookies.clear()
        self.client.cookies.update(self.cookies)
        with transaction.atomic(), watched() as tables:
            if kind == "form":
                answer = self.client.post(address, BODY if body is None else body, **headers)
            else:
                data = json.dumps({} if body is None else body) if kind == "json" else ""
                answer = self.client.generic(verb, address, data, content_type="application/json", **headers)
            transaction.set_rollback(True)
        return answer, tables

    def walk(self, found) -> list[str]:
        return [f"{case}: {trouble}" for case in found for trouble in self.complaints(case)]

    def complaints(self, case: Case):
        answer, tables = self.ask(case.method, case.address)
        self.counts["combinations"] += 1
        content = everything(answer)
        if answer.status_code >= 500:
            yield f"breaks: {getattr(answer, 'exc_info', None)}"
            return
        yield from (f"shows {words.decode()}" for words in self.hidden if words in content)
        yield from self.shown_numbers(case, content)
        yield from self.wrong_writes(case, tables)
        if not self.is_inside_the_door:
            if not leads_to_login(answer):
                yield f"answers {answer.status_code} without a login"
        elif case.variant == "record" and self.is_outside(case):
            yield from self.tells_apart(case, answer)
        self.counts["shown" if answer.status_code == 200 else "denied"] += 1

    def shown_numbers(self, case, content):
        if case.route.name in REVEALS and case.method == "POST form":
            mine = case.place.value("member", "pk")
            if mine and not self.is_outside(case):
                return
        yield from (f"shows the number {n}" for n in self.world.numbers if n.encode() in content)

    def wrong_writes(self, case, tables):
        allowed = READERS.get(self.user.role) if self.is_inside_the_door else HARMLESS
        if case.variant == "record" and self.is_outside(case):
            allowed = HARMLESS
        if self.is_inside_the_door:
            tables = tables - OWN.get(case.route.name, set())
        if allowed is not None and tables - allowed:
            yield f"writes {sorted(tables - allowed)}"

    def is_outside(self, case: Case) -> bool:
        if type(case.place) is not Place:
            return True
        mine = self.user.organization.code if self.user else "-"
        records = [record for record in case.route.records if record not in ("indicator", "department")]
        if "unit" in records:
            records = ["unit"]
        return bool(records) and not any(self.reaches(mine, record, case.place) for record in records)

    @staticmethod
    def reaches(mine: str, record: str, place: Place) -> bool:
        codes = [place.code]
        if record in ("session", "part"):
            codes.append(place.records["part"].unit.organization.code)
        if record in FROM_BELOW and holds(place.code, mine):
            return True
        return any(holds(mine, code) for code in codes)

    def tells_apart(self, case: Case, answer):
        """Out of scope and not there at all must be one and the same answer."""
        ghost = case.route.address(
            Shared(self.world, self.world.ghosts[0])
            if "unit_pk" in case.route.arguments
            else self.world.ghosts[0]
        )
        key = (case.method, ghost)
        if key not in self.nothing:
            self.nothing[key] = bare(self.ask(case.method, ghost)[0])
        if answer.status_code not in (302, 403, 404, 405):
            yield f"answers {answer.status_code} outside the scope"
        elif bare(answer) != self.nothing[key]:
            yield "differs from the answer about a record that is not there"


def leads_to_login(answer) -> bool:
    """Also for htmx, which would paste a plain redirect into the page."""
    found = answer.headers.get("HX-Redirect", "") or answer.headers.get("Location", "")
    return found.startswith(LOGIN_PAGES)


def everything(answer) -> bytes:
    """Body, headers and what is packed inside: all that reaches the other side."""
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    headers = "\n".join(f"{name}: {unquote(value)}" for name, value in answer.headers.items())
    return unpacked(body) + b"\n" + headers.encode()


def bare(answer) -> tuple:
    """The answer without tokens and numbers, which differ from one request to the next."""
    body = b"" if answer.streaming else answer.content
    body = TOKEN.sub(b"", CHANGING.sub(b"", body))
    place = re.sub(r"\d+", "#", answer.headers.get("Location", ""))
    kept = answer.headers.get("Content-Type"), answer.headers.get("Allow"), place
    return answer.status_code, re.sub(rb"\d+", b"#", body), kept


@contextmanager
def watched():
    """The tables written to meanwhile."""
    tables: set[str] = set()

    def watch(execute, sql, params, many, context):
        if may_write(sql):
            tables.update(WRITE.findall(str(sql)))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(watch):
        yield tables
