"""The body of POST marks/: read exactly, or refused as a whole with a sentence."""

import hashlib
import json
from uuid import uuid4

import pytest
from django.http import QueryDict
from hypothesis import given, settings
from hypothesis import strategies as st

from attendance.forms.marks import BadBatch, parse_form, parse_marks

UUID = "6f1c7f64-3b7e-4c39-9a53-0d1f6f9f1a11"


def mark(**fields):
    return {
        "entry": 1,
        "status": "present",
        "base_version": 0,
        "marked_at": "2027-01-09T09:00:00+08:00",
    } | fields


def body(*marks, **fields):
    return json.dumps({"batch": UUID, "marks": list(marks)} | fields).encode()


def refusal(raw):
    with pytest.raises(BadBatch) as caught:
        parse_marks(raw)
    return caught.value


def test_a_batch_is_read_as_it_was_sent():
    raw = body(
        mark(), mark(entry=2, status="leave", reason="ILL", minutes=0, base_version=3), counted_heads=44
    )
    parsed = parse_marks(raw)
    assert str(parsed.batch) == UUID and parsed.counted_heads == 44
    assert [(m.entry, m.status, m.reason, m.base_version) for m in parsed.marks] == [
        (1, "present", "", 0),
        (2, "leave", "ILL", 3),
    ]
    assert parsed.body_sha256 == hashlib.sha256(raw).hexdigest()


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff\xfe",
        b"null",
        b"[]",
        b'"text"',
        b"{",
        b'{"batch": NaN}',
        b"[" * 500,
        b"1" * 5000,
        b'{"batch":"%s","batch":"%s","marks":[]}' % (UUID.encode(), UUID.encode()),
        body(),
        body(mark(), extra=1),
        body(mark(extra=1)),
        body(mark(), mark()),
        body("text"),
        body(mark(entry=True)),
        body(mark(entry=0)),
        body(mark(entry="1")),
        body(mark(entry=2**63)),
        body(mark(entry=1.0)),
        body(mark(status="here")),
        body(mark(status=None)),
        body(mark(status=["present"])),
        body(mark(reason="ILL")),
        body(mark(status="leave", reason="感冒")),
        body(mark(status="leave", reason={})),
        body(mark(minutes=-1)),
        body(mark(minutes=721)),
        body(mark(minutes=True)),
        body(mark(base_version=-1)),
        body(mark(base_version=None)),
        body(mark(marked_at="yesterday")),
        body(mark(marked_at="2027-13-40T00:00:00")),
        body(mark(marked_at="9999-12-31T23:59:59-14:00")),
        body(mark(marked_at=7)),
        body(mark(), counted_heads=-1),
        body(mark(), counted_heads="44"),
        body(mark(), batch="no uuid"),
        body(mark(), batch=7),
        body(mark(), marks={}),
    ],
)
def test_nonsense_is_refused_with_a_chinese_sentence(raw):
    refused = refusal(raw)
    assert refused.status == 400
    assert refused.message.endswith("。")


def test_too_many_and_too_much_is_413():
    assert refusal(body(*[mark(entry=n) for n in range(1, 502)])).status == 413
    assert refusal(b" " * (1024 * 1024 + 1)).status == 413
    assert len(parse_marks(body(*[mark(entry=n) for n in range(1, 501)])).marks) == 500


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
FIELDS = ["entry", "status", "minutes", "reason", "base_version", "marked_at"]


@settings(max_examples=300, deadline=None)
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "batch": JSON | st.uuids().map(str),
            "marks": JSON
            | st.lists(st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, JSON)), max_size=3),
            "counted_heads": JSON,
        },
    )
    | JSON
)
def test_whatever_is_sent_is_read_or_refused_never_a_crash(data):
    try:
        parse_marks(json.dumps(data).encode("utf-8", "surrogatepass"))
    except BadBatch as refused:
        assert refused.status in (400, 413)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_refused_calmly(raw):
    with pytest.raises(BadBatch):
        parse_marks(raw)


def form(**fields):
    post = QueryDict(mutable=True)
    post.update({"batch": UUID} | fields)
    return post


def test_a_plain_form_sends_what_was_touched():
    (sent,) = parse_form(
        form(**{"m1.0": "present", "m2.3.present": "present", "m3.1.present": "leave:ILL", "q": "x"})
    )
    assert [(m.entry, m.status, m.reason, m.base_version) for m in sent.marks] == [
        (1, "present", "", 0),
        (3, "leave", "ILL", 1),
    ]


def test_the_same_form_again_is_the_same_sending():
    fields = {"m1.0": "present", "counted_heads": "44"}
    first, again = parse_form(form(**fields))[0], parse_form(form(**fields))[0]
    assert (first.batch, first.body_sha256) == (again.batch, again.body_sha256)
    other = parse_form(form(**{"m1.0": "absent"}))[0]
    assert other.body_sha256 != first.body_sha256


def test_a_long_form_is_cut_into_batches_with_their_own_uuids():
    sent = parse_form(form(**{f"m{n}.0": "present" for n in range(1, 902)}))
    assert [len(part.marks) for part in sent] == [500, 401]
    assert len({part.batch for part in sent}) == 2


@pytest.mark.parametrize(
    "fields",
    [
        {"m1.0": "there"},
        {"m1.0": "present:ILL"},
        {"m1.0": "present", "m1.1": "absent"},
        {"m9999999999999999999.0": "present"},
        {"m1.0": "present", "counted_heads": "四十"},
        {"m1.0": "present", "batch": str(uuid4())[:-1]},
        {},
    ],
)
def test_a_broken_form_is_refused(fields):
    with pytest.raises(BadBatch):
        parse_form(form(**fields))
