"""What every test gets. Databases, write guard, and the real services behind fixtures.

The test database is always one another process can open: on SQLite a file named
as in production inside a temporary DATA_DIR of this pytest process, so a Celery
worker needs no more than that DATA_DIR; on PostgreSQL the test database's URL.
"""

import gc
import os
import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.db import connections, transaction
from django.db.backends.signals import connection_created
from django.test import TransactionTestCase

from haizhou_training.celery import app as celery_app
from tests import databases, services
from tests.guard import WriteGuard
from tests.prying.sweep import Sweep, files_with_numbers

APT = "apt-get install redis-server chromium fonts-noto-cjk"
# Fixtures of pytest-django that open the database.
ASKING = {"db", "transactional_db", "django_db_setup", "live_server"}
# Begun first, so that no worker sits alone with one of them at the end; waiting and computing in turn.
LONGEST = (
    "attendance/test_random_life",
    "death/test_killed",
    "browser/test_every_page",
    "prying/test_matrix",
    "organizations/test_serve",
    "prying/test_foreign_ids",
    "browser/test_register",
    "prying/test_fuzz",
    "races/test_one_machine",
    "organizations/test_import_hostile",
    "browser/",
    "organizations/test_celery_worker",
    "prying/",
    "death/",
    "races/",
    "test_settings",
)
guard = WriteGuard()
sweep = Sweep()


def pytest_configure(config):
    django_settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    django_settings.AXES_ENABLED = False  # one test file turns it on
    django_settings.DATA_DIR = Path(tempfile.mkdtemp(prefix="haizhou-test-"))
    django_settings.MEDIA_ROOT = django_settings.DATA_DIR / "media"
    # Not the collected files: a server that a test starts beside us writes them while we would read them.
    django_settings.STATIC_ROOT = django_settings.DATA_DIR / "static"
    django_settings.STATIC_ROOT.mkdir()
    own_temporary_folder()
    # A tenth of the processor time went into looking through what never becomes garbage.
    gc.set_threshold(50_000, 20, 50)
    # Reports read through the second alias; a test may use both.
    TransactionTestCase.databases = frozenset({"default", "snapshot"})


def own_temporary_folder():
    """What the application leaves behind is told apart from other programs' files and from `tmp_path`."""
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", tempfile.gettempdir())
    tempfile.tempdir = tempfile.mkdtemp(prefix="haizhou-temp-")
    os.environ["TMPDIR"] = tempfile.tempdir
    os.chmod(tempfile.tempdir, 0o755)  # noqa: S103 - a PostgreSQL of the tests runs as somebody else


def pytest_unconfigure(config):
    if django_settings.DATA_DIR.name.startswith("haizhou-test-"):
        shutil.rmtree(django_settings.DATA_DIR, ignore_errors=True)
        shutil.rmtree(tempfile.gettempdir(), ignore_errors=True)


def pytest_collection_modifyitems(config, items):
    """On PostgreSQL only what asks a database: the rest is the same test, run beside SQLite already."""
    items.sort(key=rank)
    if connections["default"].vendor == "sqlite":
        return
    asking = [item for item in items if item.get_closest_marker("django_db") or ASKING & {*item.fixturenames}]
    config.hook.pytest_deselected(items=sorted(set(items) - set(asking), key=str))
    items[:] = asking


def rank(item) -> int:
    return next((place for place, name in enumerate(LONGEST) if f"tests/{name}" in item.nodeid), len(LONGEST))


