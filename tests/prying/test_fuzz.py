"""Nonsense in every field of every form, in addresses, headers and bodies: refused, never a broken page."""

import json
import random
from datetime import date
from itertools import islice, product

import pytest
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.base import once
from tests.prying.forms import MOST_PAGES
from tests.prying.places import World
from tests.prying.test_foreign_ids import own_ids, send
from tests.prying.walk import ONE_OF, Pryer

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
RLO, ZERO_WIDTH, RARE = "\u202e", "\u200b", "\U00020bb7"
NONSENSE = [
    "",
    " ",
    "\0",
    "a\0b",
    "-1",
    "0",
    "1.5",
    "１２",
    "²",
    "1e309",
    "NaN",
    "true",
    "None",
    "[]",
    "{}",
    str(2**31),
    str(2**63 - 1),
    str(2**63),
    "9" * 5000,
    "0001-01-01",
    "9999-12-31",
    "10000-01-01",
    "2026-02-30",
    "9999-12-31T23:59:59",
    "0001-01-01T00:00",
    "23:59:60",
    "99:99",
    f"{RLO}张三{ZERO_WIDTH}",
    RARE,
    "\ud800".encode("utf-8", "surrogatepass"),
    b"\xff\xfe",
    "' OR 1=1 --",
    "%s%d%n{0}{{x}}",
    "<script>alert(1)</script>",
    "../../etc/passwd",
    "张" * 3000,
    "00000000-0000-0000-0000-000000000000",
    "\x0b\x1f\x7f",
]


FEW = 100  # pages walked for forms in the quick tests
PARAMETERS = ("after", "page", "p", "o", "_to_field", "campaign", "unit", "organization", "batch", "q")


built, world = once(World)


def text(value) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def broken(pryer, form, body):
    with transaction.atomic():
        answer = send(pryer, form, body)
        transaction.set_rollback(True)
    if answer.status_code >= 500:
        yield f"{form.method} {form.action} {str(body)[:150]}: {answer.exc_info[1]!r}"


@pytest.mark.parametrize(
    ("actor", "share"),
    [
        ("organizer", 90),
        pytest.param("officer", 1, marks=pytest.mark.exhaustive),
        pytest.param("organizer", 1, marks=pytest.mark.exhaustive),
        pytest.param("recorder", 1, marks=pytest.mark.exhaustive),
    ],
)
def test_nonsense_in_each_field_of_each_form(world, forms, record_property, actor, share):
    pryer, troubles, tried = Pryer(world, actor), [], 0
    found = forms(actor, FEW if share > 1 else MOST_PAGES)
    own, share = own_ids(world), share * (ONE_OF if share == 1 else 1)
    for number, form in enumerate(found):
        for place, one in enumerate(form.fields):
            for value in NONSENSE[(number + place) % share :: share]:
                tried += 1
                troubles += broken(pryer, form, form.body(own) | {one.name: [text(value)]})
        if number % share == 0:
            troubles += broken(pryer, form, {one.name: [text(v) for v in NONSENSE] for one in form.fields})
            troubles += broken(pryer, form, {one.name: ["1", "2", "1"] for one in form.fields})
    record_property("nonsense", tried)
    assert not troubles, "\n".join([f"{len(troubles)} of {tried}", *troubles[:40]])
    assert tried > 40


@pytest.mark.parametrize("actor", ["organizer", pytest.param("officer", marks=pytest.mark.exhaustive)])
def test_dates_at_the_ends_of_time_everywhere_at_once(world, forms, actor):
    """All dates of a form together, so that checks between two fields are reached."""
    pryer, troubles = Pryer(world, actor), []
    for form in forms(actor, FEW if actor == "organizer" else MOST_PAGES):
        days = [one.name for one in form.fields if one.kind in ("date", "datetime-local")]
        for low, high in ((date.min, date.min), (date.min, date.max), (date.max, date.max)):
            ends = {name: [str(high if "end" in name else low)] for name in days}
            moments = {name: [f"{value[0]}T00:00"] for name, value in ends.items() if name.endswith("_at")}
            if days:
                troubles += broken(pryer, form, form.body(own_ids(world)) | ends | moments)
    assert troubles == []


