"""What can be done with destinations, by pages, API and admin alike."""

import secrets
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Q
from django.urls import reverse

from segmentation.destination_models import FILES, LIVE
from segmentation.destination_settings import apply, next_of
from segmentation.gathering import new_key
from segmentation.models import Delivery, Destination, Segment
from segmentation.slugs import new_slug
from workspace import clock, doorbell, signing
from workspace.audit import Actor, record
from workspace.problems import refuse
from workspace.uses import refuse_if_used, set_uses

RESERVED = frozenset({"new"})
OVERLAP = timedelta(hours=24)  # the former secret signs too for so long
IN_FLIGHT = timedelta(minutes=15)  # no transaction that writes transitions runs for longer
CHANGEABLE = ("name", "url", "what", "batch_size", "schedule", "schedule_at", "weekday")

# What is there when a destination is made counts as known; whatever commits later is new, whichever id it drew.
KNOWN = """
WITH before AS (
    SELECT coalesce((SELECT id FROM segmentation_transition WHERE segment_id = %(segment)s AND at < %(early)s
                     ORDER BY at DESC LIMIT 1), 0) AS id
), known AS (
    INSERT INTO segmentation_line (destination_id, round, transition_id)
    SELECT %(destination)s, %(round)s, t.id FROM segmentation_transition t, before b
    WHERE t.segment_id = %(segment)s AND t.id > b.id
)
UPDATE segmentation_destination d SET cursor = b.id FROM before b WHERE d.id = %(destination)s
"""
PAGES = """
INSERT INTO segmentation_delivery
    (destination_id, key, kind, round, status, size, total,
     page, pages, first_contact, last_contact, attempts, error, file)
SELECT %(destination)s, 'msg_' || replace(gen_random_uuid()::text, '-', ''), 'state', %(round)s, 'queued', p.size, p.size,
       p.page, count(*) OVER (), p.first, p.last, 0, '', ''
FROM (
    SELECT (m.nth - 1) / %(batch)s + 1 AS page, count(*) AS size, min(m.contact_id) AS first, max(m.contact_id) AS last
    FROM (SELECT contact_id, row_number() OVER (ORDER BY contact_id) AS nth
          FROM segmentation_membership WHERE segment_id = %(segment)s) m
    GROUP BY 1
) p ORDER BY p.page
"""


def secrets_of(destination: Destination) -> list[str]:
    """Return the secrets that sign now: the present one, and the former one while receivers change over."""
    found = signing.secrets_of(f"destination:{destination.seed}")
    until = destination.previous_until
    if destination.previous_seed and until is not None and until > clock.now():
        found += signing.secrets_of(f"destination:{destination.previous_seed}")
    return found


@transaction.atomic
def create_destination(
    *,
    name: str,
    segment: Segment,
    actor: Actor,
    kind: str = "webhook",
    slug: str = "",
    url: str = "",
    begin: str = "now",
    **settings: Any,
) -> tuple[Destination, str]:
    """Make a destination and return it with its secret, which is not shown again; it hears of what happens from now on.

    `begin="state"` sends who is in now first.
    """
    if kind not in Destination.Kind.values:
        raise refuse("kind", 'kind is "webhook" or "csv".')
    if begin not in ("now", "state"):
        raise refuse("begin", 'begin is "now" (changes alone) or "state" (who is in now, then changes).')
    if segment.archived_at is not None:
        raise refuse("segment", f"“{segment.name}” is archived. Take it back into use first.", 409)
    made = Destination(
        kind=kind,
        segment=segment,
        seed=_seed(),
        created_by_id=actor.user_id,
        slug=new_slug(Destination, slug, name, RESERVED),
    )
    what = Destination.What.STATE if kind == Destination.Kind.CSV else Destination.What.BOTH
    apply(made, {"name": name, "url": url, "what": what, **settings})
    made.save()
    _know(made)
    set_uses(f"destination:{made.slug}", {f"segment:{segment.slug}"})
    record(actor, "destination.created", made.ref, slug=made.slug, kind=kind, segment=segment.ref)
    if begin == "state":
        send_state(made, actor=actor)
    _tell(made)
    return made, signing.secrets_of(f"destination:{made.seed}")[0] if kind == "webhook" else ""


@transaction.atomic
def change_destination(destination: Destination, *, actor: Actor, **changes: Any) -> Destination:
    """Change name, URL, what it hears of, batches or schedule."""
    held = lock(destination)
    what = held.what
    for name in changes:
        if name not in CHANGEABLE:
            raise refuse(name, f'A destination\'s "{name[:60]}" cannot be changed.')
    apply(held, changes)
    _begin_anew(held, what)
    record(actor, "destination.changed", held.ref, changed=sorted(changes))
    _tell(held)
    return held


@transaction.atomic
def pause_destination(destination: Destination, *, actor: Actor, reason: str = "") -> Destination:
    """Hold it: nothing is called or gathered; what happens meanwhile is not lost."""
    held = lock(destination)
    if held.status == Destination.Status.RUNNING:
        held.status, held.reason = Destination.Status.PAUSED, reason[:500]
        held.save()
        record(actor, "destination.paused", held.ref)
        _tell(held)
    return held


