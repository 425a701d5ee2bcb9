"""The tree: 23 townships, streets and zones and the district's offices; many districts for many people."""

from dataclasses import dataclass, field
from random import Random

from organizations.models import Organization, OrganizationKind
from organizations.tree import STEP
from reports.demo import bulk, names

BRANCH_SIZE = 25
DISTRICT_SIZE = 20_000  # of a province; a lone district may be larger
LONE_DISTRICT = 100_000
DISTRICTS_PER_CITY = 5
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
Kind = OrganizationKind
# How many branches a township of each sort has, compared with a 镇.
SHARE = {"village": 1.0, "community": 1.0, "company": 0.5, "office": 0.8}


@dataclass
class Node:
    """One organization about to be stored."""

    pk: int
    path: str
    code: str
    name: str
    kind: str
    place: str  # how classes there are called: 柳河村, 望潮镇
    children: int = 0

    @property
    def depth(self) -> int:
        return len(self.path) // STEP


@dataclass
class Branch:
    """A branch with what its people and classes depend on."""

    node: Node
    township: "Township"
    setting: str  # village, community, company, office, floating
    general: Node | None  # the 党总支 it belongs to
    size: int = 0
    first_member: int = 0

    @property
    def members(self) -> range:
        return range(self.first_member, self.first_member + self.size)


@dataclass
class Township:
    node: Node
    setting: str
    branches: list[Branch] = field(default_factory=list)


@dataclass
class District:
    node: Node
    townships: list[Township] = field(default_factory=list)

    @property
    def branches(self) -> list[Branch]:
        return [branch for township in self.townships for branch in township.branches]


class Tree:
    """Every organization of the demo. `root` owns the campaigns: the district, or the province above many."""

    def __init__(self, members: int, seed: int):
        self.dice = Random(f"{seed}:tree")  # noqa: S311
        self.nodes: list[Node] = []
        self.districts: list[District] = []
        self.next_member = 1  # ids run on, so a branch's people are a range of ids
        if members <= LONE_DISTRICT:
            self.root = self.add(None, "YS", "海州区委（演示）", Kind.COMMITTEE, "海州区")
            self.fill(District(self.root), members)
        else:
            self.root = self.add(None, "YS", "苏海省委（演示）", Kind.COMMITTEE, "苏海省")
            self.add_districts(members)

    def add(self, parent: Node | None, code: str, name: str, kind: str, place: str) -> Node:
        path = "0001"
        if parent:
            parent.children += 1
            path = parent.path + step(parent.children)
        self.nodes.append(Node(len(self.nodes) + 1, path, code, name, kind, place))
        return self.nodes[-1]

    def add_districts(self, members: int) -> None:
        many = -(-members // DISTRICT_SIZE)
        for number, size in enumerate(shares(members, [1.0] * many)):
            if number % DISTRICTS_PER_CITY == 0:
                at = number // DISTRICTS_PER_CITY
                place = numbered(names.CITIES, at) + "市"
                city = self.add(self.root, f"YS{at + 1:02}", f"{place}委", Kind.COMMITTEE, place)
            place = numbered(names.DISTRICTS, number) + "区"
            code = f"{city.code}{city.children + 1:02}"
            self.fill(District(self.add(city, code, f"{place}委", Kind.COMMITTEE, place)), size)

    def fill(self, district: District, members: int) -> None:
        """Townships, their branches, and how many people each holds."""
        self.districts.append(district)
        many = max(4, round(members / BRANCH_SIZE))
        known = names.TOWNSHIPS[: min(len(names.TOWNSHIPS), max(2, many // 4))]
        weights = [self.dice.uniform(0.7, 1.3) * SHARE[setting_of(name)] for name, _ in known]
        for place, (name, ending) in enumerate(known, start=1):
            kind = Kind.COMMITTEE if ending == "镇党委" else Kind.WORK_COMMITTEE
            title = name.removesuffix("镇").removesuffix("街道") + ending
            node = self.add(district.node, f"{district.node.code}{place:02}", title, kind, name)
            district.townships.append(Township(node, setting_of(name)))
        for township, share in zip(district.townships, shares(many, weights), strict=True):
            self.add_branches(township, share)
        sizes = shares(members, [self.dice.uniform(0.4, 1.6) for _ in district.branches])
        for branch, size in zip(district.branches, sizes, strict=True):
            branch.size, branch.first_member = size, self.next_member
            self.next_member += size

    def add_branches(self, township: Township, many: int) -> None:
        """Every fifth village is large: a 党总支 with a few branches under it."""
        places = iter(self.places(township, many))
        here = many - 1 if township.setting == "village" and many >= 12 else many
        while len(township.branches) < here:
            place, left = next(places), here - len(township.branches)
            if township.setting in ("village", "community") and left >= 3 and self.dice.random() < 0.12:
                self.add_general(township, place, min(left, self.dice.randint(2, 4)))
            else:
                self.add_branch(township, place, f"{place}党支部", Kind.BRANCH)
        if here < many:
            place = f"{township.node.place}驻苏州"
            self.add_branch(township, place, f"{place}流动党员党支部", Kind.FLOATING_BRANCH)

    def add_general(self, township: Township, place: str, many: int) -> None:
        at = township.node.children + 1
        general = self.add(
            township.node, f"{township.node.code}Z{at:03}", f"{place}党总支", Kind.GENERAL_BRANCH, place
        )
        for number in range(many):
            which = "一二三四"[number]
            self.add_branch(township, f"{place}第{which}", f"{place}第{which}党支部", Kind.BRANCH, general)

    def add_branch(
        self, township: Township, place: str, name: str, kind: str, general: Node | None = None
    ) -> None:
        code = f"{township.node.code}{len(township.branches) + 1:03}"
        node = self.add(general or township.node, code, name, kind, general.place if general else place)
        setting = "floating" if kind == Kind.FLOATING_BRANCH else township.setting
        township.branches.append(Branch(node, township, setting, general))

    def places(self, township: Township, many: int) -> list[str]:
        if township.setting == "office":
            return names.offices(many)
        if township.setting == "company":
            return [f"{name}公司" for name in names.companies(self.dice, many)]
        ending = "村" if township.setting == "village" else "社区"
        return [f"{name}{ending}" for name in names.villages(self.dice, many)]

    def store(self) -> None:
        columns = ["id", "path", "depth", "numchild", "code", "name", "kind"]
        rows = ((n.pk, n.path, n.depth, n.children, n.code, n.name, n.kind) for n in self.nodes)
        bulk.write(Organization, columns, rows)
        bulk.reset_sequences(Organization)


def setting_of(name: str) -> str:
    if name.endswith("镇"):
        return "village"
    if name.endswith("街道"):
        return "community"
    return "office" if name == "区级机关" else "company"


def step(number: int) -> str:
    """One step of a treebeard path: 1 → 0001, 36 → 0010."""
    text = ""
    while number:
        number, digit = divmod(number, 36)
        text = DIGITS[digit] + text
    return text.rjust(STEP, "0")


def shares(total: int, weights: list[float]) -> list[int]:
    """Whole shares in proportion to the weights, at least one each, that add up to the total."""
    spare, weight = total - len(weights), sum(weights)
    parts = [1 + int(spare * w / weight) for w in weights]
    for at in range(total - sum(parts)):
        parts[at % len(parts)] += 1
    return parts


def numbered(pool: list[str], at: int) -> str:
    return pool[at % len(pool)] + ("" if at < len(pool) else "一二三四五六七八九"[at // len(pool) - 1])
