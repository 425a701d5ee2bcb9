#!/usr/bin/env python3
"""A roster from its bytes to stored members, beside openpyxl merely reading the same file.

    python bench/imports.py [--members 100000] [--rounds 3]

On the database of DATABASE_URL, which must be empty; without it on SQLite in a
temporary folder. Every measurement is a process of its own (import_once.py), so
that its memory is its own; reading by openpyxl and importing take turns, and of
the rounds the medians are shown. Seconds are of the clock; work is seconds of
processor, ours and the parsing process's together. Then 20,000 wrong lines, and
hostile files: how each is answered, how long that takes, how much memory.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ONCE = Path(__file__).with_name("import_once.py")
SMALL = 20_000
SHOWN = ("start", "check", "prepare", "transaction", "seconds")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--members", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    told = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="imports-") as folder:
        os.environ.setdefault("DATA_DIR", folder)
        measure("prepare", Path(str(max(told.members, SMALL))))
        compare(Path(folder), SMALL, max(told.rounds, 5))
        compare(Path(folder), told.members, told.rounds)
        harm(Path(folder))


def measure(what: str, file: Path) -> dict:
    """One measurement in a process of its own; its last line is what it found."""
    command = [sys.executable, "-W", "ignore", str(ONCE), what, str(file)]
    told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    return json.loads(told.stdout.strip().splitlines()[-1])


def compare(folder: Path, members: int, rounds: int) -> None:
    file = folder / f"{members}.xlsx"
    measure("roster", file)
    runs: dict[str, list[dict]] = {"openpyxl": [], "import": []}
    for _ in range(rounds):
        for what, found in runs.items():
            found.append(measure(what, file))
    print(f"\n{members:,} people, {file.stat().st_size / 1e6:.1f} MB, medians of {rounds} rounds")
    theirs, ours = medians(runs["openpyxl"]), medians(runs["import"])
    print(f"  openpyxl reads it   {theirs['seconds']:6.2f} s   work {theirs['work']:6.2f} s")
    for name in SHOWN:
        print(f"  {name:19} {ours[name]:6.2f} s")
    print(f"  work                {ours['work']:6.2f} s   of it parsing {ours['child_work']:.2f} s")
    print(
        f"  peak memory         {ours['memory']:4.0f} MB, the parsing process {ours['child_memory']:.0f} MB"
    )
    for name in ("seconds", "work"):
        ratios = [a[name] / b[name] for a, b in zip(runs["import"], runs["openpyxl"], strict=True)]
        told = ", ".join(f"{one:.2f}" for one in ratios)
        print(f"  stored in {statistics.median(ratios):.2f} of openpyxl's {name} (rounds {told})", flush=True)


def medians(found: list[dict]) -> dict[str, float]:
    return {name: statistics.median(one[name] for one in found) for name in found[0]}


def harm(folder: Path) -> None:
    print("\nwrong and hostile files: answer, seconds, work, memory here and in the parsing process")
    file = folder / "hostile"
    for name in measure("names", file)["names"]:
        told = measure(f"hostile:{name}", file)
        print(
            f"  {name:44} {told['answer']:22} {told['seconds']:5.1f} s {told['work']:5.1f} s "
            f"{told['memory']:4.0f} MB {told['child_memory']:4.0f} MB",
            flush=True,
        )


if __name__ == "__main__":
    main()
