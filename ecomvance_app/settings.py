"""The only settings file. Everything comes from the environment (see `.env.example`).

With DEBUG on every setting has a default and the product runs on one machine. With DEBUG off a
missing, default or unsafe value stops the start with a sentence that says what to set.
"""

from __future__ import annotations

import logging
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

import environ
import structlog
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

from ecomvance_app import queues
from ecomvance_app.watching import request_logs

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
environ.Env.read_env(BASE_DIR / ".env")

DEBUG = env.bool("DEBUG", default=False)
DATA_DIR = Path(env.str("DATA_DIR", default=str(BASE_DIR / "var")))
APP_URL = env.str("APP_URL", default="http://localhost:8000" if DEBUG else "").rstrip("/")
LOOPBACK = {"localhost", "127.0.0.1", "::1"}
DEVELOPMENT_SECRET = "development-only-" + "0" * 40


def required(name: str, development: str, why: str) -> str:
    """The setting `name`, with a default for development alone."""
    value: str = env.str(name, default=development if DEBUG else "")
    if not value:
        raise ImproperlyConfigured(f"Set {name}: {why} (or DEBUG=on for development).")
    return value


def credential(name: str, development: str, why: str) -> str:
    """The setting `name`, whose development value everybody knows and only DEBUG accepts."""
    value = required(name, development, why)
    if not DEBUG and value == development:
        raise ImproperlyConfigured(f"Set {name}: {why} (or DEBUG=on for development).")
    return value


def app_host() -> str:
    """The host of APP_URL, which decides cookies, allowed hosts and whether DEBUG is safe."""
    host: str | None = urlsplit(APP_URL).hostname
    if not host:
        raise ImproperlyConfigured("Set APP_URL to this app's public address, https://….")
    if DEBUG and host not in LOOPBACK:
        raise ImproperlyConfigured(
            f"DEBUG shows secrets, so it is refused at APP_URL={APP_URL}. "
            "Unset DEBUG, or set APP_URL to http://localhost:8000."
        )
    if not DEBUG and urlsplit(APP_URL).scheme != "https":
        raise ImproperlyConfigured("Set APP_URL to an https address; Shopify frames nothing else.")
    return host


HOST = app_host()
SECRET_KEY = credential("SECRET_KEY", DEVELOPMENT_SECRET, "50 or more random characters")
if not DEBUG and len(SECRET_KEY) < 32:
    raise ImproperlyConfigured("Set SECRET_KEY to 50 or more random characters.")
ALLOWED_HOSTS = [HOST, *(sorted(LOOPBACK) if DEBUG else env.list("ALLOWED_HOSTS", default=[]))]
CSRF_TRUSTED_ORIGINS = [APP_URL]

# --- Shopify -------------------------------------------------------------------------------------
DEV_STORE = env.str("DEV_STORE", default="").rstrip("/")
if DEV_STORE and not DEBUG:
    raise ImproperlyConfigured("Unset DEV_STORE: the fake Shopify is for DEBUG only.")
if DEV_STORE and urlsplit(DEV_STORE).hostname in {None, HOST}:
    raise ImproperlyConfigured(
        "Set DEV_STORE to another host than APP_URL's, 127.0.0.1 beside localhost: as in Shopify's "
        "admin the frame must be another site, and ports of one host share their cookies."
    )
SHOPIFY_API_KEY = credential("SHOPIFY_API_KEY", "development-client-id", "the app's client id")
SHOPIFY_API_SECRET = credential(
    "SHOPIFY_API_SECRET", "development-client-secret-of-32-or-more-characters", "the client secret"
)
SHOPIFY_API_SECRET_OLD = env.str("SHOPIFY_API_SECRET_OLD", default="")
SHOPIFY_API_VERSION = env.str("SHOPIFY_API_VERSION", default="2026-10")
SHOPIFY_SCOPES = env.list("SHOPIFY_SCOPES", default=["read_products"])
SHOPIFY_LEGACY_INSTALL = env.bool("SHOPIFY_LEGACY_INSTALL", default=False)
TOKEN_KEYS = [
    key.strip()
    for key in credential(
        "TOKEN_KEYS",
        "ZGV2ZWxvcG1lbnQtb25seS1rZXktMzItYnl0ZXMtISE=",
        "comma-separated Fernet keys; the first one writes",
    ).split(",")
]
try:
    for token_key in TOKEN_KEYS:
        Fernet(token_key)
