"""The front page and the side of the back office: how work stands, and the way to every model."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.urls import reverse, reverse_lazy
from django_celery_beat.models import PeriodicTask

from config.health import pulse
from contacts.models import Change
from flows.models import Enrollment
from messaging.models import Message
from segmentation.models import Delivery, Evaluation
from workspace import clock
from workspace.models import Job, Review

MOST = 1000  # a depth beyond this is shown as "1,000+": counting a backlog of millions helps nobody


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Give the front page its numbers: what waits, what failed, and when beat last rang."""
    at = clock.now()
    context |= {"depths": depths(at), "beats": beats(), "pulse": pulse(), "at": at}
    return context


def depths(at: datetime) -> list[dict[str, Any]]:
    """Return each queue: how much waits, since when the oldest, and the list of it."""
    due = Enrollment.objects.filter(status="active", due_at__lte=at).order_by("due_at")
    queued = Message.objects.filter(status="queued", due_at__lte=at).order_by("due_at")
    rows = [
        ("Facts to be looked at", Change.objects.order_by("id"), "at", "contacts_change", ""),
        ("Journeys that are due", due, "due_at", "flows_enrollment", "status__exact=active"),
        ("Journeys that failed", Enrollment.objects.filter(status="failed"), "ended_at", *_of("flows_enrollment", "failed")),
        ("Messages that are due", queued, "due_at", "messaging_message", "status__exact=queued"),
        ("Messages that are held", *_messages("held")),
        ("Messages whose end nobody knows", *_messages("unknown")),
        ("Messages that failed", *_messages("failed")),
        ("Deliveries given up", Delivery.objects.filter(status="failed"), "settled_at", *_of("segmentation_delivery", "failed")),
        ("Evaluations that failed", Evaluation.objects.filter(status="failed"), "at", *_of("segmentation_evaluation", "failed")),
        ("Work in progress", Job.objects.filter(status__in=("waiting", "running")), "created_at", "workspace_job", ""),
        ("Reviews that wait", Review.objects.filter(status="requested"), "created_at", *_of("workspace_review", "requested")),
    ]  # fmt: skip
    return [_depth(*row, at=at) for row in rows]


def _messages(status: str) -> tuple[Any, ...]:
    return Message.objects.filter(status=status), "due_at", *_of("messaging_message", status)


def _of(model: str, status: str) -> tuple[str, str]:
    return model, f"status__exact={status}"


def _depth(label: str, rows: Any, since: str, model: str, query: str, *, at: datetime) -> dict[str, Any]:
    oldest = list(rows.values_list(since, flat=True)[: MOST + 1])
    known = [one for one in oldest if one is not None]
    return {
        "label": label,
        "count": f"{MOST:,}+" if len(oldest) > MOST else f"{len(oldest):,}",
        "oldest": min(known) if known else None,
        "bad": bool(oldest) and any(word in label for word in ("failed", "knows")),
        "url": reverse(f"admin:{model}_changelist") + (f"?{query}" if query else ""),
    }


def beats() -> list[PeriodicTask]:
    """Return the entries of beat, the one that rang longest ago first."""
    return list(PeriodicTask.objects.select_related("interval", "crontab").order_by("-enabled", "last_run_at", "name"))


def _item(title: str, icon: str, model: str) -> dict[str, Any]:
    app, _, name = model.partition("_")
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{model}_changelist"),
        "permission": lambda request: request.user.has_perm(f"{app}.view_{name}"),
    }


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the side: groups in the order of the work, each with what this person may look at."""
    return [
        {
            "title": title,
            "separator": True,
            "collapsible": len(rows) > 6,
            "items": [_item(*row) for row in rows],
        }
        for title, rows in GROUPS
    ]


GROUPS = [
    ("Audience", [
        ("Contacts", "group", "contacts_contact"), ("Lists", "list", "contacts_list"),
        ("Attributes", "sell", "contacts_attribute"), ("Event names", "bolt", "contacts_eventname"),
        ("Topics", "campaign", "contacts_topic"), ("Suppressions", "block", "contacts_suppression"),
    ]),
    ("Segments", [
        ("Segments", "layers", "segmentation_segment"), ("Evaluations", "query_stats", "segmentation_evaluation"),
        ("Transitions", "swap_horiz", "segmentation_transition"), ("Memberships", "how_to_reg", "segmentation_membership"),
        ("Owed looks", "pending_actions", "segmentation_owed"), ("Rules", "rule", "segmentation_segmentrule"),
        ("Tallies", "tag", "segmentation_tally"),
        ("Destinations", "webhook", "segmentation_destination"), ("Deliveries", "outgoing_mail", "segmentation_delivery"),
        ("Lines", "checklist", "segmentation_line"),
    ]),
    ("Flows", [
        ("Flows", "account_tree", "flows_flow"), ("Enrollments", "directions_walk", "flows_enrollment"),
        ("Entries", "login", "flows_entry"), ("Re-entries", "replay", "flows_reentry"), ("Steps", "footprint", "flows_step"),
        ("Versions", "history", "flows_version"), ("Nodes", "crop_square", "flows_node"), ("Edges", "east", "flows_edge"),
        ("Watches", "visibility", "flows_watch"), ("Tallies", "tag", "flows_tally"), ("Broadcasts", "send", "flows_broadcast"),
    ]),
    ("Messages", [
        ("Messages", "mail", "messaging_message"), ("Templates", "description", "messaging_template"),
        ("Template versions", "history", "messaging_templateversion"), ("Senders", "badge", "messaging_sender"),
        ("Streams", "water", "messaging_stream"), ("Links", "link", "messaging_link"), ("Caught mail", "inbox", "messaging_caughtmail"),
    ]),
    ("Facts", [
        ("Events", "bolt", "contacts_event"), ("Changes", "hourglass_top", "contacts_change"),
        ("Identities", "fingerprint", "contacts_identity"), ("Addresses", "alternate_email", "contacts_address"),
        ("Consents", "verified_user", "contacts_consent"), ("Consent now", "task_alt", "contacts_consentnow"),
        ("List members", "playlist_add_check", "contacts_listmember"), ("Activity", "schedule", "contacts_activity"),
        ("Moments", "event", "contacts_moment"), ("Receipts", "receipt_long", "contacts_receipt"), ("Reads", "menu_book", "contacts_read"),
    ]),
    ("The house", [
        ("Workspace", "home", "workspace_workspace"), ("Keys", "key", "workspace_key"), ("Record", "gavel", "workspace_audit"),
        ("Jobs", "work", "workspace_job"), ("Reviews", "fact_check", "workspace_review"), ("Uses", "hub", "workspace_use"),
        ("Idempotent answers", "replay", "workspace_answer"), ("Ticks", "timer", "workspace_tick"),
    ]),
    ("Staff and beat", [
        ("Staff", "person", "auth_user"), ("Groups", "groups", "auth_group"), ("Beat entries", "alarm", "django_celery_beat_periodictask"),
        ("Intervals", "timelapse", "django_celery_beat_intervalschedule"), ("Crontabs", "calendar_clock", "django_celery_beat_crontabschedule"),
        ("Clocked", "event_upcoming", "django_celery_beat_clockedschedule"), ("Solar", "sunny", "django_celery_beat_solarschedule"),
    ]),
]  # fmt: skip
