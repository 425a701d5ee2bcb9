"""One settings file; every value that differs between places comes from the environment.

The demo over plain HTTP and a deployment behind TLS differ by `HTTPS` and the
secrets only. A value that cannot be read stops the start.
"""

import os
import secrets
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

# Where data lives: database file, generated secrets. One folder to back up.
DATA_DIR = Path(env.str("DATA_DIR", default=str(BASE_DIR / "var")))
DATA_DIR.mkdir(parents=True, exist_ok=True)

HTTPS = env.bool("HTTPS", default=False)
DEBUG = env.bool("DEBUG", default=False)
DEMO = env.bool("DEMO", default=False)
TESTING = "pytest" in sys.modules
ROLES = ("OFFICER", "ORGANIZER", "RECORDER", "INSPECTOR", "AUDITOR")


def kept_secret(name: str) -> str:
    """The secret from the environment; on one machine, made once and kept in DATA_DIR."""
    value = env.str(name, default="")
    if value:
        return value
    if HTTPS:
        raise ImproperlyConfigured(f"{name} must be set in the environment when HTTPS=1")
    path = DATA_DIR / f"{name.lower()}.txt"
    if not path.exists():
        keep(path, secrets.token_urlsafe(64))
    if text := path.read_text().strip():
        return text
    raise ImproperlyConfigured(f"{path} is empty: put {name} back, or delete the file of a new installation")


def keep(path: Path, text: str) -> None:
    """Whole or not at all, and the same for processes that start together: the first link wins."""
    with tempfile.NamedTemporaryFile("w", dir=path.parent) as fresh:  # mode 0600
        fresh.write(text)
        fresh.flush()
        try:
            os.link(fresh.name, path)
        except FileExistsError:
            return
        except OSError:  # a file system without hard links
            write_anew(path, text)


def write_anew(path: Path, text: str) -> None:
    with (
        suppress(FileExistsError),
        open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file,
    ):
        file.write(text)


def per_role(name: str, default: str, least: int = 0, most: int = 9999) -> dict[str, int]:
    """`10` says 10 for every role; `OFFICER=12,ORGANIZER=10` says it per role, others as by default."""
    values: dict[str, int] = {}
    for text in (default, env.str(name, default=default)):
        for part in text.split(","):
            role, _, number = part.rpartition("=")
            if (role and role not in ROLES) or not number.strip().isdecimal():
                raise ImproperlyConfigured(f"{name}={text}: a number, or ROLE=number, separated by commas")
            values |= {one: min(most, max(least, int(number))) for one in ([role] if role else ROLES)}
    return {role: values.get(role, 0) for role in ROLES}


SECRET_KEY = kept_secret("SECRET_KEY")
# Comma-separated; the first encrypts, all decrypt. Losing them loses ID numbers and phones.
FIELD_KEYS = [key.strip() for key in kept_secret("FIELD_KEYS").split(",") if key.strip()]

ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[] if HTTPS else ["*"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

INSTALLED_APPS = [
    "organizations",
    "campaigns",
    "attendance",
    "reports",
    "haizhou_training.apps.LedgerConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "treebeard",
    "crispy_forms",
    "crispy_bootstrap5",
    "django_htmx",
    "axes",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "csp",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "haizhou_training.middleware.HealthMiddleware",
    "haizhou_training.middleware.AddressMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "haizhou_training.middleware.NullCharacterMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "haizhou_training.middleware.RefusedWritesMiddleware",
    "haizhou_training.middleware.LoginAgeMiddleware",
    "haizhou_training.middleware.HtmxLoginRequiredMiddleware",
    "haizhou_training.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "haizhou_training.middleware.NumbersOutOfAddressesMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "haizhou_training.urls"
WSGI_APPLICATION = "haizhou_training.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "haizhou_training.context.site",
            ],
        },
    }
]
CRISPY_ALLOWED_TEMPLATE_PACKS = "bootstrap5"
CRISPY_TEMPLATE_PACK = "bootstrap5"

