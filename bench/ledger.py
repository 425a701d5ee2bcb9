#!/usr/bin/env python3
"""The lists of the ledger (/admin/) at a province's size: first page, a page far behind, a search.

    python bench/ledger.py [--members 1000000] [--rounds 5]

With DATABASE_URL of a database that holds the demo it measures there; else it loads
the demo first, into a PostgreSQL of its own. Asked as the top officer and as the
organizer of one township. The median of the rounds.
"""

import argparse
import contextlib
import os
import sys
import tempfile

import django
from django.core.management import call_command
from django.test import Client
from province import BACKEND, ROOT, accounts, load, measure, postgres

MOST = 500  # ms of processor time for one list
FAR = 100


def pages(client: Client) -> list[tuple[str, str]]:
    """(name, address) of what the account's ledger offers."""
    from django.contrib import admin  # noqa: PLC0415 only now are the settings there
    from django.urls import reverse  # noqa: PLC0415

    found = []
    for model in admin.site._registry:
        url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        if client.get(url).status_code != 200:
            continue
        name = str(model._meta.verbose_name)
        found += [(name, url), (f"{name}，第{FAR}页", f"{url}?p={FAR}"), (f"{name}，找“王”", f"{url}?q=王")]
    return found


def report(rounds: int) -> bool:
    missed = False
    with accounts() as users:
        for user in (users[0], users[-1]):
            client = Client(raise_request_exception=False)
            client.force_login(user, backend=BACKEND)
            print(f"\n{user.organization.name}，{user.get_role_display()}")
            for name, url in pages(client):
                it = measure(client, url, rounds)
                word = "FAILED" if it.status != 200 else "" if it.cpu <= MOST else "MISSED"
                missed |= bool(word)
                print(
                    f"  {it.cpu:6.0f} ms cpu  {it.ms:6.0f} ms  {it.queries:3} queries  {name}  {word}",
                    flush=True,
                )
    return missed


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--members", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="haizhou-bench-"))
        os.environ.setdefault("DATA_DIR", folder)
        os.environ |= {"DEMO": "1", "DEBUG": "0", "LOG_LEVEL": "ERROR"}
        os.environ["DJANGO_SETTINGS_MODULE"] = "haizhou_training.settings"
        os.environ.pop("REDIS_URL", None)
        if "DATABASE_URL" not in os.environ:
            os.environ["DATABASE_URL"] = stack.enter_context(postgres().running(postgres().DURABLE)).url
        sys.path.insert(0, str(ROOT))
        django.setup()
        call_command("collectstatic", interactive=False, verbosity=0)
        load(asked.members)
        sys.exit(report(asked.rounds))


if __name__ == "__main__":
    main()