except ValueError as error:
    raise ImproperlyConfigured(
        "Set TOKEN_KEYS to Fernet keys, 32 random bytes in URL-safe base64 each (see .env.example)."
    ) from error
IDENTITY_KEY = credential(
    "IDENTITY_KEY",
    "development-identity-key-never-rotates",
    "a long random text that never changes; it hashes the domains of redacted shops",
)
PRODUCT_SOURCE = env.str("PRODUCT_SOURCE", default="shopify_auth.products.ShopProducts")
# Where credits ask whether a plan goes on; see credits/accounts/renewals.py.
RENEWAL_SOURCE = "shopify_auth.billing.subscription_state.renewal"

# --- Apps ----------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "credits",
    "shopify_auth",
    "generations",
    "ecomvance_app",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "django_htmx",
    "django_structlog",
    "ecomvance_app.staff.apps.StaffAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.forms",
]
MIDDLEWARE = [
    "ecomvance_app.watching.request_logs.RequestLogMiddleware",
    "ecomvance_app.doors.proxies.ClientAddressMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "ecomvance_app.doors.security.ContentSecurityPolicyMiddleware",
    "ecomvance_app.addresses.AddressMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "shopify_auth.identity.middleware.SessionTokenMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "shopify_auth.identity.see_as.SeeAsMiddleware",
    "shopify_auth.identity.middleware.MerchantMiddleware",
    "ecomvance_app.watching.request_logs.AccountLogMiddleware",
    "ecomvance_app.doors.throttling.PagePostMiddleware",
    "ecomvance_app.addresses.FormMiddleware",
    "ecomvance_app.zones.AccountTimeZoneMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "shopify_auth.identity.staff_door.StaffDoorMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
ROOT_URLCONF = "ecomvance_app.urls"
ASGI_APPLICATION = "ecomvance_app.asgi.application"
WSGI_APPLICATION = "ecomvance_app.wsgi.application"
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
                "ecomvance_app.page.context.merchant",
            ],
        },
    }
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Database ------------------------------------------------------------------------------------
SQLITE_OPTIONS: dict[str, Any] = {
    # Every writer takes the write lock at BEGIN: SQLite has no row locks to take later.
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": (
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA recursive_triggers=ON"
    ),
}
DATABASE_URL = required(
    "DATABASE_URL",
    f"sqlite:///{quote(str(DATA_DIR / 'db.sqlite3'))}",
    "postgres://user@host/name",
)
DATABASES: dict[str, Any] = {"default": env.db_url_config(DATABASE_URL)}
if DATABASES["default"].get("ENGINE") == "django.db.backends.sqlite3":
    if not DEBUG:
        raise ImproperlyConfigured("Set DATABASE_URL to PostgreSQL, postgres://user@host/name.")
    DATABASES["default"]["OPTIONS"] = SQLITE_OPTIONS
elif DATABASES["default"].get("ENGINE") == "django.db.backends.postgresql":
    # The deduction is prepared at its second call. Django's own cursors never prepare.
    prepared_from = 1 if env.bool("DATABASE_PREPARE", default=True) else None
    DATABASES["default"].setdefault("OPTIONS", {})["prepare_threshold"] = prepared_from
    # Under ASGI each request has a thread of its own, so connections are pooled, not kept. A request
    # that finds all of them taken is better refused than kept waiting for long.
    if env.bool("DATABASE_POOL", default=not DEBUG):
        most = env.int("DATABASE_POOL_SIZE", default=10)
        if most < 1:
            raise ImproperlyConfigured("Set DATABASE_POOL_SIZE to 1 or more, or DATABASE_POOL=off.")
        DATABASES["default"]["OPTIONS"]["pool"] = {
            "min_size": min(2, most),
            "max_size": most,
            "timeout": 3,
            # After this long a try to connect is given up and the next request begins a new one. The
            # pool waits twice as long after each failure, a minute and more after an outage of one.
            "reconnect_timeout": 2,
        }
        DATABASES["default"]["OPTIONS"].setdefault("connect_timeout", 3)
        # What the outage has cut is found out before a request is given it.
        DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
