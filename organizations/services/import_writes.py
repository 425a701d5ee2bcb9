"""Storing checked lines: made ready before the transaction, which then only compares and writes.

On SQLite every other writer waits for it.
"""

import json
import marshal
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db import IntegrityError

from organizations.imports.lines import Columns, as_stored, complete_known, keys_in, unpack, with_news
from organizations.imports.matching import (
    STATE_OF,
    fingerprint,
    fingerprint_of,
    fingerprints,
    pieces,
)
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
BLANK = Member()
# Plain values: words of an enumeration are text.
DEFAULTS = {name: str(value) if isinstance(value := getattr(BLANK, name), str) else value for name in COLUMNS}
NOTED = ("batch_id", "member_id", "name", "row", "is_new", "before", "after")
SECRETS = ("id_number", "phone")
NOTHING = "{}"
# Branch, name, how many present members bore it when checked, row, state after.
New = tuple[int, str, int, int, str]
AT_ONCE = 500
# Without looking for what stands there twice.
PLAINLY = 2


@dataclass
class Ready:
    """The lines of a batch, ready to be written."""

    # By the piece: values of COLUMNS, and what else there is to know of each new member. As bytes they take
    # half the memory.
    values: list[bytes] = field(default_factory=list)
    told: list[bytes] = field(default_factory=list)
    known: dict[int, dict[str, Any]] = field(default_factory=dict)
    branches: set[int] = field(default_factory=set)
    keys: list[bytes] = field(default_factory=list)

    @classmethod
    def of(cls, batch: ImportBatch) -> "Ready":
        ready = cls()
        # Only what is stored in part goes on, and has to tell its lines again.
        is_part = bool(batch.verdict["counts"]["error_rows"])
        for piece in batch.pieces.order_by("number").iterator(chunk_size=20):
            new, known = unpack(piece.lines)
            if is_part:
                ready.keys.append(keys_in(new, known))
            known = with_news(known)
            complete_known(known)
            ready.branches.update(new["branch_id"], (line["branch"] for line in known))
            ready.known |= {line["member"]: line for line in known}
            values, told = new_members(new)
            ready.values.append(marshal.dumps(values, PLAINLY))
            ready.told.append(marshal.dumps(told, PLAINLY))
        return ready

    # What is loaded was made above, in this process.
    def new(self) -> Iterator[list[New]]:
        return (marshal.loads(piece) for piece in self.told)  # noqa: S302

    def pieces(self) -> Iterator[tuple[list[tuple], list[New]]]:
        """Given away once: a long roster is not held beside what the database keeps of it."""
        while self.values:
            yield marshal.loads(self.values.pop(0)), marshal.loads(self.told.pop(0))  # noqa: S302


def new_members(said: Columns) -> tuple[list[tuple], list[New]]:
    many = len(said["row"])
    columns = {name: [value] * many for name, value in DEFAULTS.items()}
    for name, column in (said | as_stored(said)).items():
        default = DEFAULTS.get(name)
        columns[name] = [default if value is None else value for value in column]
    told = (columns[name] for name in ("branch_id", "name", "state", "row"))
    values = zip(*(columns[name] for name in COLUMNS), strict=True)
    return list(values), list(zip(*told, fingerprints(columns, many), strict=True))


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
        for values, new in ready.pieces():
            told = zip(insert_and_tell(Member, COLUMNS, values), new, strict=True)
            insert(
                ImportChange,
                NOTED,
                ((batch.pk, pk, name, row, True, NOTHING, after) for pk, (_, name, _, row, after) in told),
            )
        changed = update_members(ready.known)
    except IntegrityError as error:  # somebody's ID number has come in since, here or elsewhere
        raise Refused(CHANGED_SINCE, "changed_since") from error
    insert(ImportChange, NOTED, ((batch.pk, *line) for line in changed))


def require_new(ready: Ready) -> None:
    """No namesake has come into a branch since the check. ID numbers the database itself keeps apart."""
    for new in ready.new():
        names = {(branch, name): before for branch, name, before, _, _ in new}
        now = Counter(namesakes(names.keys()))
        if any(now[key] != before for key, before in names.items()):
            raise Refused(CHANGED_SINCE, "changed_since")


def namesakes(people: Collection[tuple[int, str]]) -> Iterable[tuple[int, str]]:
    """The branch and name of each present member who bears one of these names in one of these branches."""
    branches = sorted({branch for branch, _ in people})
    names = sorted({name for _, name in people})
    found = Member.objects.present().filter(branch__id__among=branches, name__among=names).order_by()
    return found.values_list("branch_id", "name").iterator()


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
            state = {name: getattr(member, name) for name in STATE_OF} | writes
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