# --- Database -------------------------------------------------------------------
# SQLite by default. WAL, IMMEDIATE and the 20 s timeout only work together: without
# any one of them concurrent writers are refused with "database is locked". Our own engine
# differs from Django's in how it waits for the lock: haizhou_training/sqlite/base.py.
# The alias "snapshot" is the same database read inside one read-only snapshot, so
# that a long report sees one moment and blocks nobody.
DATABASE_URL = env.str("DATABASE_URL", default="")
if DATABASE_URL:
    default = env.db_url_config(DATABASE_URL)
    if default["ENGINE"] != "django.db.backends.postgresql":
        raise ImproperlyConfigured("DATABASE_URL must be a postgresql:// address; SQLite needs none")
    limits = "-c statement_timeout={} -c lock_timeout=10000 -c idle_in_transaction_session_timeout=60000"
    # Pages read a few rows by index from memory or an SSD; PostgreSQL's own defaults are made for disks that
    # turn, and compiling a query takes longer than most of ours run.
    limits += " -c random_page_cost=1.1 -c jit=off"
    default |= {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}
    # A page has 30 s; an index or a fill of ten million rows takes what it takes.
    longest = 0 if sys.argv[1:2] == ["migrate"] else 30000
    default["OPTIONS"] = {"connect_timeout": 5, "options": limits.format(longest)}
    snapshot = default | {"OPTIONS": {"connect_timeout": 5, "options": limits.format(600000)}}
else:
    wal = (
        "PRAGMA journal_mode=WAL;PRAGMA synchronous=FULL;"
        "PRAGMA foreign_keys=ON;PRAGMA journal_size_limit=67108864;PRAGMA cache_size=-65536;"
    )
    default = {
        "ENGINE": "haizhou_training.sqlite",
        "NAME": DATA_DIR / "haizhou.sqlite3",
        "OPTIONS": {"timeout": 20, "transaction_mode": "IMMEDIATE", "init_command": wal},
    }
    snapshot = default | {"OPTIONS": {"timeout": 20, "transaction_mode": "DEFERRED", "init_command": wal}}
DATABASES = {"default": default, "snapshot": snapshot | {"TEST": {"MIRROR": "default"}}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Jobs -----------------------------------------------------------------------
# The Job table is the ledger, the broker only a doorbell. Without REDIS_URL the
# built-in runner polls the ledger and runs the very same tasks.
REDIS_URL = env.str("REDIS_URL", default="")
CELERY_BROKER_URL = REDIS_URL or "memory://"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_SOFT_TIME_LIMIT = 540
CELERY_TASK_TIME_LIMIT = 600
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_PUBLISH_RETRY = False
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 3600,
    "unacked_restore_throttle": 1,  # look for lost messages every 10 s, not every 100 s
    "socket_timeout": 4,  # a broker that hangs keeps a click as long as this
    "socket_connect_timeout": 2,
    "max_retries": 1,  # a broker that is away must not keep a click waiting (kombu would try for 6 s)
    "interval_start": 0,
    "socket_keepalive": True,
    "health_check_interval": 25,
}
CELERY_WORKER_MAX_TASKS_PER_CHILD = 200
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "Asia/Shanghai"
# A run that gives no sign for this long is taken to be dead; longer than the hard time limit above.
JOB_LEASE_SECONDS = env.int("JOB_LEASE_SECONDS", default=900)
JOB_SWEEP_SECONDS = env.int("JOB_SWEEP_SECONDS", default=60)
JOB_FILE_HOURS = env.int("JOB_FILE_HOURS", default=24 * 30)
# Read twice: by Celery beat, and by the built-in runner that stands in for it. Intervals only: each look
# asks the ledger what is due, so no clock time can be missed by a beat that was dead at that minute.
# `expires`: looks that piled up while no worker ran are dropped, the next one finds the same.
CELERY_BEAT_SCHEDULE = {
    name: {"task": task, "schedule": float(JOB_SWEEP_SECONDS), "options": {"expires": 5 * JOB_SWEEP_SECONDS}}
    for name, task in {
        "sweep_jobs": "organizations.tasks.sweep_jobs",
        "recount_due": "attendance.tasks.recount_due",
        "drop_readings": "attendance.tasks.drop_readings",
        "evening_due": "reports.tasks.evening_due",
    }.items()
}

CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}
    if REDIS_URL and not TESTING
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
}