else:
    raise ImproperlyConfigured("Set DATABASE_URL to PostgreSQL, postgres://user@host/name.")

# --- Sign-in -------------------------------------------------------------------------------------
AUTH_USER_MODEL = "shopify_auth.Person"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/dashboard/"
LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_SUBJECT_PREFIX = "ecomVance: "
ACCOUNT_CONFIRM_EMAIL_ON_GET = False
# The page after signing up says what works without a store, and how to connect one.
ACCOUNT_EMAIL_CONFIRMATION_ANONYMOUS_REDIRECT_URL = (
    "/dashboard/sign-in/login/?next=/dashboard/settings/connection"
)
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_ADAPTER = "shopify_auth.identity.sign_in.AccountAdapter"
# The address in use hears of every change of address, password and second factor, and all of them
# need a recent sign-in: a session that was stolen must not become the account.
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_REAUTHENTICATION_REQUIRED = True
# Wrong passwords and codes are counted in the database, by identity.sign_in_limits.
ACCOUNT_RATE_LIMITS = {"login": "", "login_failed": ""}
MFA_TOTP_ISSUER = "ecomVance"
MFA_FORMS = {
    "authenticate": "shopify_auth.identity.second_factor.SecondFactorForm",
    "reauthenticate": "shopify_auth.identity.second_factor.SecondFactorAgainForm",
}
# Whether the staff admin asks everybody for a second factor.
STAFF_REQUIRE_MFA = env.bool("STAFF_REQUIRE_MFA", default=not DEBUG)
# Credits above which a correction of staff needs a second person, either way.
STAFF_SECOND_PERSON_ABOVE = env.int("STAFF_SECOND_PERSON_ABOVE", default=5_000)
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not DEBUG
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True

# --- Proxies --------------------------------------------------------------------------------------
# Whose X-Forwarded-For counts, for sign-in limits and for whatever else asks where somebody is.
TRUSTED_PROXIES = env.list("TRUSTED_PROXIES", default=[])
try:
    for proxy in TRUSTED_PROXIES:
        ip_network(proxy, strict=False)
except ValueError as error:
    raise ImproperlyConfigured(
        "Set TRUSTED_PROXIES to addresses or networks, comma-separated: 10.0.0.5,192.168.0.0/16."
    ) from error

# --- Transport security --------------------------------------------------------------------------
SECURE_SSL_REDIRECT = not DEBUG
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_HSTS_SECONDS = 0 if DEBUG else 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = not DEBUG
SECURE_REFERRER_POLICY = "strict-origin-when-cross-origin"
# Chromium isolates the app from Shopify's admin under same-origin; the frame needs neither.
SECURE_CROSS_ORIGIN_OPENER_POLICY = None
SILENCED_SYSTEM_CHECKS = [
    # Framing is ruled per shop by Content-Security-Policy frame-ancestors (see security).
    "security.W002",
]

# --- Queue, live updates, cache ------------------------------------------------------------------
REDIS_URL = required("REDIS_URL", "redis://127.0.0.1:6379/0", "redis://host:6379/0")
CACHES: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "ecomvance_app.cache.ForgetfulRedisCache",
        "LOCATION": REDIS_URL,
        # Every request of the API counts in it; one that hangs must not hang them.
        "OPTIONS": {"socket_timeout": 0.25, "socket_connect_timeout": 0.25},
    }
}
# For what may happen once only: without Redis it does not happen at all.
CACHES["once"] = CACHES["default"] | {"BACKEND": "django.core.cache.backends.redis.RedisCache"}
# RabbitMQ by its own URL; without one the Redis above is broker too.
CELERY_BROKER_URL: str = env.str("CELERY_BROKER_URL", default=REDIS_URL)
if urlsplit(REDIS_URL).scheme not in {"redis", "rediss", "unix"}:
    raise ImproperlyConfigured("Set REDIS_URL to redis://host:6379/0 (rediss:// with TLS).")
