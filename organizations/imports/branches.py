"""Which branch a cell means: by normalised name or code, inside one subtree only, never guessed."""

import re
import unicodedata
from collections import defaultdict

from organizations.imports.values import CellProblem, hide_digits
from organizations.models import BRANCH_KINDS, Organization
from organizations.tree import ancestors


def normalise(name: str) -> str:
    """中共XX村总支 / 第一党支部 → xx村总支第一支部"""
    plain = unicodedata.normalize("NFKC", name)
    plain = re.sub(r"[\s\u200b\ufeff/\\\-—_·、,>()]", "", plain)
    plain = re.sub(r"^(中国共产党|中共)", "", plain)
    return plain.replace("党支部", "支部").replace("党总支", "总支").replace("委员会", "委").casefold()


class Branches:
    """The branches below one organization: found by name, by name with those above it, or by code."""

    def __init__(self, organization: Organization):
        units = list(Organization.objects.below(organization))
        by_path = {unit.path: unit for unit in units}
        self.by_pk = {unit.pk: unit for unit in units if unit.kind in BRANCH_KINDS}
        self.index: dict[str, set[int]] = defaultdict(set)
        for branch in self.by_pk.values():
            self.index[branch.code.casefold()].add(branch.pk)
            text = ""
            for path in reversed(ancestors(branch.path)):
                if path in by_path:
                    text = normalise(by_path[path].name) + text
                    self.index[text].add(branch.pk)
        self.open = {pk for pk, branch in self.by_pk.items() if branch.closed_on is None}

    @property
    def only_one(self) -> Organization | None:
        """Where nothing has to be written: the single open branch of this subtree."""
        return self.by_pk[next(iter(self.open))] if len(self.open) == 1 else None

    def find(self, text: str) -> Organization:
        if not text:
            if self.only_one:
                return self.only_one
            raise CellProblem("BRANCH_MISSING", "没有填所在党支部。请填写支部名称。")
        found = self.index.get(normalise(text), set()) | self.index.get(text.strip().casefold(), set())
        still_open = found & self.open
        if len(still_open) == 1:
            return self.by_pk[next(iter(still_open))]
        if still_open:
            raise CellProblem(
                "BRANCH_AMBIGUOUS",
                f"有 {len(still_open)} 个支部都叫“{hide_digits(text)}”。"
                "请连同上级一起写，如“某某村党总支/第一党支部”。",
            )
        if found:
            raise CellProblem(
                "BRANCH_CLOSED", f"支部“{hide_digits(text)}”已经撤销。请改成这位党员现在所在的支部。"
            )
        # The same words whether it exists elsewhere or nowhere.
        raise CellProblem(
            "BRANCH_NOT_FOUND", f"没有找到支部“{hide_digits(text)}”。请按系统里的支部名称填写。"
        )