@transaction.atomic
def resume_destination(destination: Destination, *, actor: Actor) -> Destination:
    """Go on where it was held or disabled."""
    held = lock(destination)
    if held.status != Destination.Status.RUNNING:
        held.status, held.reason, held.due_at = Destination.Status.RUNNING, "", clock.now()
        held.next_at = next_of(held)
        held.save()
        record(actor, "destination.resumed", held.ref)
        _tell(held)
    return held


@transaction.atomic
def rotate_secret(destination: Destination, *, actor: Actor) -> tuple[Destination, str]:
    """Give it another secret and return that; for a day the former one signs beside it."""
    held = lock(destination)
    if held.kind != Destination.Kind.WEBHOOK:
        raise refuse("", "Only webhooks are signed; this destination has no secret.", 409)
    held.previous_seed, held.previous_until = held.seed, clock.now() + OVERLAP
    held.seed = _seed()
    held.save()
    record(actor, "destination.rotated", held.ref)
    _tell(held)
    return held, signing.secrets_of(f"destination:{held.seed}")[0]


@transaction.atomic
def replay(destination: Destination, *, since: datetime, actor: Actor) -> Destination:
    """Send everything again that happened at or after an instant, as another round, in its order."""
    held = lock(destination)
    if held.what == Destination.What.STATE:
        raise refuse("", "Its files tell the full state; there is nothing to replay.", 409)
    _refuse_under_way(held, FILES)
    if since > clock.now():
        raise refuse("since", "That instant has not come yet. Give one in the past.")
    first = held.segment.transitions.filter(at__gte=since - IN_FLIGHT).order_by("pk").values_list("pk", flat=True)
    first_id = first.first()
    _begin_round(held, since=since)
    held.cursor = min(held.cursor, first_id - 1) if first_id else held.cursor
    held.due_at = clock.now()
    held.save()
    if held.kind == Destination.Kind.CSV:
        _queue_file(held, Delivery.Kind.MOVES)
    record(actor, "destination.replayed", held.ref, since=since.isoformat(), round=held.round)
    _tell(held)
    return held


@transaction.atomic
def send_state(destination: Destination, *, actor: Actor | None = None) -> Destination:
    """Send who is in now: pages to a webhook, or a CSV to be fetched."""
    held = lock(destination)
    _refuse_under_way(held, ("state", *FILES))
    if held.kind == Destination.Kind.CSV:
        _queue_file(held, Delivery.Kind.CSV)
    else:
        _queue_pages(held)
        Destination.objects.filter(pk=held.pk).update(due_at=clock.now())
    if actor is not None:
        record(actor, "destination.state_asked", held.ref)
    _tell(held)
    return held


@transaction.atomic
def send_moves(destination: Destination, *, actor: Actor | None = None) -> Destination:
    """Write a CSV of who entered and who left since the last one."""
    held = lock(destination)
    if held.kind != Destination.Kind.CSV:
        raise refuse("", "A webhook hears of entries and exits as they happen; there is nothing to ask for.", 409)
    if held.what == Destination.What.STATE:
        raise refuse("what", "Its files tell the full state. Let them tell of entries, exits or both first.", 409)
    _refuse_under_way(held, FILES)
    _queue_file(held, Delivery.Kind.MOVES)
    if actor is not None:
        record(actor, "destination.moves_asked", held.ref)
    _tell(held)
    return held


def _refuse_under_way(held: Destination, kinds: Collection[str]) -> None:
    if held.deliveries.filter(status__in=LIVE, kind__in=kinds).exists():
        words = "A file is being written" if held.kind == Destination.Kind.CSV else "The full state is being sent"
        raise refuse("", f"{words} already. Wait for it, or cancel what is queued.", 409)


def _queue_file(held: Destination, kind: str) -> None:
    Delivery.objects.create(destination=held, key=new_key(), kind=kind, round=held.round)
    Destination.objects.filter(pk=held.pk).update(due_at=clock.now())


def _begin_anew(held: Destination, what: str) -> None:
    """Save a destination that told of something else before: a round begins, in which nothing is told twice."""
    if held.what != what:
        _begin_round(held, since=clock.now())
    held.save()
    if held.what != what and what == Destination.What.STATE:  # it told of no moves: those there are count as known
        _know(held)


