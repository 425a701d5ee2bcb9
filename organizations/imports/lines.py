"""Checked lines as they wait to be stored: pieces of two thousand, compressed and encrypted.

People who are new lie in columns, None where the sheet is silent: those that are
written, and beside them `row`, `sheet`, `branch_id` and `state` (what must still
hold when they are stored). The line of somebody known is a dict: `row`, `sheet`,
`branch`, `member`, `name`, `state`, `before` (the old values of the columns, as
stored), `writes` (the new ones) and `key` (by which the line is known again).
A piece is packed while the file is still being read; which of its lines are
stored and where they stand in their branch is known afterwards and written in
front of it. What follows from a value (digests, initials) is added by `as_stored`.
"""

import json
import zlib
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from functools import lru_cache
from itertools import compress
from typing import Any

from django.db.models import TextField
from django.db.models.functions import Cast

from organizations.fields import (
    decrypt,
    decrypt_bytes,
    digests,
    encrypt_bytes,
    encrypt_many,
    mask_id_number,
    mask_phone,
    short_digests,
)
from organizations.imports.matching import changes_of, fingerprint
from organizations.imports.ordinary import PRECISE
from organizations.imports.rows import RosterRow
from organizations.imports.whole import Line
from organizations.models import PRECISION_OF, ImportBatch, Member
from organizations.names import initials
from organizations.refused import Refused

PIECE = 2000
QUICK = 1
# Another number whenever the form of a piece changes: one may lie here while the system is updated.
FORM = 4
# The same of `key_of`.
KEYS = 1
OLDER = "这份名册是系统升级以前检查的，还没有存。请重新检查，看过再存。"
SECRETS = ("id_number", "phone")
MASKS = {"id_number": mask_id_number, "phone": mask_phone}
# What is told of a new member beside the columns written.
TOLD = ("row", "sheet", "branch_id", "state")
# Written beside another column; nobody asks for them.
BESIDE = {"initials", *PRECISION_OF.values(), "id_digest", "phone_digest", "phone_tail"}
TAIL = 4
IN_ORDER = [field.attname for field in Member._meta.concrete_fields]
first_letters = lru_cache(20_000)(initials)


Columns = dict[str, list[Any]]


def lines_of_known(rows: list[RosterRow]) -> list[dict[str, Any]]:
    """What storing each of these would change on its member. Nothing is parsed or decided again later."""
    lines = [line_of(row) for row in rows]
    hidden = [line["member"] for line in lines if not line["writes"].keys().isdisjoint(SECRETS)]
    if hidden:
        known = stored_secrets(hidden)
        for line in lines:
            for name in SECRETS if line["member"] in known else ():
                if name in line["writes"]:
                    line["before"][name] = known[line["member"]][name]
    return lines


def line_of(row: RosterRow) -> dict[str, Any]:
    member = row.member
    assert row.branch and member  # a row without a branch has an error
    writes = written(changes_of(row))
    return {
        "row": row.number,
        "sheet": row.sheet,
        "branch": row.branch.pk,
        "member": member.pk,
        "name": row.values["name"],
        "state": fingerprint(member),
        "writes": writes,
        "before": {n: plain(getattr(member, n)) for n in writes if n not in SECRETS},
        "key": row.key.hex(),
    }


def columns_of_new(rows: list[RosterRow]) -> Columns:
    said = [row.derived | row.values if row.derived else row.values for row in rows]
    columns: Columns = {
        "row": [row.number for row in rows],
        "sheet": [row.sheet for row in rows],
        "branch_id": [row.branch_pk for row in rows],
        "state": [row.namesakes for row in rows],
    }
    names = set().union(*said)
    for name in IN_ORDER:
        if name in names:
            columns[name] = [one.get(name) for one in said]
    for name, precision in PRECISION_OF.items():
        if name in columns:
            days = columns.pop(name)
            columns[name] = [day and day[0].isoformat() for day in days]
            columns[precision] = [day and day[1] for day in days]
    return columns


