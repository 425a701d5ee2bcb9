"""Which branch a cell means: by normalised name or code, inside one subtree only, never guessed."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator

from organizations.imports.values import CellProblem, hide_digits
from organizations.models import BRANCH_KINDS, Organization
from organizations.tree import ancestors

SHORT = (("党支部", "支部"), ("党总支", "总支"), ("委员会", "委"), ("党工委", "工委"), ("党委", "委"))
# 北山镇党委 is also called 北山镇 where a branch below it is named in full.
KIND_OF_UPPER = re.compile(r"(工委|委|党组|总支)$")
# What a title says beside the branch: the year and the kind of list.
YEAR = r"\d{4}(?:[-—–~至]+\d{4})?年(?:度)?(?:冬训)?"
AROUND_A_TITLE = re.compile(
    rf"^{YEAR}|(?:{YEAR})?(?:(?:全体|正式|冬训)*党员)?(?:基本)?(?:信息)?(?:采集|花)?"
    r"(?:名册|名单|登记表|信息表|采集表|统计表|一览表|台账|表)$"
)
# A file full of wrong names costs no more than so many looks through the branches.
MOST_LIKES = 200
REPORTS = re.compile(
    r"(?:填报单位|填表单位|上报单位|报送单位|所在党支部|党支部|支部|单位)(?:名称|\([^)]*\))?[:：]\s*(\S+)"
)


def normalise(name: str) -> str:
    """中共XX村总支 / 第一党支部 → xx村总支第一支部"""
    plain = unicodedata.normalize("NFKC", name)
    plain = re.sub(r"[\s\u200b\ufeff/\\\-—_·、,>()]", "", plain)
    plain = re.sub(r"^(中国共产党|中共)", "", plain)
    for written, short in SHORT:
        plain = plain.replace(written, short)
    return plain.casefold()


class Branches:
    """The branches below one organization: found by name, by name with those above it, or by code."""

    def __init__(self, organization: Organization):
        units = list(Organization.objects.below(organization))
        by_path = {unit.path: unit for unit in units}
        self.by_pk = {unit.pk: unit for unit in units if unit.kind in BRANCH_KINDS}
        self.index: dict[str, set[int]] = defaultdict(set)
        for branch in self.by_pk.values():
            self.index[branch.code.casefold()].add(branch.pk)
            above = [by_path[path].name for path in ancestors(branch.path)[:-1] if path in by_path]
            for text in full_names(branch.name, above):
                self.index[text].add(branch.pk)
        self.open = {pk for pk, branch in self.by_pk.items() if branch.closed_on is None}
        self.found: dict[str, Organization] = {}
        self.plain = {pk: normalise(self.by_pk[pk].name) for pk in self.open}
        self.likes: dict[str, str] = {}

    @property
    def only_one(self) -> Organization | None:
        """Where nothing has to be written: the single open branch of this subtree."""
        return self.by_pk[next(iter(self.open))] if len(self.open) == 1 else None

    def find(self, text: str) -> Organization:
        branch = self.found.get(text)
        if branch is None:
            branch = self.found[text] = self.look_for(text)
        return branch

    def look_for(self, text: str) -> Organization:
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
        meant = self.one_like(text)
        hint = f"如果是“{meant}”，就照这个名称写。" if meant else "请按系统里的支部名称填写。"
        raise CellProblem("BRANCH_NOT_FOUND", f"没有找到支部“{hide_digits(text)}”。{hint}")

    def one_like(self, text: str) -> str:
        """“桑岭” may mean 桑岭村党支部: named where one open branch here fits, never taken for it."""
        key = normalise(text).removesuffix("支部")
        if key not in self.likes and len(self.likes) < MOST_LIKES and len(key) > 1:
            names = [self.by_pk[pk].name for pk in self.open if key in self.plain[pk]]
            self.likes[key] = names[0] if len(names) == 1 else ""
        return self.likes.get(key, "")

    def named_in(self, texts: Iterable[str]) -> Organization | None:
        """The one open branch that titles or the name of a sheet name; None where none or several."""
        found = {pk for text in texts for name in names_in(text) for pk in self.index.get(name, ())}
        found &= self.open
        return self.by_pk[next(iter(found))] if len(found) == 1 else None


def full_names(name: str, above: list[str]) -> set[str]:
    """The name alone, and behind each row of those above it, with and without their 党委 or 总支."""
    longest = {normalise(name)}
    names = set(longest)
    for upper in reversed(above):
        plain = normalise(upper)
        longest = {start + text for text in longest for start in (plain, KIND_OF_UPPER.sub("", plain))}
        names |= longest
    return names


def names_in(text: str) -> Iterator[str]:
    """What a title or the name of a sheet may call a branch: 北山村党支部党员花名册（2026年） → 北山村支部"""
    plain = unicodedata.normalize("NFKC", text).strip()
    reported = REPORTS.search(plain)
    plain = re.sub(r"\([^)]*\)|\s", "", reported[1] if reported else plain)
    if name := normalise(AROUND_A_TITLE.sub("", plain)):
        yield name
        yield name + "支部"
