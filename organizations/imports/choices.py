"""What the user answered about a file: which header means what, which sheets, hidden rows or not."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self


@dataclass(frozen=True)
class Choices:
    """Nothing answered is the default; an answer is kept with the batch and used whenever it is checked."""

    # Normalised header → field; "" = the column is not used.
    columns: Mapping[str, str] = field(default_factory=dict)
    # Names of the sheets to read; () = found by themselves.
    sheets: tuple[str, ...] = ()
    # None = not answered, True = import them too, False = leave them out.
    hidden_rows: bool | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            "columns": dict(self.columns),
            "sheets": list(self.sheets),
            "hidden_rows": self.hidden_rows,
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        return cls(
            columns=dict(stored.get("columns", {})),
            sheets=tuple(stored.get("sheets", ())),
            hidden_rows=stored.get("hidden_rows"),
        )
