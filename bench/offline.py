#!/usr/bin/env python3
"""Five thousand lives of two phones without a signal: 0 lost, 0 double, no conflict that nobody sees.

    python bench/offline.py [--lives 5000] [--from 0] [--only sqlite|postgres]

The lives are tests/attendance/phones.py: the phone's own outbox-core.js against the real service; the suite
runs a few of them. Prints how often each loss happened, per database.
"""

import argparse
import sys

from races import BESIDE, run

LIVES = ["tests/attendance/test_offline_lives.py"]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--lives", type=int, default=5000)
    parser.add_argument("--from", type=int, default=0, dest="first")
    parser.add_argument("--only", choices=BESIDE)
    asked = parser.parse_args()
    span = f"{asked.first}-{asked.first + asked.lives}"
    chosen = [asked.only] if asked.only else list(BESIDE)
    passed = [run(database, LIVES, OFFLINE_LIVES=span) for database in chosen]
    if not all(passed):
        sys.exit("FAILED")
    print(f"{asked.lives} lives: 0 lost, 0 double, no silent conflict")


if __name__ == "__main__":
    main()
