"""By whose doing something stands where it stands: a person, a key, a flow or a file, noted as one short text."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from django.contrib.auth import get_user_model

from workspace.audit import Actor
from workspace.models import Key
from workspace.uses import names_of, register_kind

LONGEST = 80  # signs that an origin may have
SAID = {"person": "{}", "key": "the key “{}”", "flow": "the flow “{}”", "import": "the file “{}”"}
GONE = {"person": "somebody who is no longer here", "key": "a key", "flow": "a flow", "import": "a file"}


@dataclass(frozen=True, slots=True)
class Origin:
    """Who or what did it, as people and programs know it."""

    ref: str
    kind: str
    name: str
    words: str
    url: str = ""

    def as_json(self) -> dict[str, str]:
        """Return the wire form."""
        return {"ref": self.ref, "kind": self.kind, "name": self.name}


def origin_of(actor: Actor) -> str:
    """Return who acts as it is noted: "person:3", "key:7", or nothing for the house itself."""
    if actor.user_id is not None:
        return f"person:{actor.user_id}"
    return f"key:{actor.key_id}" if actor.key_id is not None else ""


def origins(refs: Iterable[str]) -> dict[str, Origin]:
    """Return those that are noted by name, a query for each kind of them."""
    split: dict[str, set[str]] = {}
    for kind, _, slug in (ref.partition(":") for ref in set(refs) if ref):
        split.setdefault(kind, set()).add(slug)
    return {f"{kind}:{slug}": one for kind, slugs in split.items() for slug, one in _of_kind(kind, slugs).items()}


def _of_kind(kind: str, slugs: set[str]) -> dict[str, Origin]:
    named = names_of(kind, slugs)
    return {slug: _origin(kind, slug, *named.get(slug, ("", ""))) for slug in slugs}


def _origin(kind: str, slug: str, name: str, url: str) -> Origin:
    words = SAID.get(kind, "{}").format(name) if name else GONE.get(kind, kind)
    return Origin(f"{kind}:{slug}", kind, name or slug, words, url)


def _people(slugs: Collection[str]) -> dict[str, tuple[str, str]]:
    people = get_user_model().objects.in_bulk([int(one) for one in slugs if one.isdecimal()])
    return {str(pk): (one.get_full_name() or one.get_username(), "") for pk, one in people.items()}


def _keys(slugs: Collection[str]) -> dict[str, tuple[str, str]]:
    keys = Key.objects.in_bulk([int(one) for one in slugs if one.isdecimal()])
    return {str(pk): (one.name, "") for pk, one in keys.items()}


register_kind("person", _people)
register_kind("key", _keys)
