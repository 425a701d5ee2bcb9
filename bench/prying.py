#!/usr/bin/env python3
"""Somebody looks where he should not: role x address x method x place, foreign ids, nonsense.

    python bench/prying.py [--only sqlite|postgres] [--one-of 6]

The tests are tests/prying; the suite walks a small fixed share of the same combinations.
Prints how many were tried, what was shown, and what leaked, changed or broke, per database.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
TEST = [sys.executable, "-m", "pytest", "tests/prying", "-m", "exhaustive", "-q", "-p", "no:cacheprovider"]
TEST += ["--show-capture=no", "--tb=line", "-n", "2", "-o", "junit_family=legacy"]
BESIDE = {"sqlite": [], "postgres": [sys.executable, "scripts/with_postgres.py"]}
PROMISED = 10_000


def counted(report: Path) -> Counter:
    """What the tests wrote down: combinations, shown, denied, leaks, broken pages, ids and nonsense tried."""
    sums: Counter = Counter()
    for one in ElementTree.parse(report).getroot().iter("property"):  # noqa: S314 - our own file
        sums[one.get("name", "")] += int(one.get("value", 0))
    return sums


def pry(database: str, one_of: int) -> bool:
    env = os.environ | {"PRYING_ONE_OF": str(one_of)}
    env.pop("DATABASE_URL", None)
    with tempfile.TemporaryDirectory() as folder:
        report, began = Path(folder) / "prying.xml", time.perf_counter()
        command = [*BESIDE[database], *TEST, f"--junitxml={report}"]
        answer = subprocess.run(command, cwd=ROOT, env=env)
        sums = counted(report) if report.exists() else Counter()
    seconds, tried = time.perf_counter() - began, sums["combinations"]
    print(f"{database}: {seconds:.0f} s, one of {one_of} of what there is")
    print(f"  {tried:,} combinations of role, address, method, place (promised {PROMISED:,}):")
    print(f"    {sums['shown']:,} shown, {sums['denied']:,} denied", end=", ")
    print(f"{sums['leaks']:,} leaks, {sums['broken pages']:,} broken pages")
    print(f"  {sums['foreign ids']:,} foreign ids, {sums['nonsense']:,} pieces of nonsense:", end=" ")
    print("no row outside changed, no page broke" if answer.returncode == 0 else "FAILED, see above")
    return answer.returncode == 0 and tried >= PROMISED


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", choices=BESIDE)
    parser.add_argument("--one-of", type=int, default=6, help="1 walks everything")
    asked = parser.parse_args()
    chosen = [asked.only] if asked.only else list(BESIDE)
    outcomes = [pry(database, asked.one_of) for database in chosen]
    if not all(outcomes):
        sys.exit(1)


if __name__ == "__main__":
    main()
