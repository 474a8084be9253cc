"""Every setting of the house, read from the environment; the defaults suit the embedded one-machine start."""

import sys
from pathlib import Path
from urllib.parse import urlsplit

import django_stubs_ext
import environ
from celery.schedules import schedule
from csp.constants import NONCE, NONE, SELF  # noqa: F401 - NONCE documents that we use none

from config.logs import configure as configure_logs

django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

DEBUG = env.bool("DEBUG", False)
TESTING = "pytest" in sys.modules
SECRET_KEY = env("SECRET_KEY", default="not-secret-only-for-tests-and-checks-000000000000000000")
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]", "testserver"])
SITE_URL = env("SITE_URL", default=f"http://localhost:{env('PORT', default='8000')}")
TRIBUTARY_HOME = Path(env("TRIBUTARY_HOME", default=str(BASE_DIR / "var")))
HTTPS = urlsplit(SITE_URL).scheme == "https"
CSRF_TRUSTED_ORIGINS = [SITE_URL, *env.list("CSRF_TRUSTED_ORIGINS", default=[])]

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "config.apps.BackOffice",  # django.contrib.admin, discovered with the addresses
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_htmx",
    "channels",
    "django_celery_beat",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "workspace",
    "contacts",
    "segmentation",
    "messaging",
    "flows",
    "config",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.middleware.ContentSecurityPolicy",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "config.manners.manners",
    "config.middleware.speaking",
    "config.middleware.approvals",
    "config.middleware.database_trouble",
]

ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
WSGI_APPLICATION = None

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
                "config.navigation.navigation",
            ],
        },
    }
]

# The pool and Celery's prefork do not mix: workers say POOL=0 and connect without it.
DATABASES = {"default": env.db("DATABASE_URL", default="postgres://tributary@127.0.0.1:5432/tributary")}
DATABASES["default"]["ENGINE"] = "django.db.backends.postgresql"
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DATABASES["default"].setdefault("OPTIONS", {})
DATABASES["default"]["OPTIONS"]["application_name"] = env("APPLICATION_NAME", default="tributary")
DATABASES["default"]["OPTIONS"]["connect_timeout"] = 5
DATABASES["default"]["OPTIONS"]["options"] = " ".join(
    f"-c {name}={value}"
    for name, value in {
        "statement_timeout": env("STATEMENT_TIMEOUT", default="60s"),
        "lock_timeout": "20s",
        "idle_in_transaction_session_timeout": "60s",
        "timezone": "UTC",
        "jit": "off",
    }.items()
)
if env.bool("POOL", False) and not TESTING:
    DATABASES["default"]["OPTIONS"]["pool"] = {"min_size": 1, "max_size": env.int("POOL_SIZE", 16), "timeout": 5}
else:
    DATABASES["default"]["CONN_MAX_AGE"] = env.int("CONN_MAX_AGE", 0 if TESTING else 60)

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

REDIS_URL = env("REDIS_URL", default="redis://127.0.0.1:6379/0")
CHANNEL_LAYERS = {
    "default": {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": {"hosts": [REDIS_URL]}},
}

# Celery is a doorbell (reliability.md, rule 0): lost, doubled or late messages change latency, nothing else.
VISIBILITY_TIMEOUT = 600
CELERY_BROKER_URL = REDIS_URL
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": VISIBILITY_TIMEOUT,
    "unacked_restore_throttle": 1,
    "socket_timeout": 5,
    "socket_connect_timeout": 1,
    "retry_on_timeout": False,
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_TIME_LIMIT = 280
CELERY_TASK_SOFT_TIME_LIMIT = 270
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_REDIRECT_STDOUTS = False
CELERY_WORKER_MAX_MEMORY_PER_CHILD = 400_000
CELERY_TASK_SERIALIZER = "json"
CELERY_RESULT_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_ENABLE_UTC = True
CELERY_TIMEZONE = "UTC"
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TASK_ROUTES = {
    "contacts.tasks.*": {"queue": "ingest"},
    "segmentation.tasks.sync": {"queue": "syncing"},
    "segmentation.tasks.*": {"queue": "evaluation"},
    "flows.tasks.*": {"queue": "flows"},
    "messaging.tasks.*": {"queue": "sending"},
}
CELERY_BEAT_SCHEDULER = "config.beat:KeptSchedule"
CELERY_BEAT_MAX_LOOP_INTERVAL = 1
CELERY_BEAT_SCHEDULE = {
    "attend": {"task": "flows.tasks.attend", "schedule": schedule(1.0)},
    "deliver": {"task": "messaging.tasks.deliver", "schedule": schedule(1.0)},
    "pass_time": {"task": "segmentation.tasks.pass_time", "schedule": schedule(15.0)},
    "sync": {"task": "segmentation.tasks.sync", "schedule": schedule(1.0)},
    "reap": {"task": "messaging.tasks.reap", "schedule": schedule(30.0)},
    "recompute": {"task": "segmentation.tasks.recompute_all", "schedule": schedule(86400.0)},
    "partitions": {"task": "contacts.tasks.make_partitions", "schedule": schedule(86400.0)},
    "step_partitions": {"task": "flows.tasks.make_partitions", "schedule": schedule(86400.0)},
    "forget_files": {"task": "contacts.tasks.forget_files", "schedule": schedule(3600.0)},
    "tidy": {"task": "workspace.tasks.tidy", "schedule": schedule(3600.0)},
}

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_I18N = True
FORMAT_MODULE_PATH = ["config.formats"]
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = TRIBUTARY_HOME / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = env.bool("WHITENOISE_USE_FINDERS", True)
WHITENOISE_MAX_AGE = env.int("STATIC_MAX_AGE", 60)

AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = (
    ["django.contrib.auth.hashers.MD5PasswordHasher"]
    if TESTING
    else ["django.contrib.auth.hashers.Argon2PasswordHasher", "django.contrib.auth.hashers.PBKDF2PasswordHasher"]
)
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = "username"
ACCOUNT_ADAPTER = "config.accounts.ClosedDoor"
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_ON_GET = False
# How many calls a minute a flow's own address takes; 0 takes any number.
HOOK_CALLS_A_MINUTE = env.int("HOOK_CALLS_A_MINUTE", default=1200)
ACCOUNT_RATE_LIMITS = {"login_failed": "10/m/ip,5/5m/key"}
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
SECURE_HSTS_SECONDS = 31536000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", HTTPS)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "SAMEORIGIN"
SILENCED_SYSTEM_CHECKS = ["security.W019"]  # previews of messages stand in frames of our own pages

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "style-src-attr": ["'unsafe-inline'"],  # positions on the canvas
        "img-src": [SELF, "data:"],
        "connect-src": [SELF, "ws:", "wss:"],
        "frame-src": [SELF],
        "frame-ancestors": [SELF],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
    }
}

