#!/usr/bin/env python3
"""Two hundred winters of fifty random acts, every derived row recounted after each act.

    python bench/random_life.py [--runs 200] [--steps 50] [--only sqlite|postgres]

The state machine is tests/attendance/life.py; the suite lives eight winters of it.
Prints how often each act was done and what the rules refused, per database.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TEST = [sys.executable, "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider"]
TEST += ["tests/attendance/test_random_life.py"]
BESIDE = {"sqlite": [], "postgres": [sys.executable, "scripts/with_postgres.py"]}


def live(database: str, runs: int, steps: int) -> bool:
    env = os.environ | {"RANDOM_LIFE": f"{runs}x{steps}"}
    env.pop("DATABASE_URL", None)
    began = time.perf_counter()
    answer = subprocess.run([*BESIDE[database], *TEST], cwd=ROOT, env=env)
    seconds = time.perf_counter() - began
    word = "every figure true" if answer.returncode == 0 else "FAILED"
    print(f"{database}: {runs} runs of up to {steps} acts in {seconds:.0f} s: {word}\n", flush=True)
    return answer.returncode == 0


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--only", choices=BESIDE)
    asked = parser.parse_args()
    chosen = [asked.only] if asked.only else list(BESIDE)
    lived = [live(database, asked.runs, asked.steps) for database in chosen]
    if not all(lived):
        sys.exit(1)


if __name__ == "__main__":
    main()
