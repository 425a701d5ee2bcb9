"""宣讲团: three lecturers from each of the seven departments, and two of each township's own."""

from random import Random

from campaigns.models import Department, Lecturer
from reports.demo import bulk, names
from reports.demo.tree import Tree

COLUMNS = ["id", "organization_id", "name", "title", "department_id", "kind"]
TITLES = (("LEADER", "副职领导"), ("BACKBONE", "业务骨干"), ("EXPERT", "特聘专家"))


def store(tree: Tree, seed: int) -> None:
    dice = Random(f"{seed}:lecturers")  # noqa: S311
    rows: list[tuple] = []
    taken: set[tuple[int, str]] = set()

    def add(owner: int, title: str, department: int | None, kind: str) -> None:
        name = names.person(dice, dice.random() < 0.6, dice.randint(38, 58))
        while (owner, name) in taken:
            name = names.person(dice, True, 50)
        taken.add((owner, name))
        rows.append((len(rows) + 1, owner, name, title, department, kind))

    for department in Department.objects.order_by("position", "pk"):
        for kind, title in TITLES:
            add(tree.root.pk, f"{department.name}部门{title}", department.pk, kind)
    for district in tree.districts:
        for township in district.townships:
            add(township.node.pk, f"{township.node.place}党校教员", None, "BACKBONE")
            add(township.node.pk, f"{township.node.place}先进典型", None, "ROLE_MODEL")
    bulk.write(Lecturer, COLUMNS, rows)
    bulk.reset_sequences(Lecturer)
