"""Keys of programs: made, shown once, found by digest, rotated, revoked."""

import hashlib
import secrets
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q

from workspace import audit, clock
from workspace.models import Key
from workspace.problems import refuse


def digest(secret: str) -> str:
    """Return what is stored of a secret."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


@transaction.atomic
def make_key(
    *, name: str, scope: str, actor: audit.Actor, public: bool = False, expires_at: datetime | None = None
) -> tuple[Key, str]:
    """Make a key and return it with its secret, which can never be read again."""
    if public and scope != Key.Scope.INGEST:
        raise refuse("public", 'Only keys of scope "ingest" may be public.')
    secret = f"{'pub' if public else scope[:3]}_{secrets.token_urlsafe(24)}"
    key = Key.objects.create(
        name=name, scope=scope, public=public, prefix=secret[:8], digest=digest(secret), expires_at=expires_at
    )
    audit.record(actor, "key.created", key.ref, scope=scope, public=public)
    return key, secret


def find_key(secret: str) -> Key | None:
    """Return the live key of this secret, noting at most once a minute that it was used."""
    at = clock.now()
    live = Q(revoked_at__isnull=True) & (Q(expires_at__isnull=True) | Q(expires_at__gt=at))
    key = Key.objects.filter(live, digest=digest(secret)).first()
    if key is not None and (key.last_used_at is None or key.last_used_at < at - timedelta(minutes=1)):
        Key.objects.filter(Q(last_used_at__isnull=True) | Q(last_used_at=F("last_used_at")), pk=key.pk).update(
            last_used_at=at
        )
    return key


@transaction.atomic
def rotate_key(key: Key, *, overlap_hours: int = 24, actor: audit.Actor) -> tuple[Key, str]:
    """Make a key's successor; the old one goes on beside it for so many hours, or until it would have ended anyway."""
    old = Key.objects.select_for_update(no_key=True).get(pk=key.pk)
    at = clock.now()
    if (status := old.status(at)) in ("revoked", "expired"):
        raise refuse("", f"This key is {status}; make a new one instead.", 409)
    if old.successor_id:
        raise refuse("", f"This key was rotated already, to key_{old.successor_id}; rotate that one.", 409)
    new, secret = make_key(name=old.name, scope=old.scope, public=old.public, actor=actor)
    end = at + timedelta(hours=overlap_hours)
    old.expires_at, old.successor = min(old.expires_at or end, end), new
    old.save(update_fields=["expires_at", "successor"])
    audit.record(actor, "key.rotated", old.ref, successor=new.ref, overlap_hours=overlap_hours)
    return new, secret


@transaction.atomic
def revoke_key(key: Key, *, actor: audit.Actor) -> None:
    """Close a key at once; closing it again changes nothing."""
    held = Key.objects.select_for_update(no_key=True).get(pk=key.pk)
    if held.revoked_at is not None:
        return
    held.revoked_at = key.revoked_at = clock.now()
    held.save(update_fields=["revoked_at"])
    audit.record(actor, "key.revoked", held.ref)
