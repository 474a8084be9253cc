"""What staff should look at: told once while it stands, shown on Home, mailed once, settled when it is over."""

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractUser
from django.db import transaction
from django.db.models import F, QuerySet

from workspace import clock, doorbell
from workspace.models import Notice


def tell(kind: str, subject: str, title: str, text: str = "", url: str = "", right: str = "") -> bool:
    """Note something for staff; False when it stands already, which only counts it once more."""
    with transaction.atomic():
        said = {"title": title[:200], "text": text, "url": url, "right": right}
        _, made = Notice.objects.get_or_create(kind=kind, subject=subject, settled_at=None, defaults=said)
        if not made:
            Notice.objects.filter(kind=kind, subject=subject, settled_at=None).update(count=F("count") + 1)
        transaction.on_commit(lambda: doorbell.poke(["home"]))
    return made


def settle(kind: str, subject: str) -> int:
    """Say that it is over; return how many notices stood."""
    return Notice.objects.filter(kind=kind, subject=subject, settled_at=None).update(settled_at=clock.now())


def standing() -> QuerySet[Notice]:
    """Return what stands, newest first."""
    return Notice.objects.filter(settled_at=None).order_by("-id")


def concerned(notice: Notice) -> list[AbstractUser]:
    """Return the people whom it concerns and who have an address."""
    people = get_user_model().objects.filter(is_active=True).exclude(email="")
    return [one for one in people if not notice.right or one.has_perm(notice.right)]
