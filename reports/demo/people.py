"""Who lives there: members with everything a roster holds.

ID numbers carry a right check digit but an area code (3299..) that no place has;
phones begin with 142, which is given to nobody. Neither can belong to anybody.
Districts are made side by side: most of the work is encryption, in Python.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import chain
from multiprocessing import get_context
from random import Random

from organizations.fields import digest, encrypt
from organizations.models import Category, Member, Post
from organizations.services.members import EDITABLE
from reports.demo import bulk, names
from reports.demo.tree import Branch, District, Tree

COLUMNS = [
    "id",
    "branch_id",
    "branch_since",
    *EDITABLE,
    "initials",
    "id_digest",
    "phone_digest",
    "phone_tail",
]
# Ages (from, to, share) by where people live: villages are old, companies young.
AGES = {
    "village": [(19, 34, 12), (35, 49, 21), (50, 64, 29), (65, 79, 28), (80, 93, 10)],
    "community": [(19, 34, 16), (35, 49, 24), (50, 64, 26), (65, 79, 26), (80, 93, 8)],
    "company": [(20, 34, 45), (35, 49, 38), (50, 62, 17)],
    "office": [(23, 34, 28), (35, 49, 40), (50, 60, 27), (61, 79, 5)],
    "floating": [(20, 34, 45), (35, 49, 45), (50, 60, 10)],
}
AWAY = {"village": 0.27, "community": 0.15, "company": 0.02, "office": 0.0, "floating": 0.92}
ADULT = timedelta(days=18 * 366)  # nobody joins earlier
SERIALS = 100 * 499  # of one day and sex in the areas 3299xx
FACTORS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def store(tree: Tree, seed: int, today: date, last_start: date, this_start: date) -> int:
    many = len(tree.districts)
    makers = [
        People(district, (number, many), seed, today, last_start, this_start)
        for number, district in enumerate(tree.districts)
    ]
    stored = bulk.write(Member, COLUMNS, chain.from_iterable(made(makers)))
    bulk.reset_sequences(Member)
    return stored


def made(makers: "list[People]") -> Iterator[list[tuple]]:
    """The people of each district in turn; of many districts, made on all processors.

    Forked, because the keys are those of this process; the children do not touch its connection.
    """
    if len(makers) == 1:
        yield makers[0].rows()
        return
    with get_context("fork").Pool() as pool:
        yield from pool.imap(People.rows, makers)


class People:
    """Makes the members of one district, branch by branch."""

    def __init__(
        self,
        district: District,
        place: tuple[int, int],
        seed: int,
        today: date,
        last_start: date,
        this_start: date,
    ):
        """`place`: which district of how many, because each has its own part of the ID numbers."""
        self.district, self.seed, self.today = district, seed, today
        self.last_start, self.this_start = last_start, this_start
        number, many = place
        self.dice = Random(f"{seed}:people:{number}")  # noqa: S311
        self.first_serial = number * (SERIALS // many)
        self.born_that_day: Counter[tuple[date, bool]] = Counter()

    def rows(self) -> list[tuple]:
        return [row for branch in self.district.branches for row in self.people_of(branch)]

    def people_of(self, branch: Branch) -> Iterator[tuple]:
        """In the branch's own order: its committee first, then party group by party group."""
        ages = sorted((self.age(branch) for _ in range(branch.size)), key=lambda age: not 30 <= age <= 62)
        groups = max(2, min(5, branch.size // 8)) if branch.size >= 12 else 0
        for place, age in enumerate(ages):
            group = f"第{'一二三四五'[place * groups // branch.size]}党小组" if groups else ""
            yield self.member(branch, place, age, post_at(place, branch.size, age), group)

    def age(self, branch: Branch) -> int:
        bands = AGES[branch.setting]
        first, last, _ = self.dice.choices(bands, [share for *_, share in bands])[0]
        return self.dice.randint(first, last)

    def member(self, branch: Branch, place: int, age: int, post: str, group: str) -> tuple:
        dice = self.dice
        is_man = dice.random() < (0.72 if age >= 45 else 0.55)
        born = self.today - timedelta(days=age * 365 + age // 4 + dice.randrange(365))
        is_new = not post and age < 45 and dice.random() < 0.05
        joined = self.joined_party(born, age, is_new)
        floating = not post and 20 <= age <= 55 and dice.random() < AWAY[branch.setting]
        home_bound = age >= 72 and not post and dice.random() < 0.25
        name = names.person(dice, is_man, age)
        number = self.id_number(born, is_man) if dice.random() < 0.88 else ""
        phone = self.phone(branch.first_member + place) if dice.random() < (0.95 if age < 75 else 0.6) else ""
        return (
            branch.first_member + place,
            branch.node.pk,
            None if post else self.arrival(),
            name,
            "M" if is_man else "F",
            born.isoformat(),
            Category.PROBATIONARY if is_new else Category.FULL,
            post,
            group,
            place + 1,
            joined.isoformat(),
            floating,
            dice.choice(names.AWAY) if floating else "",
            names.person(dice, True, 45) if floating else "",
            home_bound,
            age >= 60 and dice.random() < 0.06,
            encrypt(number),
            encrypt(phone),
            names.initials_of(name),
            digest(number),
            digest(phone),
            phone[-4:],
        )

    def joined_party(self, born: date, age: int, is_new: bool) -> date:
        if is_new:
            return self.today - timedelta(days=self.dice.randrange(30, 330))
        grown = born + timedelta(days=365 * self.dice.randint(20, max(21, min(age - 1, 45))))
        joined = min(grown + timedelta(days=self.dice.randrange(300)), self.today - timedelta(days=800))
        return max(born + ADULT, joined)

    def arrival(self) -> str | None:
        """Most have always been here; a few came since last winter, fewer still during this one."""
        chance = self.dice.random()
        if chance < 0.985:
            return None
        first, last = (
            (self.last_start + timedelta(days=150), self.this_start)
            if chance < 0.996
            else (self.this_start + timedelta(days=5), self.today)
        )
        return (first + timedelta(days=self.dice.randrange(max(1, (last - first).days)))).isoformat()

    def id_number(self, born: date, is_man: bool) -> str:
        """Area 3299xx does not exist; the serial's parity is the sex, as in real numbers."""
        taken = self.first_serial + self.born_that_day[born, is_man]
        self.born_that_day[born, is_man] += 1
        area, serial = 329999 - taken // 499, (taken % 499) * 2 + (1 if is_man else 2)
        body = f"{area}{born:%Y%m%d}{serial:03}"
        return body + "10X98765432"[sum(int(d) * f for d, f in zip(body, FACTORS, strict=True)) % 11]

    def phone(self, member: int) -> str:
        return f"142{(member * 70_368_743 + self.seed) % 10**8:08}"


def post_at(place: int, size: int, age: int) -> str:
    if not 30 <= age <= 62:
        return Post.SECRETARY if place == 0 else Post.NONE
    order = [Post.SECRETARY, Post.DEPUTY_SECRETARY, *[Post.COMMITTEE_MEMBER] * 3]
    return order[place] if place < (5 if size >= 20 else 3 if size >= 8 else 1) else Post.NONE
