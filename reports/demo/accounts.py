"""One account of each role, two of sibling townships. Passwords follow from the seed: this is a demo.

Every other township has an organizer too, with a password nobody knows, so that
what was recorded there was recorded by somebody.
"""

import hashlib
from random import Random

from django.contrib.auth.hashers import make_password

from organizations.models import Role, User
from reports.demo import bulk, names
from reports.demo.tree import Node, Tree


def password(seed: int, username: str) -> str:
    """Easy to type, long enough, different for each account."""
    number = int(hashlib.sha256(f"{seed}:{username}".encode()).hexdigest(), 16) % 90_000 + 10_000
    return f"Dongxun-{number}"


def shown(tree: Tree) -> list[tuple[str, str, Node]]:
    """(username, role, organization) of the accounts on the login page."""
    first, second = tree.districts[0].townships[:2]
    return [
        ("officer", Role.OFFICER, tree.root),
        ("organizer1", Role.ORGANIZER, first.node),
        ("organizer2", Role.ORGANIZER, second.node),
        ("recorder", Role.RECORDER, recorded_branch(tree)),
        ("inspector", Role.INSPECTOR, tree.root),
        ("auditor", Role.AUDITOR, tree.root),
    ]


def recorded_branch(tree: Tree) -> Node:
    """The recorder's: the first ordinary branch of the first township."""
    branches = tree.districts[0].townships[0].branches
    return next((b.node for b in branches if b.setting != "floating"), branches[0].node)


def store(tree: Tree, seed: int) -> None:
    """Ids 1–6 are the accounts of `shown`; ids of the rest follow in the order of townships."""
    dice = Random(f"{seed}:accounts")  # noqa: S311
    columns = ["id", "username", "name", "organization_id", "role", "must_change_password", "password"]
    listed = shown(tree)
    taken = {node.pk for _, role, node in listed if role == Role.ORGANIZER}
    rest = [t.node for d in tree.districts for t in d.townships if t.node.pk not in taken]
    rows = [
        (at, username, person(dice), node.pk, role, False, hashed(seed, username))
        for at, (username, role, node) in enumerate(listed, start=1)
    ]
    rows += [
        (at, f"organizer{at - len(listed) + 2}", person(dice), node.pk, Role.ORGANIZER, True, "!demo")
        for at, node in enumerate(rest, start=len(listed) + 1)
    ]
    bulk.write(User, columns, rows)
    bulk.reset_sequences(User)


def hashed(seed: int, username: str) -> str:
    """Salted from the seed, so that two loads are equal row by row."""
    salt = hashlib.sha256(f"salt:{seed}:{username}".encode()).hexdigest()[:22]
    return make_password(password(seed, username), salt=salt)


def person(dice: Random) -> str:
    return names.person(dice, dice.random() < 0.5, dice.randint(30, 55))
