#!/usr/bin/env python3
"""Two hundred winters of fifty random acts, every derived row recounted after each act.

    python bench/random_life.py [--runs 200] [--steps 50] [--only sqlite|postgres]

The state machine is tests/attendance/life.py; the suite lives eight winters of it.
Prints how often each act was done and what the rules refused, per database.
"""

import argparse
import sys

from races import BESIDE, run

LIFE = ["tests/attendance/test_random_life.py"]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--only", choices=BESIDE)
    asked = parser.parse_args()
    size = f"{asked.runs}x{asked.steps}"
    chosen = [asked.only] if asked.only else list(BESIDE)
    passed = [run(database, LIFE, RANDOM_LIFE=size) for database in chosen]
    if not all(passed):
        sys.exit("FAILED")
    print(f"{asked.runs} runs of up to {asked.steps} acts: every figure true")


if __name__ == "__main__":
    main()