def pytest_collection_finish(session):
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    guard.active = True
    try:
        return (yield)
    finally:
        guard.active = False


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """With REQUIRE_SERVICES=1 (CI) nothing may be left out because a program is missing."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("REQUIRE_SERVICES") == "1":
        report.outcome = "failed"
        report.longrepr = f"skipped although REQUIRE_SERVICES=1: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix):
    if connections["default"].vendor != "sqlite":
        return
    connections["default"].settings_dict["TEST"]["NAME"] = str(django_settings.DATA_DIR / "haizhou.sqlite3")
    for alias in ("default", "snapshot"):
        # A crash of the machine during the tests may lose the test database.
        connections[alias].settings_dict["OPTIONS"]["init_command"] += "PRAGMA synchronous=OFF;"


@pytest.fixture(scope="session")
def migrated(django_db_modify_db_settings):
    """The lock of tests/databases.py, held until this worker has its database: `(copy, let go)`."""
    with ExitStack() as lock:
        lock.enter_context(databases.one_at_a_time())
        yield databases.copy_of(connections["default"]), lock.close


@pytest.fixture(scope="session")
def django_db_keepdb(django_db_keepdb, migrated, django_db_blocker):
    copy, _ = migrated
    with django_db_blocker.unblock():
        return copy.take() or django_db_keepdb


@pytest.fixture(scope="session")
def django_db_setup(migrated, django_db_setup, django_db_keepdb, django_db_blocker):
    """Watch writes on every connection, also those of live-server threads.

    Most tests run inside a transaction nobody else can see into, so in the test's
    own thread the alias "snapshot" is the same connection as "default". Server
    threads and worker processes have the real one; `own_snapshot` gives it to a test.
    """
    copy, let_go = migrated
    with django_db_blocker.unblock():
        if not django_db_keepdb:
            copy.keep()
    let_go()
    connection_created.connect(watch, weak=False)
    if connections["default"].vendor == "sqlite":
        services.flush_past_triggers(connections["default"])
    watch(connections["default"])
    real = connections["snapshot"]
    share_snapshot.wanted = True
    share_snapshot()
    yield
    share_snapshot.wanted = False
    connections["snapshot"] = real
    with django_db_blocker.unblock():
        copy.drop()


def watch(connection, **kwargs):
    guard.watch(connection)
    if sweep.stored not in connection.execute_wrappers:
        connection.execute_wrappers.append(sweep.stored)


def share_snapshot():
    if share_snapshot.wanted:
        connections["snapshot"] = connections["default"]


share_snapshot.wanted = False


@pytest.fixture(scope="module")
def kept(django_db_setup, django_db_blocker):
    """A transaction around all tests of a file, for scenes that are built once (tests.base.once)."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    # Again for each test: while Playwright's event loop runs, Django keeps other connections.
    share_snapshot()


@pytest.fixture
def own_snapshot(transactional_db):
    """The alias "snapshot" as a connection of its own, as in production."""
    shared = connections["snapshot"]
    del connections["snapshot"]
    yield connections["snapshot"]
    connections["snapshot"].close()
    connections["snapshot"] = shared


@pytest.fixture(scope="session", autouse=True)
def no_number_gets_out():
    """Over the whole run: no ID number or phone in a log, a row, an address or a file that stays."""
    sweep.begin()
    yield
    sweep.end()
    left = [files_with_numbers(folder) for folder in (django_settings.DATA_DIR, Path(tempfile.gettempdir()))]
    assert [*sweep.take(), *left[0], *left[1]] == []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item):
    yield
    if found := sweep.take():
        pytest.fail("\n".join(["a number got out", *found]), pytrace=False)


@pytest.fixture(scope="session")
def redis_installed():
    if not shutil.which("redis-server"):
        pytest.skip(f"no redis-server: {APT}")


@pytest.fixture(scope="session")
def redis_server(redis_installed, tmp_path_factory):
    """The URL of a real redis-server of this pytest process."""
    with services.redis_server(tmp_path_factory.mktemp("redis")) as url:
        yield url


@pytest.fixture
def broker(redis_server, settings):
    """Django and Celery of this process speak to the real redis-server, which is empty."""
    settings.REDIS_URL = redis_server
    services.flush(redis_server)
    with services.broker(celery_app, redis_server):
        yield redis_server


@pytest.fixture
def celery_worker(transactional_db, broker):
    """Starts real Celery workers on the test database: `worker = celery_worker()`; `worker.kill()`."""
    started = []

    def start(*options):
        log = django_settings.DATA_DIR / f"worker{len(started)}.log"
        worker = services.CeleryWorker(broker, log, *options)
        started.append(worker)
        return worker

    yield start
    for worker in started:
        worker.stop()
