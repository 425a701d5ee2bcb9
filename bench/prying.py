#!/usr/bin/env python3
"""Somebody looks where he should not: every combination, every foreign id, every nonsense.

The fast share of the same tests runs in `make test`. Here all of them, on the
database DATABASE_URL names (default SQLite), and the number of combinations
beside their outcome.
"""

import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
TESTS = ["tests/prying", "-m", "exhaustive", "-q", "--show-capture=no", "--tb=line", "-n", "2"]


def counted(report: Path) -> Counter:
    """What the matrix wrote down: combinations, shown, denied."""
    sums: Counter = Counter()
    for one in ElementTree.parse(report).getroot().iter("property"):  # noqa: S314 - our own file
        sums[one.get("name", "")] += int(one.get("value", 0))
    return sums


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "prying.xml"
        options = [f"--junitxml={report}", "-o", "junit_family=legacy"]
        done = subprocess.run([sys.executable, "-m", "pytest", *TESTS, *options], cwd=ROOT, check=False)
        if report.exists():
            sums = counted(report)
            print(f"{sums['combinations']:,} combinations of role, address, method and place:")
            print(f"  {sums['shown']:,} shown, {sums['denied']:,} denied, {done.returncode and 'SOME'} leaks")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