EMAIL_CONFIG = env.email_url("EMAIL_URL", default="smtp://127.0.0.1:1025")
EMAIL_BACKEND = EMAIL_CONFIG["EMAIL_BACKEND"]
EMAIL_HOST = EMAIL_CONFIG["EMAIL_HOST"]
EMAIL_PORT = EMAIL_CONFIG["EMAIL_PORT"]
EMAIL_HOST_USER = EMAIL_CONFIG["EMAIL_HOST_USER"]
EMAIL_HOST_PASSWORD = EMAIL_CONFIG["EMAIL_HOST_PASSWORD"]
EMAIL_USE_TLS = EMAIL_CONFIG.get("EMAIL_USE_TLS", False)
EMAIL_USE_SSL = EMAIL_CONFIG.get("EMAIL_USE_SSL", False)
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = env("DEFAULT_FROM_EMAIL", default="Tributary <hello@example.com>")
MAILBOX = env.bool("MAILBOX", False)  # whether our own catcher stands behind EMAIL_URL

DATA_UPLOAD_MAX_MEMORY_SIZE = 12 * 1024 * 1024
WEBHOOK_ALLOWED_HOSTS = env.list(
    "WEBHOOK_ALLOWED_HOSTS", default=[]
)  # private hosts that webhooks may call all the same
INGEST_CORS_ORIGINS = env.list("INGEST_CORS_ORIGINS", default=["*"])

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "workspace.api.KeyAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["workspace.api.ScopePermission"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["workspace.api.CleanJSONParser"],
    "DEFAULT_PAGINATION_CLASS": "workspace.api.NewestFirst",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "workspace.api.problem",
    "PAGE_SIZE": 50,
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Tributary",
    "DESCRIPTION": "Segments of contacts, kept true second by second, and flows that walk each contact through what happens next.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["workspace.api.ScopePermission"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "POSTPROCESSING_HOOKS": ["drf_spectacular.hooks.postprocess_schema_enums", "config.openapi.with_examples"],
    "ENUM_NAME_OVERRIDES": {  # several things have a kind and a status
        "SegmentKind": "segmentation.models.Segment.Kind",
        "DestinationKind": "segmentation.destination_models.Destination.Kind",
        "DestinationStatus": "segmentation.destination_models.Destination.Status",
        "DeliveryKind": "segmentation.destination_models.Delivery.Kind",
        "DeliveryStatus": "segmentation.destination_models.Delivery.Status",
        "FlowStatus": "flows.models.Flow.Status",
        "ReviewStatus": "workspace.models.Review.Status",
    },
}

LOG_LEVEL = env("LOG_LEVEL", default="WARNING" if TESTING else "INFO").upper()
configure_logs(LOG_LEVEL)
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    "loggers": {
        "celery.app.trace": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.beat": {"level": "WARNING"},
    },
}

UNFOLD = {
    "SITE_TITLE": "Tributary back office",
    "SITE_HEADER": "Tributary",
    "SITE_SUBHEADER": "Back office",
    "SITE_URL": "/",
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "SITE_SYMBOL": "account_tree",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": "/static/favicon.svg"}],
    "BORDER_RADIUS": "6px",
    "DASHBOARD_CALLBACK": "config.office.dashboard",
    "SIDEBAR": {"show_search": True, "show_all_applications": False, "navigation": "config.office.sidebar"},
    "COLORS": {
        "primary": {
            "50": "236 250 252",
            "100": "207 240 245",
            "200": "163 225 234",
            "300": "104 203 216",
            "400": "44 170 187",
            "500": "16 139 157",
            "600": "12 108 124",
            "700": "12 88 102",
            "800": "14 72 84",
            "900": "13 59 70",
            "950": "5 37 46",
        }
    },
}
