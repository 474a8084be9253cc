"""What is used by what: written by whoever saves the user, asked before the used is deleted."""

from collections.abc import Iterable

from workspace.models import Use


class InUse(Exception):
    """Something cannot be deleted because others use it; carries what they are."""

    def __init__(self, used: str, users: list[str]) -> None:
        self.used = used
        self.users = users
        super().__init__(f"{used} is used by {', '.join(users)}. Archive it instead, or change those first.")


def set_uses(user: str, used: Iterable[str]) -> None:
    """Replace what one user ("flow:win-back") uses by these ("segment:vip", …), within the caller's transaction."""
    wanted = set(used)
    Use.objects.filter(user=user).exclude(used__in=wanted).delete()
    Use.objects.bulk_create([Use(user=user, used=one) for one in sorted(wanted)], ignore_conflicts=True)


def used_by(used: str) -> list[str]:
    """Return who uses this, in order."""
    return list(Use.objects.filter(used=used).order_by("user").values_list("user", flat=True))


def refuse_if_used(used: str) -> None:
    """Raise InUse when something uses this."""
    users = used_by(used)
    if users:
        raise InUse(used, users)
