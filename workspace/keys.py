"""Keys of programs: made, shown once, found by digest."""

import hashlib
import secrets
from datetime import datetime, timedelta

from django.db.models import F, Q

from workspace import audit, clock
from workspace.models import Key


def digest(secret: str) -> str:
    """Return what is stored of a secret."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def make_key(
    *, name: str, scope: str, actor: audit.Actor, public: bool = False, expires_at: datetime | None = None
) -> tuple[Key, str]:
    """Make a key and return it with its secret, which can never be read again."""
    secret = f"{'pub' if public else scope[:3]}_{secrets.token_urlsafe(24)}"
    key = Key.objects.create(
        name=name, scope=scope, public=public, prefix=secret[:8], digest=digest(secret), expires_at=expires_at
    )
    audit.record(actor, "key.created", f"key_{key.pk}", scope=scope, public=public)
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


def revoke_key(key: Key, *, actor: audit.Actor) -> None:
    """Close a key at once."""
    key.revoked_at = clock.now()
    key.save(update_fields=["revoked_at"])
    audit.record(actor, "key.revoked", f"key_{key.pk}")