# --- Accounts -------------------------------------------------------------------
AUTH_USER_MODEL = "organizations.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "organizations.backends.AccountBackend",
]
# Each a number for everybody, or per role: PASSWORD_MAX_AGE_DAYS=OFFICER=90,ORGANIZER=90. GB/T 22239 asks for
# 复杂度 and 定期更换; 0 days = a password lasts until somebody changes it.
PASSWORD_MIN_LENGTH = per_role("PASSWORD_MIN_LENGTH", "10", least=8)
PASSWORD_CLASSES = per_role("PASSWORD_CLASSES", "3", most=4)
PASSWORD_MAX_AGE_DAYS = per_role("PASSWORD_MAX_AGE_DAYS", "OFFICER=90,ORGANIZER=90")
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"organizations.validators.{name}"}
    for name in (
        "OwnDataValidator",
        "LengthValidator",
        "CommonWordsValidator",
        "ClassesValidator",
        "LocalWordsValidator",
        "AnotherPasswordValidator",
    )
]
# Roles that enter a code of their phone after the password.
OTP_ROLES = env.list("OTP_ROLES", default=[])
if unknown := set(OTP_ROLES) - set(ROLES):
    raise ImproperlyConfigured(f"OTP_ROLES names no role: {', '.join(sorted(unknown))}")
OTP_REMEMBER_DAYS = env.int("OTP_REMEMBER_DAYS", default=30)
STALE_ACCOUNT_DAYS = env.int("STALE_ACCOUNT_DAYS", default=90)
UNUSED_ACCOUNT_DAYS = env.int("UNUSED_ACCOUNT_DAYS", default=30)
LOGIN_URL = "organizations:login"
LOGIN_REDIRECT_URL = "reports:home"
LOGOUT_REDIRECT_URL = "organizations:login"
# Who is locked: organizations/lockout.py. Never an address, a whole office shares one.
AXES_HANDLER = "organizations.lockout.DeviceHandler"
AXES_LOCKOUT_PARAMETERS = "organizations.lockout.pair"
AXES_USERNAME_CALLABLE = "organizations.lockout.name_digest"
AXES_FAILURE_LIMIT = env.int("LOGIN_FAILURES_ON_ONE_DEVICE", default=5)
LOGIN_FAILURES_OF_ONE_ACCOUNT = env.int("LOGIN_FAILURES_OF_ONE_ACCOUNT", default=20)
AXES_COOLOFF_TIME = env.int("LOGIN_LOCK_MINUTES", default=30) / 60  # hours
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False  # trying on does not make it longer
AXES_RESET_ON_SUCCESS = True
AXES_DISABLE_ACCESS_LOG = True  # the audit has it
AXES_LOCKOUT_CALLABLE = "organizations.views.login.locked_out"
AXES_VERBOSE = False
AXES_ENABLE_ADMIN = False

SESSION_ENGINE = "haizhou_training.sessions"
# How long a login lasts without a request, and in any case: organizations/login_age.py.
SESSION_IDLE_MINUTES = env.int("SESSION_IDLE_MINUTES", default=30)
SESSION_MARKING_IDLE_HOURS = env.int("SESSION_MARKING_IDLE_HOURS", default=12)
SESSION_ABSOLUTE_HOURS = env.int("SESSION_ABSOLUTE_HOURS", default=24)
SESSION_COOKIE_AGE = SESSION_ABSOLUTE_HOURS * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "haizhou_training.errors.csrf_failure"

# --- Transport and headers --------------------------------------------------------
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
if HTTPS:
    SESSION_COOKIE_NAME = "__Host-session"
    CSRF_COOKIE_NAME = "__Host-csrf"
    SECURE_HSTS_SECONDS = 31536000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin" if HTTPS else None
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "worker-src": [SELF],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
    }
}

DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
ROSTER_MAX_BYTES = 10 * 1024 * 1024
ROSTER_MAX_ROWS = 20_000

# --- Language, files, logs --------------------------------------------------------
LANGUAGE_CODE = "zh-hans"
LOCALE_PATHS = [BASE_DIR / "haizhou_training" / "locale"]
TIME_ZONE = "Asia/Shanghai"
USE_I18N = True
USE_TZ = True
USE_THOUSAND_SEPARATOR = False

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if TESTING or DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = TESTING or DEBUG

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
    "loggers": {"axes": {"level": "ERROR"}, "django.request": {"level": "ERROR"}},
}