def _know(held: Destination) -> None:
    """Let all that has happened so far count as told."""
    early = clock.now() - IN_FLIGHT
    asked: dict[str, Any] = {
        "destination": held.pk, "segment": held.segment_id, "round": held.round, "early": early,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(KNOWN, asked)
    held.refresh_from_db()


def _begin_round(held: Destination, *, since: datetime) -> None:
    """Begin another round: of what happened before its instant only that goes out which never did."""
    held.round, held.since = held.round + 1, since
    held.floor = max(held.cursor, held.floor)
    held.mark = held.mark_xid = None


def _queue_pages(held: Destination) -> None:
    asked = {"destination": held.pk, "round": held.round, "batch": held.batch_size, "segment": held.segment_id}
    with connection.cursor() as cursor:
        cursor.execute(PAGES, asked)
        if not cursor.rowcount:  # nobody is in: that is said too
            Delivery.objects.create(
                destination=held, key=new_key(), kind=Delivery.Kind.STATE, round=held.round, page=1, pages=1
            )


@transaction.atomic
def send_test(destination: Destination, *, actor: Actor) -> Delivery:
    """Call once with a test, out of turn, even while paused."""
    held = lock(destination)
    if held.kind != Destination.Kind.WEBHOOK:
        raise refuse("", "A CSV is fetched, not called. Make one now instead.", 409)
    if found := held.deliveries.filter(status__in=LIVE, kind=Delivery.Kind.TEST).first():
        return found
    made = Delivery.objects.create(destination=held, key=new_key(), kind=Delivery.Kind.TEST, round=held.round)
    Destination.objects.filter(pk=held.pk).update(due_at=clock.now())
    record(actor, "destination.tested", held.ref)
    _tell(held)
    return made


@transaction.atomic
def retry(destination: Destination, deliveries: Collection[int] | None = None, *, actor: Actor) -> int:
    """Try now what waits for its next try or has failed: these, or all of them; return how many."""
    held, at = lock(destination), clock.now()
    again = Q(status=Delivery.Status.FAILED) | Q(status=Delivery.Status.QUEUED)
    found = held.deliveries.filter(again).exclude(kind=Delivery.Kind.TEST)
    chosen = found.filter(pk__in=deliveries) if deliveries is not None else found
    failed = chosen.filter(status=Delivery.Status.FAILED).update(
        status="queued", settled_at=None, attempts=0, due_at=at
    )
    waiting = chosen.filter(status=Delivery.Status.QUEUED, due_at__gt=at).update(due_at=at)
    Destination.objects.filter(pk=held.pk).update(due_at=at)
    if failed or waiting:
        record(actor, "destination.retried", held.ref, count=failed + waiting)
        _tell(held)
    return failed + waiting


@transaction.atomic
def cancel(destination: Destination, deliveries: Collection[int] | None = None, *, actor: Actor) -> int:
    """Drop what is queued or being written: these, or all of it; return how many. A call under way is not stopped."""
    held, at = lock(destination), clock.now()
    found = held.deliveries.filter(Q(status=Delivery.Status.QUEUED) | Q(status=Delivery.Status.CALLING, kind__in=FILES))
    found = found.filter(pk__in=deliveries) if deliveries is not None else found
    count = found.update(status=Delivery.Status.CANCELLED, settled_at=at)
    if count:
        Destination.objects.filter(pk=held.pk).update(due_at=at)
        record(actor, "destination.cancelled", held.ref, count=count)
        _tell(held)
    return count


@transaction.atomic
def delete_destination(destination: Destination, *, actor: Actor) -> None:
    """Delete it with its log; files go with the next tidying."""
    held = lock(destination)
    refuse_if_used(f"destination:{held.slug}")
    set_uses(f"destination:{held.slug}", ())
    ref, slug = held.ref, held.slug
    Destination.objects.filter(pk=held.pk).delete()
    record(actor, "destination.deleted", ref, slug=slug)
    transaction.on_commit(lambda: doorbell.poke(["destinations"]))


def ask_for_what_is_due() -> int:
    """Ask for the full state, or the file of moves, of every destination whose hour has come; return how many."""
    at = clock.now()
    due = Destination.objects.filter(status=Destination.Status.RUNNING, next_at__lte=at)
    return sum(_ask(pk, at) for pk in due.values_list("pk", flat=True))


@transaction.atomic
def _ask(pk: int, at: datetime) -> bool:
    found = Destination.objects.select_for_update(no_key=True, skip_locked=True).filter(pk=pk, next_at__lte=at).first()
    if found is None:
        return False
    Destination.objects.filter(pk=pk).update(next_at=next_of(found))
    if found.deliveries.filter(status__in=LIVE, kind__in=("state", *FILES)).exists():
        return False  # the last one is still under way: this one would tell the same
    files_of_moves = found.kind == Destination.Kind.CSV and found.what != Destination.What.STATE
    (send_moves if files_of_moves else send_state)(found)
    return True


def called(slugs: Collection[str]) -> dict[str, tuple[str, str]]:
    """Return the name and page of destinations by slug."""
    rows = Destination.objects.filter(slug__in=slugs).values_list("slug", "name", "pk")
    return {slug: (name, reverse("destination", args=[pk])) for slug, name, pk in rows}


def lock(destination: Destination) -> Destination:
    """Return a destination as it stands, held until the transaction ends."""
    found = Destination.objects.select_for_update(no_key=True, of=("self",)).select_related("segment")
    return found.get(pk=destination.pk)


def _seed() -> str:
    return secrets.token_urlsafe(32)


def _tell(held: Destination) -> None:
    pk = held.pk
    doorbell.ring_on_commit("sync")
    transaction.on_commit(lambda: doorbell.poke(["destinations", f"destination:{pk}"]))
