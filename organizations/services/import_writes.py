"""Storing checked lines: made ready before the transaction, which then only compares and writes.

On SQLite every other writer waits for it.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

from django.db import IntegrityError

from organizations.imports.lines import keys_in, unpack
from organizations.imports.matching import COMPARED, fingerprint, fingerprint_of, pieces
from organizations.models import BRANCH_KINDS, ImportBatch, ImportChange, Member, Organization
from organizations.service import Refused
from organizations.services.writing import amend, insert, insert_and_tell
from organizations.tree import holds

CHANGED_SINCE = "检查之后，名册或支部有过改动，为免盖掉别人的修改，这次没有存。请重新上传检查。"
# Null, and nothing an import writes.
LEFT_OUT = ("branch_since", "left_on", "merged_into_id")
COLUMNS = [
    f.attname
    for f in Member._meta.concrete_fields
    if not (f.primary_key or f.generated or f.attname in LEFT_OUT)
]
DEFAULTS = dict(zip(COLUMNS, attrgetter(*COLUMNS)(Member()), strict=True))
NOTED = ("batch_id", "member_id", "name", "row", "is_new", "before", "after")
SECRETS = ("id_number", "phone")
NOTHING = "{}"
AT_ONCE = 500


@dataclass
class Ready:
    """The lines of a batch, ready to be written."""

    # Values of COLUMNS, and (name, row, state afterwards), for each new member.
    new: list[tuple] = field(default_factory=list)
    told: list[tuple[str, int, str]] = field(default_factory=list)
    digests: list[str] = field(default_factory=list)
    # (branch, name) → how many present members bore it when it was checked.
    names: dict[tuple[int, str], int] = field(default_factory=dict)
    known: dict[int, dict[str, Any]] = field(default_factory=dict)
    branches: set[int] = field(default_factory=set)
    keys: list[bytes] = field(default_factory=list)

    @classmethod
    def of(cls, batch: ImportBatch) -> "Ready":
        ready = cls()
        for piece in batch.pieces.order_by("number").iterator(chunk_size=20):
            ready.keys.append(keys_in(piece.lines))
            for line in unpack(piece.lines):
                ready.branches.add(line["branch"])
                if line["member"]:
                    ready.known[line["member"]] = line
                else:
                    ready.add_new(line)
        return ready

    def add_new(self, line: dict[str, Any]) -> None:
        values = DEFAULTS | line["writes"] | {"branch_id": line["branch"]}
        self.new.append(tuple(values[name] for name in COLUMNS))
        self.told.append((line["name"], line["row"], fingerprint_of(values)))
        if values["id_digest"]:
            self.digests.append(values["id_digest"])
        self.names[line["branch"], line["name"]] = line["state"]


def lock_branches(root: int, ready: Ready) -> dict[int, Organization]:
    """Organizations are locked first, then members; two storings of one branch come one after the other."""
    wanted = sorted(ready.branches | {root})
    locked = Organization.objects.select_for_update(no_key=True).filter(pk__in=wanted).order_by("pk")
    return {branch.pk: branch for branch in locked}


def require_open(root: int, ready: Ready, branches: dict[int, Organization]) -> None:
    for pk in ready.branches:
        branch = branches[pk]
        if branch.closed_on or branch.kind not in BRANCH_KINDS or not holds(branches[root].path, branch.path):
            raise Refused(CHANGED_SINCE, "changed_since")


def write_members(batch: ImportBatch, ready: Ready) -> None:
    """Members new and changed, and beside each what this batch did to it."""
    require_new(ready)
    try:
        keys = insert_and_tell(Member, COLUMNS, ready.new)
        changed = update_members(ready.known)
    except IntegrityError as error:  # the same ID number came in elsewhere this very moment
        raise Refused(CHANGED_SINCE, "changed_since") from error
    new = (
        (batch.pk, pk, name, row, True, NOTHING, after)
        for pk, (name, row, after) in zip(keys, ready.told, strict=True)
    )
    insert(ImportChange, NOTED, new)
    insert(ImportChange, NOTED, ((batch.pk, *line) for line in changed))


def require_new(ready: Ready) -> None:
    """Nobody of these has come in since the check: by ID number anywhere, by name in the branch."""
    for piece in pieces(ready.digests):
        if Member.objects.filter(id_digest__in=piece).exists():
            raise Refused(CHANGED_SINCE, "changed_since")
    now = Counter(names_in(ready.branches, sorted({name for _, name in ready.names})))
    if any(now[key] != before for key, before in ready.names.items()):
        raise Refused(CHANGED_SINCE, "changed_since")


def names_in(branches: set[int], names: list[str]) -> Iterator[tuple[int, str]]:
    for piece in pieces(names):
        found = Member.objects.present().filter(name__in=piece).order_by()
        yield from (pair for pair in found.values_list("branch_id", "name") if pair[0] in branches)


def update_members(lines: dict[int, dict[str, Any]]) -> list[tuple]:
    """Write the changes; what there is to note about each."""
    noted: list[tuple] = []
    # People with the same columns changed go together.
    groups: dict[tuple[str, ...], list[tuple]] = defaultdict(list)
    for piece in pieces(sorted(lines), AT_ONCE):
        for member in locked(piece):
            line = lines[member.pk]
            if fingerprint(member) != line["state"]:
                raise Refused(CHANGED_SINCE, "changed_since")
            writes = line["writes"]
            names = tuple(sorted(writes))
            groups[names].append((member.pk, *(writes[name] for name in names)))
            state = {name: getattr(member, name) for name in COMPARED} | writes
            state |= {"branch_id": member.branch_id, "left_on": member.left_on}
            before = json.dumps(line["before"], ensure_ascii=False)
            noted.append((member.pk, member.name, line["row"], False, before, fingerprint_of(state)))
    for names, rows in groups.items():
        amend(Member, names, rows)
    return noted


def locked(members: list[int]) -> Iterable[Member]:
    rows = Member.objects.select_for_update(no_key=True, of=("self",)).filter(pk__in=members)
    found = list(rows.defer(*SECRETS).order_by("pk"))
    if len(found) != len(members):
        raise Refused(CHANGED_SINCE, "changed_since")
    return found
