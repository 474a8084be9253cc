"""What is used by what: written by whoever saves the user, asked before the used is deleted."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

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


Naming = Callable[[Collection[str]], dict[str, tuple[str, str]]]
_naming: dict[str, Naming] = {}


def register_kind(kind: str, naming: Naming) -> None:
    """Let users of a kind ("flow") be told by name: `naming` returns slug → (name, page)."""
    _naming[kind] = naming


@dataclass(frozen=True, slots=True)
class User:
    """Something that uses another thing, as people and programs know it."""

    ref: str
    kind: str
    slug: str
    name: str
    url: str = ""

    def as_json(self) -> dict[str, str]:
        """Return the wire form."""
        return {"ref": self.ref, "kind": self.kind, "slug": self.slug, "name": self.name}

    @property
    def label(self) -> str:
        """Say what it is."""
        return f"{self.kind.capitalize()} {self.name}"


def names_of(kind: str, slugs: Collection[str]) -> dict[str, tuple[str, str]]:
    """Return slug → (name, page) of those of a kind that are there."""
    return _naming[kind](slugs) if kind in _naming else {}


def users_of(used: str) -> list[User]:
    """Return who uses this, by name."""
    return users_of_each([used])[used]


def users_of_each(used: Collection[str]) -> dict[str, list[User]]:
    """Return who uses each of these, by name."""
    rows = Use.objects.filter(used__in=used).order_by("user").values_list("used", "user")
    split = [(one, *user.partition(":")[::2]) for one, user in rows]
    named = {
        kind: _naming[kind]({slug for _, other, slug in split if other == kind})
        for kind in {kind for _, kind, _ in split}
        if kind in _naming
    }
    found: dict[str, list[User]] = {one: [] for one in used}
    for one, kind, slug in split:
        found[one].append(_user(kind, slug, named.get(kind, {}).get(slug, (slug, ""))))
    return found


def as_users(refs: Collection[str]) -> list[User]:
    """Return users ("flow:win-back") by name, in their order."""
    split = [ref.partition(":")[::2] for ref in refs]
    named = {
        kind: names_of(kind, {slug for other, slug in split if other == kind}) for kind in {kind for kind, _ in split}
    }
    return [_user(kind, slug, named[kind].get(slug, (slug, ""))) for kind, slug in split]


def _user(kind: str, slug: str, said: tuple[str, str]) -> User:
    return User(f"{kind}:{slug}", kind, slug, *said)
