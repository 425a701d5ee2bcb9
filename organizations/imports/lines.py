"""Checked lines as they wait to be stored: pieces of two thousand, compressed and encrypted.

A line is a dict: `row`, `sheet`, `branch`, `member` (None = new), `name`, `state`
(what must still hold when it is stored), `before` (the old values of a known
member's columns, as stored) and `writes` (what the sheet says, column by column).
A piece is packed while the file is still being read; which of its lines are
stored and where they stand in their branch is known afterwards and written in
front of it. What follows from a value (digests, initials) is added by `as_stored`.
"""

import json
import zlib
from collections.abc import Iterator
from datetime import date
from functools import lru_cache
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
)
from organizations.imports.matching import changes_of, fingerprint
from organizations.imports.ordinary import PRECISE
from organizations.imports.rows import RosterRow
from organizations.imports.whole import Line
from organizations.models import PRECISION_OF, ImportBatch, Member
from organizations.names import initials
from organizations.refused import Refused

PIECE = 2000
STORED = ("create", "update")
QUICK = 1
# Another number whenever the form of a piece changes: one may lie here while the system is updated.
FORM = 3
OLDER = "这份名册是系统升级以前检查的。请把名册再上传一次。"
SECRETS = ("id_number", "phone")
MASKS = {"id_number": mask_id_number, "phone": mask_phone}
TOLD = ("row", "sheet", "branch", "member", "name", "state", "before")
# Written beside another column; nobody asks for them.
BESIDE = {"initials", *PRECISION_OF.values(), "id_digest", "phone_digest", "phone_tail"}
TAIL = 4
first_letters = lru_cache(20_000)(initials)


def lines_of_rows(rows: list[RosterRow]) -> list[dict[str, Any]]:
    """What storing each of these would write. Nothing is parsed or decided again later."""
    lines = [line_of(row) for row in rows]
    hidden = [
        line["member"] for line in lines if line["member"] and not line["writes"].keys().isdisjoint(SECRETS)
    ]
    if hidden:
        known = stored_secrets(hidden)
        for line in lines:
            for name in SECRETS if line["member"] in known else ():
                if name in line["writes"]:
                    line["before"][name] = known[line["member"]][name]
    return lines


def line_of(row: RosterRow) -> dict[str, Any]:
    assert row.branch is not None  # a row without one has an error
    member = row.member
    writes = written(changes_of(row) if member else row.derived | row.values)
    return {
        "row": row.number,
        "sheet": row.sheet,
        "branch": row.branch.pk,
        "member": member.pk if member else None,
        "name": row.values["name"],
        "state": fingerprint(member) if member else row.namesakes,
        "writes": writes,
        "before": {n: plain(getattr(member, n)) for n in writes if n not in SECRETS} if member else {},
    }


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


def pack(lines: list[dict[str, Any]]) -> bytes:
    """Most lines write the same columns: they are named once for all."""
    shapes: dict[tuple[str, ...], int] = {}
    told = []
    for line in lines:
        writes = line["writes"]
        shape = shapes.setdefault(tuple(writes), len(shapes))
        told.append([*map(line.__getitem__, TOLD), shape, *writes.values()])
    text = json.dumps([list(shapes), told], ensure_ascii=False, separators=(",", ":"))
    return encrypt_bytes(zlib.compress(text.encode(), QUICK))


def with_verdict(packed: bytes, verdicts: list[Line]) -> bytes:
    """`verdicts`: one for each packed line, in the same order."""
    told = [[line.place, line.stored_place] if line.action in STORED else None for line in verdicts]
    keys = b"".join(line.key for line in verdicts if line.action in (*STORED, "unchanged"))
    head = json.dumps({"form": FORM, "stored": told, "keys": keys.hex()}, separators=(",", ":"))
    return head.encode() + b"\n" + packed


def keys_in(piece: bytes | memoryview) -> bytes:
    """The digests of the lines that need not be looked at again once this piece is stored."""
    return bytes.fromhex(json.loads(bytes(piece).partition(b"\n")[0])["keys"])


def unpack(piece: bytes | memoryview) -> Iterator[dict[str, Any]]:
    """The lines to be stored, with their place in the list among what they write."""
    told, _, packed = bytes(piece).partition(b"\n")
    head = json.loads(told)
    if head.get("form") != FORM:
        raise Refused(OLDER, "older")
    shapes, lines = json.loads(zlib.decompress(decrypt_bytes(packed)))
    for told_of, places in zip(lines, head["stored"], strict=True):
        if places:
            line = dict(zip(TOLD, told_of, strict=False))
            shape = shapes[told_of[len(TOLD)]]
            writes = line["writes"] = dict(zip(shape, told_of[len(TOLD) + 1 :], strict=True))
            place, before = places
            if place is not None and place != before:
                writes["place_in_list"] = place
                if line["member"]:
                    line["before"]["place_in_list"] = before
            yield line


def as_stored(lines: list[dict[str, Any]]) -> None:
    """What each line writes, down to the last column; numbers are encrypted now."""
    for name, told in (("id_number", "id_digest"), ("phone", "phone_digest")):
        numbered = [line["writes"] for line in lines if line["writes"].get(name)]
        for writes, one in zip(numbered, digests(writes[name] for writes in numbered), strict=True):
            writes[told] = one
    for line in lines:
        writes = line["writes"]
        if phone := writes.get("phone"):
            writes["phone_tail"] = phone[-TAIL:]
        if name := writes.get("name"):
            writes["initials"] = first_letters(name)
    hide_numbers(lines)


def hide_numbers(lines: list[dict[str, Any]]) -> None:
    """All numbers of a piece in one go: one after the other takes three times as long."""
    clear = [(line["writes"], name) for line in lines for name in SECRETS if line["writes"].get(name)]
    tokens = encrypt_many([writes[name] for writes, name in clear])
    for (writes, name), token in zip(clear, tokens, strict=True):
        writes[name] = token


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
        for line in unpack(piece.lines):
            if (line["member"] is None) == (kind == "created") and text in line["name"]:
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
