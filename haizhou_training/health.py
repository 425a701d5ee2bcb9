"""GET /healthz: the process answers. GET /readyz: it can do its work."""

import shutil

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import JsonResponse
from kombu.exceptions import OperationalError

from haizhou_training.celery import app

PATH_COLUMNS = (
    ("organizations_organization", "path"),
    ("campaigns_unit", "path"),
    ("attendance_tally", "path"),
)


def healthz(request):
    return JsonResponse({"status": "ok"})


def readyz(request):
    """Database reachable, migrated, with byte order on path columns; disk; broker when one is set."""
    checks = {"database": database_state(), "disk": disk_state()}
    if checks["database"] == "ok":
        checks["migrations"] = migration_state()
    if settings.REDIS_URL:
        checks["redis"] = redis_state()
    # Pages work and jobs wait while the broker is away, so it alone does not make us unready.
    ready = all(state == "ok" for name, state in checks.items() if name != "redis")
    return JsonResponse({"status": "ok" if ready else "unready", **checks}, status=200 if ready else 503)


def database_state() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            if connection.vendor == "postgresql":
                return collation_state(cursor)
    except DatabaseError:
        return "unreachable"
    return "ok"


def collation_state(cursor) -> str:
    cursor.execute(
        "SELECT table_name, column_name FROM information_schema.columns "
        "WHERE column_name = 'path' AND collation_name = 'C' AND table_schema = current_schema()"
    )
    missing = set(PATH_COLUMNS) - set(cursor.fetchall())
    return "ok" if not missing else "path columns lack collation C"


def migration_state() -> str:
    executor = MigrationExecutor(connection)
    pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return "pending" if pending else "ok"


def disk_state() -> str:
    return "ok" if shutil.disk_usage(settings.DATA_DIR).free > 200 * 1024 * 1024 else "nearly full"


def redis_state() -> str:
    """Asked through Celery's own connection, so that a web process loads no client it does not use."""
    soon = {"socket_timeout": 1, "socket_connect_timeout": 1}
    try:
        with app.connection_for_write(settings.REDIS_URL, transport_options=soon) as broker:
            broker.ensure_connection(max_retries=1, interval_start=0)
    except OperationalError:
        return "unreachable"
    return "ok"
