"""Keys: made, shown once, found by digest, closed."""

from datetime import timedelta

import pytest

from workspace import clock
from workspace.audit import HOUSE
from workspace.keys import find_key, make_key, revoke_key
from workspace.models import Audit, Key
from workspace.problems import Refused

pytestmark = pytest.mark.django_db


def test_only_the_digest_of_a_secret_is_kept() -> None:
    key, secret = make_key(name="shop", scope="ingest", actor=HOUSE)
    assert secret not in str(Key.objects.filter(pk=key.pk).values().get())
    assert secret.startswith(key.prefix)
    assert find_key(secret) == key
    assert find_key(secret + "x") is None


def test_a_key_closes_when_it_is_revoked_or_runs_out() -> None:
    key, secret = make_key(name="shop", scope="read", actor=HOUSE)
    revoke_key(key, actor=HOUSE)
    assert find_key(secret) is None
    _, old = make_key(name="old", scope="read", actor=HOUSE, expires_at=clock.now() - timedelta(seconds=1))
    assert find_key(old) is None
    assert list(Audit.objects.order_by("id").values_list("verb", flat=True)) == [
        "key.created",
        "key.revoked",
        "key.created",
    ]


def test_its_last_use_is_noted() -> None:
    key, secret = make_key(name="shop", scope="read", actor=HOUSE)
    find_key(secret)
    key.refresh_from_db()
    assert key.last_used_at is not None


def test_only_ingest_keys_may_be_public() -> None:
    with pytest.raises(Refused, match="ingest"):
        make_key(name="page", scope="manage", public=True, actor=HOUSE)


@pytest.mark.parametrize("secret", ["", "\x00", "\ud800", "x" * 100_000])
def test_odd_secrets_are_simply_unknown(secret: str) -> None:
    assert find_key(secret) is None