if urlsplit(CELERY_BROKER_URL).scheme not in {"redis", "rediss", "redis+socket", "amqp", "amqps"}:
    raise ImproperlyConfigured("Set CELERY_BROKER_URL to redis://host:6379/0 or amqp://user@host/.")
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # As long as it takes.
# A request does not wait for a broker that is away: the sweep sends what was not sent.
SENDING_ONCE = {"max_retries": 1, "interval_start": 0, "interval_step": 0, "interval_max": 0}
CELERY_BROKER_TRANSPORT_OPTIONS = SENDING_ONCE | (
    {
        # Above the longest task: a message that is still worked on is not delivered again.
        "visibility_timeout": 3600,
        "unacked_restore_interval": 2,
        "unacked_restore_throttle": 1,
        "socket_connect_timeout": 1,
        "socket_timeout": 5,
    }
    if CELERY_BROKER_URL.startswith("redis")
    else {}
)
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
CELERY_TASK_DEFAULT_QUEUE = queues.DEFAULT_QUEUE
CELERY_TASK_QUEUES = queues.QUEUES
CELERY_TASK_ROUTES = queues.ROUTES
CELERY_BEAT_SCHEDULER = "ecomvance_app.scheduler:SteadyScheduler"
CELERY_BEAT_SCHEDULE = queues.BEAT_SCHEDULE

# --- Files and mail ------------------------------------------------------------------------------
STORAGE_URL = required(
    "STORAGE_URL",
    f"file://{quote(str(DATA_DIR / 'files'))}",
    "s3://bucket?region=… or file:///folder",
)


def storage_backend(url: str) -> dict[str, Any]:
    """Django's storage configuration for `file:///folder` or `s3://bucket?region=…`."""
    parts = urlsplit(url)
    if parts.scheme == "file" and parts.path:
        return {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": unquote(parts.path)},
        }
    if parts.scheme == "s3" and parts.netloc:
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        return {
            "BACKEND": "storages.backends.s3.S3Storage",
            "OPTIONS": {
                "bucket_name": parts.netloc,
                "region_name": query.get("region"),
                "endpoint_url": query.get("endpoint"),
                "default_acl": None,
                "file_overwrite": False,
                "querystring_auth": True,
                "signature_version": "s3v4",
            },
        }
    raise ImproperlyConfigured("Set STORAGE_URL to file:///folder or s3://bucket?region=….")


