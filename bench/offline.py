#!/usr/bin/env python3
"""Five thousand lives of two phones without a signal: 0 lost, 0 double, no conflict that nobody sees.

    python bench/offline.py [--lives 5000] [--from 0] [--only sqlite|postgres]

The lives are tests/attendance/phones.py: the phone's own outbox-core.js against the real service; the suite
runs a few of them. Prints how often each loss happened, per database.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TEST = [sys.executable, "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider"]
TEST += ["tests/attendance/test_offline_lives.py"]
BESIDE = {"sqlite": [], "postgres": [sys.executable, "scripts/with_postgres.py"]}


def live(database: str, first: int, lives: int) -> bool:
    env = os.environ | {"OFFLINE_LIVES": f"{first}-{first + lives}"}
    env.pop("DATABASE_URL", None)
    began = time.perf_counter()
    answer = subprocess.run([*BESIDE[database], *TEST], cwd=ROOT, env=env)
    seconds = time.perf_counter() - began
    word = "0 lost, 0 double, no silent conflict" if answer.returncode == 0 else "FAILED"
    print(f"{database}: {lives} lives in {seconds:.0f} s: {word}\n", flush=True)
    return answer.returncode == 0


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--lives", type=int, default=5000)
    parser.add_argument("--from", type=int, default=0, dest="first")
    parser.add_argument("--only", choices=BESIDE)
    asked = parser.parse_args()
    chosen = [asked.only] if asked.only else list(BESIDE)
    lived = [live(database, asked.first, asked.lives) for database in chosen]
    if not all(lived):
        sys.exit(1)


if __name__ == "__main__":
    main()
