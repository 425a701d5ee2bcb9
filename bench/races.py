#!/usr/bin/env python3
"""Everybody at once, for longer than the suite has time for.

    python bench/races.py [--seconds 60] [--times 10] [--only sqlite|postgres] [--without NAME]

On both databases: sixteen writers on overlapping registers while people move, sheets close and
units freeze, and while the campaign ends and is opened again; then each double tap many times.
On the one-machine installation (SQLite and `manage.py serve`): 32 who send registers of 40,
imports of 5,000 and a report, beside one client alone in the same run. The tests are tests/races/.

--without takes one protection away and succeeds when the tests notice:
lock, replay (both on PostgreSQL), transaction_mode, timeout (the settings of SQLite).
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TEST = [sys.executable, "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider"]
TEST += ["--show-capture=no", "--tb=short"]
BESIDE = {"sqlite": [], "postgres": [sys.executable, "scripts/with_postgres.py"]}
STORM, ONE_MACHINE = "tests/races/test_storm.py", "tests/races/test_one_machine.py"
END = "tests/races/test_end_of_campaign.py"
TAPS = ["tests/races/test_double_taps.py", "tests/races/test_rosters_at_once.py"]
# Which database notices that it is gone, and where.
PROTECTIONS = {
    "lock": ("postgres", [STORM, END, *TAPS]),
    "replay": ("postgres", [STORM, *TAPS]),
    "transaction_mode": ("sqlite", [END, ONE_MACHINE]),
    "timeout": ("sqlite", [ONE_MACHINE]),
}


def run(database: str, files: list[str], **env: object) -> bool:
    """Whether all of it passed; the tests print their own figures."""
    print(f"--- {database}: {', '.join(Path(file).stem for file in files)}", flush=True)
    known = os.environ | {name: str(value) for name, value in env.items()}
    known.pop("DATABASE_URL", None)
    began = time.perf_counter()
    answer = subprocess.run([*BESIDE[database], *TEST, *files], cwd=ROOT, env=known)
    print(f"{time.perf_counter() - began:.0f} s\n", flush=True)
    return answer.returncode == 0


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=60, help="of each storm")
    parser.add_argument("--times", type=int, default=10, help="each double tap")
    parser.add_argument("--only", choices=BESIDE)
    parser.add_argument("--without", choices=PROTECTIONS, help="take this protection away")
    asked = parser.parse_args()
    if asked.without:
        database, files = PROTECTIONS[asked.without]
        noticed = not run(database, files, RACES_SECONDS=min(asked.seconds, 10), RACES_WITHOUT=asked.without)
        print(f"without {asked.without}:", "noticed" if noticed else "NOT NOTICED")
        sys.exit(not noticed)
    passed = []
    for database in [asked.only] if asked.only else list(BESIDE):
        passed.append(run(database, [STORM, END], RACES_SECONDS=asked.seconds))
        passed.append(run(database, TAPS, RACES_TIMES=asked.times))
        if database == "sqlite":
            passed.append(run(database, [ONE_MACHINE], RACES_SECONDS=asked.seconds))
    if not all(passed):
        sys.exit("FAILED")


if __name__ == "__main__":
    main()
