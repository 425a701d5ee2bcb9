"""What a message says: the plain values a reading gives back. No Django here."""

from dataclasses import dataclass, field

MISSING = ("leave", "absent")


@dataclass
class Person:
    """One name as it was written, and what is said of it. `minutes`: late or gone early by so much."""

    name: str
    status: str = ""
    reason: str = ""
    minutes: int | None = None
    note: str = ""
    is_known: bool = False


@dataclass
class Section:
    """What the text says of one branch. `heading` is how it names the branch, "" where it does not."""

    heading: str = ""
    figures: dict[str, list[int]] = field(default_factory=dict)
    people: list[Person] = field(default_factory=list)
    rest: str = ""
    leftovers: list[str] = field(default_factory=list)

    def figure(self, what: str) -> int | None:
        """The number said; None where none or more than one was. Of 请假 also 事假3人，病假2人 together."""
        said = set(self.figures.get(what, ()))
        parts = [
            number
            for name, numbers in self.figures.items()
            if name.startswith(f"{what}:")
            for number in numbers
        ]
        if not said and parts:
            return sum(parts)
        return said.pop() if len(said) == 1 else None

    @property
    def is_empty(self) -> bool:
        return not (self.figures or self.people or self.rest)
