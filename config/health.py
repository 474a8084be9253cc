"""Is it well: for load balancers, launchers and people at 3 a.m."""

from datetime import timedelta
from typing import Any

import redis
from django.conf import settings
from django.db import Error, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, Gauge, generate_latest

from contacts.models import Change
from flows.models import Enrollment
from messaging.models import Message
from workspace import clock
from workspace.models import Tick

SILENT = timedelta(seconds=120)


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Say that this process answers."""
    return HttpResponse("ok", content_type="text/plain")


@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Say whether this process can serve: the database decides; broker and worker are told beside it."""
    try:
        answer = {"database": True, **pulse(), "broker": broker_answers()}
    except Error as error:
        return JsonResponse({"database": False, "error": type(error).__name__}, status=503)
    return JsonResponse(answer)


def pulse() -> dict[str, Any]:
    """Return when work was last looked for, and whether that is recent."""
    last = Tick.objects.filter(job="attend").order_by("-slot").values_list("at", flat=True).first()
    quiet = clock.now() - last if last else None
    return {"worker": quiet is not None and quiet < SILENT, "last_tick": last.isoformat() if last else None}


def broker_answers() -> bool:
    """Tell whether Redis or Valkey answers."""
    try:
        return bool(redis.Redis.from_url(settings.REDIS_URL, socket_timeout=0.5, socket_connect_timeout=0.5).ping())
    except redis.RedisError:
        return False


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer what Prometheus asks: backlogs and ages, from the rows themselves."""
    registry = CollectorRegistry()
    for name, help_text, value in readings():
        Gauge(f"tributary_{name}", help_text, registry=registry).set(value)
    return HttpResponse(generate_latest(registry), content_type="text/plain; version=0.0.4")


def readings() -> list[tuple[str, str, float]]:
    """Return (name, help, value) of each gauge; every one is an index look-up."""
    at = clock.now()
    oldest = Change.objects.order_by("stage", "lane", "id").values_list("at", flat=True).first()
    due = (
        Enrollment.objects.filter(status="active", due_at__lte=at)
        .order_by("due_at")
        .values_list("due_at", flat=True)
        .first()
    )
    queued = (
        Message.objects.filter(status="queued", due_at__lte=at)
        .order_by("due_at")
        .values_list("due_at", flat=True)
        .first()
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT last_value FROM contacts_event_id_seq")
        events = (cursor.fetchone() or (0,))[0]
    return [
        ("change_age_seconds", "Age of the oldest fact that waits to be looked at", age(at, oldest)),
        ("enrollment_overdue_seconds", "How late the latest due enrollment is", age(at, due)),
        ("message_overdue_seconds", "How late the latest due message is", age(at, queued)),
        ("events_total", "Events ever stored", float(events)),
        ("worker_up", "Whether work was looked for in the last two minutes", float(pulse()["worker"])),
    ]


def age(at: Any, since: Any) -> float:
    """Return seconds from an instant to another, 0 when there is none."""
    return max(0.0, (at - since).total_seconds()) if since else 0.0