STORAGES = {
    "default": storage_backend(STORAGE_URL),
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = DEBUG
# How long pictures of runs are kept; whoever made them is told 30 days before they go.
RETENTION_MONTHS = env.int("RETENTION_MONTHS", default=12)
if not 1 <= RETENTION_MONTHS <= 1200:
    raise ImproperlyConfigured("Set RETENTION_MONTHS to whole months, from 1 to 1200.")
# Form fields and JSON, of which no address needs more. Pictures come on top (see body_limits).
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
# What is larger waits on disk instead of in memory.
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
# Twice what a batch takes, so that one that is too large is told so by its page. What all of them may
# weigh together does not change with it (see body_limits).
DATA_UPLOAD_MAX_NUMBER_FILES = 100
globals().update(
    env.email_url("EMAIL_URL", default="consolemail://" if DEBUG else "smtp://localhost:25")
)
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.str("FROM_EMAIL", default=f"ecomVance <no-reply@{HOST}>")

# --- Language and time ---------------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English")]
TIME_ZONE = "UTC"
USE_TZ = True
USE_THOUSAND_SEPARATOR = True
FORMAT_MODULE_PATH = ["ecomvance_app.formats"]

# --- AI engines ----------------------------------------------------------------------------------
GEMINI_API_KEY = env.str("GEMINI_API_KEY", default="")
GOOGLE_GEMINI_BASE_URL = env.str("GOOGLE_GEMINI_BASE_URL", default="")
GOOGLE_CLOUD_PROJECT = env.str("GOOGLE_CLOUD_PROJECT", default="")
GOOGLE_CLOUD_LOCATION = env.str("GOOGLE_CLOUD_LOCATION", default="us-central1")
GOOGLE_VERTEX_BASE_URL = env.str("GOOGLE_VERTEX_BASE_URL", default="")
# In place of Google's application default credentials: the fake Google takes any.
GOOGLE_STATIC_TOKEN = env.str("GOOGLE_STATIC_TOKEN", default="")
if GOOGLE_STATIC_TOKEN and not DEBUG:
    raise ImproperlyConfigured("Unset GOOGLE_STATIC_TOKEN: it is for the fake Google only.")
# Model ids and time-outs, by the names of generations/engines/google/config.py.
GOOGLE_MODELS: dict[str, Any] = {
    "image_model": env.str("GOOGLE_IMAGE_MODEL", default="gemini-nano-banana-2.1"),
    "text_model": env.str("GOOGLE_TEXT_MODEL", default="gemini-3.8-flash"),
    "omni_model": env.str("GOOGLE_OMNI_MODEL", default="gemini-omni-1.2-flash"),
    "veo_model": env.str("GOOGLE_VEO_MODEL", default="veo-3.1-generate-001"),
    "image_seconds": env.float("GOOGLE_IMAGE_SECONDS", default=240.0),
    "text_seconds": env.float("GOOGLE_TEXT_SECONDS", default=90.0),
    "poll_every": env.float("GOOGLE_POLL_EVERY", default=10.0),
}
# After so many failures in a row that are the provider's own a tool pauses itself.
OUTAGE_FAILURES = env.int("OUTAGE_FAILURES", default=5)
# So many questions an account may ask the assistant on one of its days.
ASSIST_QUESTIONS_PER_DAY = env.int("ASSIST_QUESTIONS_PER_DAY", default=100)
# Seconds that one run may take: of an engine, of its videos, or of one tool as `slug:engine=…`.
RUN_DEADLINES: dict[str, float] = {"local": 300, "google": 300, "video:google": 900} | {
    name: float(value) for name, value in env.dict("RUN_DEADLINES", default={}).items()
}
# `slug=engine,…`: which engine runs a tool, over the default of generations/engines/routing.py.
TOOL_ENGINES: dict[str, str] = env.dict("TOOL_ENGINES", default={})
for tool_engine in TOOL_ENGINES.values():
    if tool_engine not in {"local", "google"}:
        raise ImproperlyConfigured(
            "Set TOOL_ENGINES to slug=engine,… with the engines local and google."
        )

# --- Logs and errors -----------------------------------------------------------------------------
# One JSON object a line for machines, or one plain line for people.
LOG_FORMAT = env.str("LOG_FORMAT", default="plain" if DEBUG else "json")
if LOG_FORMAT not in {"plain", "json"}:
    raise ImproperlyConfigured("Set LOG_FORMAT to json or plain.")
request_logs.configure()
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "plain": request_logs.formatter(request_logs.as_line),
        "json": request_logs.formatter(structlog.processors.JSONRenderer()),
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
}
DJANGO_STRUCTLOG_CELERY_ENABLED = True
# Who asked is told by the account; an address is nobody's business, and a user costs a query.
DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = False
DJANGO_STRUCTLOG_USER_ID_FIELD = ""
DJANGO_STRUCTLOG_STATUS_START_LOG_LEVEL = DJANGO_STRUCTLOG_CELERY_TASK_START_LOG_LEVEL = (
    logging.DEBUG
)
DJANGO_STRUCTLOG_STATUS_2XX_LOG_LEVEL = DJANGO_STRUCTLOG_CELERY_TASK_SUCCESS_LOG_LEVEL = (
    logging.DEBUG if LOG_FORMAT == "plain" else logging.INFO
)
# Django itself tells of these; once is enough.
DJANGO_STRUCTLOG_STATUS_4XX_LOG_LEVEL = DJANGO_STRUCTLOG_STATUS_2XX_LOG_LEVEL
DJANGO_STRUCTLOG_STATUS_DEFAULT_LOG_LEVEL = DJANGO_STRUCTLOG_STATUS_2XX_LOG_LEVEL
DJANGO_STRUCTLOG_STATUS_5XX_LOG_LEVEL = DJANGO_STRUCTLOG_STATUS_2XX_LOG_LEVEL
# The bearer token of /metrics; without one there is no such page.
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")
if METRICS_TOKEN and len(METRICS_TOKEN) < 16:
    raise ImproperlyConfigured("Set METRICS_TOKEN to 16 or more random characters.")
SENTRY_DSN = env.str("SENTRY_DSN", default="")
if SENTRY_DSN:
    from ecomvance_app.watching import error_reports

    error_reports.start(SENTRY_DSN)