BODIES = [
    b"",
    b"null",
    b"[]",
    b"{",
    b"\xff\xfe{}",
    b'{"batch": "\\ud800"}',
    b'{"batch": "\\u0000", "marks": [{}]}',
    b"[" * 100_000,
    b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
    b'{"marks": [1, "a", null]}',
    b'{"batch": 1, "batch": 2}',
    b"9" * 6_000,
    b'{"marks": NaN}',
    b"x" * (3 * 1024 * 1024),
    json.dumps({"batch": "6f1c9dc8-0c8b-4a9e-9c38-2f5a6f3e0001", "marks": [{"entry": 10**40}]}).encode(),
]


KINDS = ["application/json", "text/plain", "multipart/form-data; boundary=x", "", "a/b; c=\xe9"]


@pytest.mark.parametrize("share", [4, pytest.param(1, marks=pytest.mark.exhaustive)])
def test_bodies_that_are_no_json(world, share):
    """At the JSON door and at doors that expect a form."""
    pryer = Pryer(world, "organizer")
    session = world.places["HZ0101"].value("session", "pk")
    doors = [f"/sessions/{session}/marks/", f"/sessions/{session}/register/", "/members/new/", "/import/"]
    for address, body, kind in islice(product(doors, BODIES, KINDS), 0, None, share):
        with transaction.atomic():
            answer = pryer.client.generic("POST", address, body, content_type=kind)
            transaction.set_rollback(True)
        assert answer.status_code < 500, (address, kind, body[:60], answer.exc_info)


@pytest.mark.parametrize("share", [12, pytest.param(1, marks=pytest.mark.exhaustive)])
def test_addresses_nobody_would_type(world, share):
    pryer = Pryer(world, "organizer")
    for number, value in enumerate(NONSENSE):
        for name in PARAMETERS[number % share :: share]:
            for address in (
                "/members/",
                "/sessions/",
                "/admin/organizations/member/",
                "/accounts/",
                "/jobs/",
            ):
                answer = pryer.client.get(address, {name: text(value)})
                assert answer.status_code < 500, (address, name, text(value)[:40], answer.exc_info)


def test_without_the_token_of_the_form_nothing_is_done(world, forms):
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    client.force_login(world.north_organizer)
    for form in forms("organizer", FEW):
        if form.method == "POST":
            assert client.post(form.action, form.body()).status_code == 403, form.action


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
mark_like = st.fixed_dictionaries(
    {},
    optional={
        "entry": st.integers() | json_values,
        "status": st.sampled_from(["present", "late", "leave", "absent", "unmarked"]) | json_values,
        "reason": st.sampled_from(["", "ILL", "AWAY"]) | json_values,
        "minutes": st.integers() | json_values,
        "base_version": st.integers() | json_values,
        "marked_at": st.datetimes().map(str) | json_values,
    },
)
batch_like = st.fixed_dictionaries(
    {"batch": st.uuids().map(str) | json_values, "marks": st.lists(mark_like, max_size=3) | json_values},
    optional={"counted_heads": st.integers() | json_values, "other": json_values},
)


def send_batches(world, examples):
    pryer = Pryer(world, "organizer")
    session = world.places["HZ0101"].value("session", "pk")

    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(body=batch_like)
    def each(body):
        with transaction.atomic():
            data = json.dumps(body)
            answer = pryer.client.generic(
                "POST", f"/sessions/{session}/marks/", data, content_type="application/json"
            )
            transaction.set_rollback(True)
        assert answer.status_code < 500, (data, answer.exc_info)

    each()


def test_generated_batches_of_marks(world):
    send_batches(world, 60)


@pytest.mark.exhaustive
def test_many_generated_batches_of_marks(world):
    send_batches(world, 3000)


@pytest.mark.files
def test_uploads_that_are_no_workbook(world, forms):
    """What is in the file is the business of the import's own tests; here any bytes under any name."""
    pryer, chance = Pryer(world, "organizer"), random.Random(4)
    found = [form for form in forms("organizer", FEW) if any(one.kind == "file" for one in form.fields)]
    assert found
    for form in found:
        for name in ("名册.xlsx", "a.xls", "b.csv", "../../x.csv", "x" * 500 + ".xlsx", "\u202egpj.xlsx"):
            for content in (b"", b"PK\x03\x04", b"\xd0\xcf\x11\xe0", chance.randbytes(2000), b"\0" * 100):
                body = form.body(own_ids(world))
                body["file"][0].name, body["file"][0].file.name = name, name
                body["file"][0].file.seek(0)
                body["file"][0].file.truncate()
                body["file"][0].file.write(content)
                body["file"][0].file.seek(0)
                assert not list(broken(pryer, form, body))