def keys_of(rows: Iterable[RosterRow]) -> Iterator[bytes]:
    """By which lines are known again, whatever their cells look like and whoever they are matched with."""
    said = ((row.branch_pk, written(row.derived | row.values) | row.masked) for row in rows)
    return short_digests(text_of(branch, values) for branch, values in said)


def text_of(branch: int | None, values: dict[str, Any]) -> str:
    """No value holds the signs between them."""
    return "\x1f".join([str(branch), *(f"{name}\x1e{values[name]}" for name in sorted(values))])


def plain(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else value


def written(changes: dict[str, Any]) -> dict[str, Any]:
    """Columns and their values as the database holds them, ID number and phone in clear."""
    writes = dict(changes)
    for name, precision in PRECISION_OF.items():
        if day := writes.pop(name, None):
            writes[name], writes[precision] = day[0].isoformat(), day[1]
    return writes


def stored_secrets(members: list[int]) -> dict[int, dict[str, str]]:
    """As they are stored, encrypted."""
    raw = {f"raw_{name}": Cast(name, TextField()) for name in SECRETS}
    found = Member.objects.filter(pk__in=members).annotate(**raw).values("pk", *raw)
    return {one["pk"]: {name: one[f"raw_{name}"] for name in SECRETS} for one in found}


def pack(new: Columns, known: list[dict[str, Any]]) -> bytes:
    text = json.dumps([new, known], ensure_ascii=False, separators=(",", ":"))
    return encrypt_bytes(zlib.compress(text.encode(), QUICK))


def with_verdict(packed: bytes, new: list[Line], known: list[Line]) -> bytes:
    """The lines that were packed, in the same order. Of new ones the place, None = not to be stored."""
    head = {
        "form": FORM,
        "new": [line.place if line.action == "create" else None for line in new],
        "known": [[line.action, line.place, line.stored_place] for line in known],
    }
    return json.dumps(head, separators=(",", ":")).encode() + b"\n" + packed


def unpack(piece: bytes | memoryview) -> tuple[Columns, list[dict[str, Any]]]:
    """New people to be stored, with their places; and the lines of known ones, also those without news."""
    told, _, packed = bytes(piece).partition(b"\n")
    head = json.loads(told)
    if head.get("form") != FORM:
        raise Refused(OLDER, "older")
    new, known = json.loads(zlib.decompress(decrypt_bytes(packed)))
    if None in head["new"]:
        new = {name: list(compress(column, head["new"])) for name, column in new.items()}
    new["place_in_list"] = list(filter(None, head["new"]))
    lines = []
    for line, (action, place, before) in zip(known, head["known"], strict=True):
        if action == "update" and place is not None and place != before:
            line["writes"]["place_in_list"], line["before"]["place_in_list"] = place, before
        if action in ("update", "unchanged"):
            lines.append(line)
    return new, lines


def is_older(batch: ImportBatch) -> bool:
    """Checked before the system was updated: its lines cannot be read any more, its file can."""
    piece = batch.pieces.order_by("number").first()
    return piece is not None and json.loads(bytes(piece.lines).partition(b"\n")[0]).get("form") != FORM


def with_news(known: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [line for line in known if line["writes"]]


def lines_in(new: Columns) -> Iterator[dict[str, Any]]:
    """The people in columns one by one, as the lines of known ones are."""
    names = [name for name in new if name not in TOLD]
    for row, sheet, branch, _, *values in zip(*(new[name] for name in (*TOLD, *names)), strict=True):
        writes = {name: value for name, value in zip(names, values, strict=True) if value is not None}
        line = {"row": row, "sheet": sheet, "branch": branch, "member": None, "name": writes["name"]}
        yield line | {"before": {}, "writes": writes}


def keys_in(new: Columns, known: list[dict[str, Any]]) -> bytes:
    """Of all lines that need not be looked at again once this piece is stored."""
    said = ((line["branch"], line["writes"]) for line in lines_in(new))
    texts = (text_of(branch, without_place(writes)) for branch, writes in said)
    return b"".join(short_digests(texts)) + b"".join(bytes.fromhex(line["key"]) for line in known)


def without_place(writes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in writes.items() if name != "place_in_list"}


def as_stored(columns: Columns) -> Columns:
    """What follows from names and numbers, and the numbers encrypted; None stays None."""
    found: Columns = {}
    if "name" in columns:
        found["initials"] = [name and first_letters(name) for name in columns["name"]]
    for name, told in (("id_number", "id_digest"), ("phone", "phone_digest")):
        if name in columns:
            found[told] = all_at_once(digests, columns[name])
    if "phone" in columns:
        found["phone_tail"] = [phone and phone[-TAIL:] for phone in columns["phone"]]
    # All numbers of a piece in one go: one after the other takes three times as long.
    clear = [number for name in SECRETS for number in columns.get(name, ())]
    hidden = iter(all_at_once(encrypt_many, clear))
    return found | {name: [next(hidden) for _ in columns[name]] for name in SECRETS if name in columns}


def all_at_once(act: Callable[[list[str]], Iterable[str]], texts: list[str | None]) -> list[str | None]:
    said = [text for text in texts if text]
    found = iter(act(said) if said else said)
    return [next(found) if text else None for text in texts]


def complete_known(lines: list[dict[str, Any]]) -> None:
    """What each of these writes, down to the last column; numbers are encrypted now."""
    names = ("name", *SECRETS)
    columns = {name: [line["writes"].get(name) for line in lines] for name in names}
    for name, column in as_stored(columns).items():
        for line, value in zip(lines, column, strict=True):
            if value is not None:
                line["writes"][name] = value


def lines_of(
    batch: ImportBatch, kind: str, start: int, count: int, text: str = ""
) -> tuple[list[dict[str, Any]], int]:
    """A page of the people a checked batch would create or update ("created", "updated"), and their number.

    `text`: only names that hold it. A line: row, sheet, name, member and branch (their
    keys), changes [{"label", "before", "after"}], numbers masked.
    """
    found: list[dict[str, Any]] = []
    total = 0
    for piece in batch.pieces.order_by("number").iterator(chunk_size=5):
        new, known = unpack(piece.lines)
        for line in lines_in(new) if kind == "created" else with_news(known):
            if text in line["name"]:
                if start <= total < start + count:
                    found.append(line)
                total += 1
    return [in_words(line) for line in found], total


def in_words(line: dict[str, Any]) -> dict[str, Any]:
    shown = [name for name in line["writes"] if name not in BESIDE]
    hidden = {name: decrypt(line["before"][name]) for name in SECRETS if line["before"].get(name)}
    before, after = words_of(line["before"] | hidden), words_of(line["writes"])
    return {name: line[name] for name in ("row", "sheet", "name", "member", "branch")} | {
        "changes": [
            {"label": label_of(name), "before": before.get(name, ""), "after": after[name]} for name in shown
        ]
    }


def label_of(name: str) -> str:
    return str(Member._meta.get_field(name).verbose_name)  # type: ignore[union-attr]


def words_of(values: dict[str, Any]) -> dict[str, str]:
    """Column values as people write them; of numbers the ends only, of dates what is known."""
    words = {}
    for name, value in values.items():
        if name in MASKS:
            words[name] = MASKS[name](value) if value else ""
        elif name in PRECISION_OF and value:
            words[name] = value[: PRECISE[values.get(PRECISION_OF[name], "day")]]
        elif isinstance(value, bool):
            words[name] = "是" if value else "否"
        else:
            field = Member._meta.get_field(name)
            choices = dict(field.flatchoices)  # type: ignore[union-attr]
            words[name] = str(choices.get(value, "" if value is None else value))
    return words
