#!/usr/bin/env python3
"""kill -9 of each process amid each kind of work: nothing acknowledged is lost or happens twice.

    python bench/death.py [--kills 20] [--only postgres|sqlite] [--victims web,redis,...] [--seed N]

Two installations, each started as in production and killed one process at a time:
PostgreSQL (durable), Redis with AOF, Celery worker and beat, gunicorn; and SQLite with
the built-in runner. Victims take turns through {submit, import, report, evening
figures}; the kill falls at a random moment of the time the act takes undisturbed.
A kill counts when the process is gone, and its cycle ends when another one does the
work. After each, every acknowledgement ever read is looked up again, every derived
row is recounted. The first table is the same installation while nobody dies.
"""

import argparse
import contextlib
import importlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import django
from django.core.management import call_command

ROOT = Path(__file__).resolve().parent.parent
INSTALLATIONS = ("postgres", "sqlite")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=20, help="verified kills of each victim")
    parser.add_argument("--only", choices=INSTALLATIONS)
    parser.add_argument("--victims", default="", help="comma separated; default: all of the installation")
    parser.add_argument("--people", type=int, default=30, help="in each of six branches")
    parser.add_argument("--seed", type=int, default=None)
    return parser.parse_args()


def prepare(folder: str, url: str = "") -> None:
    """This process sees the database the killed ones write to; one process, one database."""
    sys.path.insert(0, str(ROOT))
    os.chdir(ROOT)
    os.environ |= {"DATA_DIR": folder, "DATABASE_URL": url, "REDIS_URL": "", "LOG_LEVEL": "WARNING"}
    os.environ["DJANGO_SETTINGS_MODULE"] = "haizhou_training.settings"


def both(asked: argparse.Namespace) -> int:
    """Django knows one database for life: each installation is a run of this program."""
    codes = [
        subprocess.run([sys.executable, __file__, "--only", one, *sys.argv[1:]], cwd=ROOT).returncode
        for one in INSTALLATIONS
    ]
    return max(codes)


def run(asked: argparse.Namespace, folder: str, postgres) -> int:
    django.setup()
    call_command("migrate", verbosity=0)
    matrix = importlib.import_module("tests.death.matrix")  # models: only after the setup
    victims = asked.victims.split(",") if asked.victims else matrix.VICTIMS[asked.only]
    with matrix.played(Path(folder), postgres, people=asked.people) as played:
        print(f"{asked.only}, while nobody dies: {played.undisturbed()}, 0 lost", flush=True)
        try:
            played.run(victims, asked.kills, say=lambda line: print(line, file=sys.stderr, flush=True))
        finally:
            print("\n".join(played.table()), flush=True)
    return 0 if played.is_clean else 1


def main() -> int:
    asked = arguments()
    if asked.only is None:
        return both(asked)
    asked.seed = random.randrange(10**6) if asked.seed is None else asked.seed
    random.seed(asked.seed)
    print(f"seed {asked.seed}", flush=True)
    began = time.monotonic()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # not without ending what was started
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(
            tempfile.TemporaryDirectory(prefix="haizhou-death-", ignore_cleanup_errors=True)
        )
        sys.path.insert(0, str(ROOT))
        postgres = None
        if asked.only == "postgres":
            if not shutil.which("redis-server"):
                sys.exit("No redis-server: apt-get install redis-server")
            with_postgres = importlib.import_module("scripts.with_postgres")
            postgres = stack.enter_context(with_postgres.running(with_postgres.DURABLE))
        prepare(folder, postgres.url if postgres else "")
        code = run(asked, folder, postgres)
    print(f"{asked.only}: {time.monotonic() - began:.0f} s")
    return code


if __name__ == "__main__":
    sys.exit(main())
