"""What the environment may say, and that a wrong value stops the start instead of being guessed."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.conf import settings

SECRETS = {
    "SECRET_KEY": "a-test-key-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMN",
    "FIELD_KEYS": "dGVzdC1vbmx5LXRlc3Qtb25seS10ZXN0LW9ubHktMDE=",
}
PRINT = "from django.conf import settings; import django; django.setup(); print({})"


def start(tmp_path, *command, **env):
    """A Python process of its own: settings are read once per process."""
    clean = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
    return subprocess.run(
        [sys.executable, *command],
        env=clean | {"DATA_DIR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "haizhou_training.settings"} | env,
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )


def value(tmp_path, expression, **env):
    result = start(tmp_path, "-c", PRINT.format(expression), **env)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


def test_a_deployment_behind_tls_passes_every_deployment_check(tmp_path):
    deployed = SECRETS | {"HTTPS": "1", "ALLOWED_HOSTS": "dongxun.example.org"}
    result = start(tmp_path, "manage.py", "check", "--deploy", "--fail-level", "WARNING", **deployed)
    assert result.returncode == 0, result.stderr
    assert "no issues (0 silenced)" in result.stdout


@pytest.mark.parametrize(
    ("env", "words"),
    [
        ({"HTTPS": "1"}, "SECRET_KEY must be set"),
        ({"HTTPS": "1", "SECRET_KEY": SECRETS["SECRET_KEY"]}, "FIELD_KEYS must be set"),
        ({"DATABASE_URL": "mysql://u:p@127.0.0.1/x"}, "must be a postgresql:// address"),
        ({"SESSION_IDLE_MINUTES": "soon"}, "SESSION_IDLE_MINUTES"),
        ({"PASSWORD_MIN_LENGTH": "OFFICER=12,BOSS=9"}, "PASSWORD_MIN_LENGTH"),
        ({"OTP_ROLES": "OFFICER,BOSS"}, "OTP_ROLES names no role: BOSS"),
    ],
)
def test_a_wrong_or_missing_value_stops_the_start(tmp_path, env, words):
    result = start(tmp_path, "manage.py", "check", **env)
    assert result.returncode != 0
    assert words in result.stderr


@pytest.mark.slow
def test_password_rules_are_one_number_or_one_per_role(tmp_path):
    rules = "settings.PASSWORD_MIN_LENGTH['OFFICER'], settings.PASSWORD_MIN_LENGTH['RECORDER'], "
    rules += "settings.PASSWORD_MAX_AGE_DAYS['OFFICER'], settings.PASSWORD_MAX_AGE_DAYS['INSPECTOR']"
    given = {"PASSWORD_MIN_LENGTH": "OFFICER=14,RECORDER=4", "PASSWORD_MAX_AGE_DAYS": "30"}
    assert value(tmp_path, rules, **given) == "14 8 30 30"  # never less than eight
    assert value(tmp_path, rules) == "10 10 90 0"


@pytest.mark.slow
def test_secrets_of_one_machine_are_made_once_and_readable_by_the_owner_only(tmp_path):
    first = value(tmp_path, "settings.SECRET_KEY")
    assert value(tmp_path, "settings.SECRET_KEY") == first
    for name in ("secret_key.txt", "field_keys.txt"):
        assert (tmp_path / name).stat().st_mode & 0o077 == 0


@pytest.mark.slow
def test_processes_that_start_together_agree_on_the_secret(tmp_path):
    with ThreadPoolExecutor(4) as pool:
        keys = set(pool.map(lambda _: value(tmp_path, "settings.SECRET_KEY"), range(4)))
    assert len(keys) == 1
    assert {path.name for path in tmp_path.iterdir()} == {"secret_key.txt", "field_keys.txt"}


@pytest.mark.slow
def test_where_nothing_can_be_linked_the_secret_is_written_once_all_the_same(tmp_path):
    """As on FAT and some network file systems."""
    (tmp_path / "sitecustomize.py").write_text(
        "import os\ndef no(*a): raise PermissionError(1)\nos.link = no\n"
    )
    data = tmp_path / "data"
    data.mkdir()
    first = value(data, "settings.SECRET_KEY", PYTHONPATH=str(tmp_path))
    assert len(first) > 60 and value(data, "settings.SECRET_KEY") == first
    assert {path.name for path in data.iterdir()} == {"secret_key.txt", "field_keys.txt"}
    assert all(path.stat().st_mode & 0o077 == 0 for path in data.iterdir())


def test_an_empty_secret_stops_the_start(tmp_path):
    (tmp_path / "secret_key.txt").touch()
    result = start(tmp_path, "manage.py", "check")
    assert result.returncode != 0 and "secret_key.txt is empty" in result.stderr


@pytest.mark.slow
def test_two_installations_do_not_share_secrets(tmp_path):
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    one, two = (value(tmp_path / name, "settings.SECRET_KEY") for name in ("one", "two"))
    assert one != two


def test_sqlite_refuses_no_concurrent_writer():
    """WAL, IMMEDIATE and the timeout belong together; dropping any one loses writes under load."""
    if settings.DATABASES["default"]["ENGINE"] != "haizhou_training.sqlite":
        assert settings.DATABASES["default"]["OPTIONS"]["connect_timeout"] == 5
        return
    options = settings.DATABASES["default"]["OPTIONS"]
    assert options["transaction_mode"] == "IMMEDIATE"
    assert options["timeout"] == 20
    assert "journal_mode=WAL" in options["init_command"]
    assert "synchronous=FULL" in options["init_command"]
    assert "foreign_keys=ON" in options["init_command"]


def test_a_message_lost_by_a_dead_worker_comes_back_before_people_give_up():
    """Acknowledged late, prefetched singly, and visible again later than the longest task runs."""
    assert settings.CELERY_TASK_ACKS_LATE
    assert settings.CELERY_TASK_REJECT_ON_WORKER_LOST
    assert settings.CELERY_WORKER_PREFETCH_MULTIPLIER == 1
    assert (
        settings.CELERY_BROKER_TRANSPORT_OPTIONS["visibility_timeout"] > 2 * settings.CELERY_TASK_TIME_LIMIT
    )
    assert settings.JOB_LEASE_SECONDS > settings.CELERY_TASK_TIME_LIMIT
    assert settings.CELERY_ACCEPT_CONTENT == ["json"]
