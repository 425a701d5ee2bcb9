"""Working methods as data: a campaign copies its programme, topics, forms and defaults from one."""

import tomllib
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent


def preset_codes() -> list[str]:
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


@cache
def load_preset(code: str) -> dict:
    """The preset's tables: name, groups, topics, forms, defaults, departments. KeyError if there is none."""
    if code not in preset_codes():
        raise KeyError(code)
    return tomllib.loads((FOLDER / f"{code}.toml").read_text(encoding="utf-8"))
