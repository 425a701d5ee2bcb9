#!/usr/bin/env python3
"""Every page one click from home, for each demo account: time, queries, bytes over the wire.

    python bench/pages.py [--members 10000]

Loads the demo into a temporary folder, then asks each page in this process: no
network, no browser, gzip as the server sends it, without static files. The median of five.
"""

import argparse
import json
import logging
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import django
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import resolve

ROOT = Path(__file__).resolve().parent.parent
ROUNDS = 5
BACKEND = "organizations.backends.AccountBackend"
LINK = re.compile(r'<a[^>]+href="(/[^"#?]*)[^"]*"')
NOT_PAGES = ("/logout", "/static/", "/admin/logout", "/admin/jsi18n")


def load_demo(members: int) -> list[dict]:
    manage = [sys.executable, "manage.py"]
    subprocess.run([*manage, "migrate", "--verbosity", "0"], cwd=ROOT, check=True)
    began = time.perf_counter()
    command = [*manage, "load_demo", "--members", str(members), "--json"]
    loaded = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    print(f"load_demo --members {members}: {time.perf_counter() - began:.1f} s\n")
    return json.loads(loaded.stdout)["accounts"]


def one_of_each_role(accounts: list[dict]) -> list[dict]:
    return list({account["role"]: account for account in reversed(accounts)}.values())


def links_from_home(client) -> list[str]:
    """One address for each view, the first that home links to."""
    page = client.get("/", follow=True).content.decode()
    found = ["/", *sorted(link for link in LINK.findall(page) if not link.startswith(NOT_PAGES))]
    first_of_view = {resolve(link).view_name: link for link in reversed(found)}
    return sorted(first_of_view.values())


def measure(client, url: str, counted) -> tuple[int, float, int, int]:
    seconds = []
    for _ in range(ROUNDS):
        with counted() as queries:
            began = time.perf_counter()
            answer = client.get(url, follow=True, headers={"accept-encoding": "gzip"})
            size = len(answer.getvalue())
            seconds.append(time.perf_counter() - began)
    return answer.status_code, statistics.median(seconds) * 1000, len(queries), size


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--members", type=int, default=10_000)
    members = parser.parse_args().members
    with tempfile.TemporaryDirectory(prefix="haizhou-bench-") as folder:
        # DEBUG would log queries and slow everything; the folder is not the demo's own.
        os.environ |= {"DATA_DIR": folder, "DEMO": "1", "DEBUG": "0", "LOG_LEVEL": "ERROR"}
        os.environ["DJANGO_SETTINGS_MODULE"] = "haizhou_training.settings"
        os.environ.pop("REDIS_URL", None)
        accounts = load_demo(members)
        sys.path.insert(0, str(ROOT))
        django.setup()
        if not report(accounts):
            sys.exit("some pages did not answer 200")


def report(accounts: list[dict]) -> bool:
    from organizations.models import User  # noqa: PLC0415 only now are the settings there

    logging.disable()
    fine = True
    call_command("collectstatic", interactive=False, verbosity=0)
    for account in one_of_each_role(accounts):
        client = Client(raise_request_exception=False)
        client.force_login(User.objects.get(username=account["username"]), backend=BACKEND)
        print(f"{account['role']}  {account['organization']}")
        for url in links_from_home(client):
            status, milliseconds, queries, size = measure(
                client, url, lambda: CaptureQueriesContext(connection)
            )
            fine = fine and status == 200
            print(f"  {status}  {milliseconds:7.0f} ms  {queries:3} queries  {size / 1024:6.1f} KB  {url}")
        print()
    return fine


if __name__ == "__main__":
    main()
