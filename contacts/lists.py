"""Lists kept by hand: made, named, filled and emptied."""

from collections.abc import Collection
from datetime import datetime

from django.db import transaction
from django.utils.text import slugify

from contacts.changes import NewChange, note
from contacts.live import poke_soon
from contacts.locking import lock_standing
from contacts.models import List
from contacts.storing import run
from workspace import audit, clock
from workspace.audit import Actor
from workspace.doorbell import ring_on_commit
from workspace.problems import refuse
from workspace.taken import refuse_taken
from workspace.uses import refuse_if_used

RESERVED = {"new", "all", "none", "members", "import"}


@transaction.atomic
def create_list(*, name: str, slug: str = "", color: str = "", description: str = "", actor: Actor) -> List:
    """Make a list; without a slug one is made of the name."""
    made = List.objects.create(
        name=_name(name), slug=_slug(slug, name), color=_short(color, "color", 20), description=description
    )
    audit.record(actor, "list.created", made.ref, slug=made.slug)
    return made


@transaction.atomic
def change_list(
    held: List, *, name: str | None = None, color: str | None = None, description: str | None = None, actor: Actor
) -> List:
    """Change what a list is called; its slug never changes."""
    if name is not None:
        held.name = _name(name)
    if color is not None:
        held.color = _short(color, "color", 20)
    if description is not None:
        held.description = description
    held.save()
    audit.record(actor, "list.changed", held.ref)
    return held


@transaction.atomic
def archive_list(held: List, *, archived: bool = True, actor: Actor) -> None:
    """Put a list away, or take it out again; its members stay."""
    held.archived_at = clock.now() if archived else None
    held.save(update_fields=["archived_at"])
    audit.record(actor, "list.archived" if archived else "list.restored", held.ref)


@transaction.atomic
def delete_list(held: List, *, actor: Actor) -> None:
    """Delete a list that nothing uses; raise InUse with its users otherwise."""
    List.objects.select_for_update().get(pk=held.pk)
    refuse_if_used(f"list:{held.slug}")
    audit.record(actor, "list.deleted", held.ref, slug=held.slug)
    held.delete()


@transaction.atomic
def add_to_list(
    held: List,
    contact_ids: Collection[int],
    *,
    cause: str,
    fires: bool = True,
    at: datetime | None = None,
    lane: int = 0,
    origin: str = "",
) -> int:
    """Put contacts on a list and return how many were not on it; merged and erased ones are left out.

    `origin` says by whose doing: person:3, key:7, flow:win-back, import:12.
    """
    at = at or clock.now()
    ids = [pk for pk, _ in lock_standing(contact_ids)]
    rows = run(
        """INSERT INTO contacts_listmember (list_id, contact_id, added_at, origin) SELECT %s, unnest(%s::bigint[]), %s, %s
           ON CONFLICT DO NOTHING RETURNING contact_id""",
        [held.pk, ids, at, origin],
    )
    _tell(held, [row[0] for row in rows], cause, fires, at, lane, "list_added")
    return len(rows)


@transaction.atomic
def remove_from_list(
    held: List, contact_ids: Collection[int], *, cause: str, fires: bool = True, at: datetime | None = None
) -> int:
    """Take contacts off a list and return how many were on it."""
    lock_standing(contact_ids)
    rows = run(
        "DELETE FROM contacts_listmember WHERE list_id = %s AND contact_id = ANY(%s) RETURNING contact_id",
        [held.pk, list(contact_ids)],
    )
    _tell(held, [row[0] for row in rows], cause, fires, at or clock.now(), 0, "list_removed")
    return len(rows)


def _tell(held: List, contact_ids: list[int], cause: str, fires: bool, at: datetime, lane: int, move: str) -> None:
    facts = (f"list:{held.slug}", f"{move}:{held.slug}")
    if note([NewChange(pk, fact, cause, at=at, fires=fires, lane=lane) for fact in facts for pk in contact_ids]):
        ring_on_commit("attend")
    transaction.on_commit(poke_soon)


def _name(name: str) -> str:
    cleaned = " ".join(name.split()) if isinstance(name, str) else ""
    if not cleaned or len(cleaned) > 120:
        raise refuse("name", "Give the list a name of at most 120 characters.")
    return cleaned


def _short(text: str, path: str, longest: int) -> str:
    if not isinstance(text, str) or len(text) > longest:
        raise refuse(path, f"At most {longest} characters.")
    return text


def _slug(slug: str, name: str) -> str:
    """Return the wished slug when it is free, or one made of the name."""
    if slug:
        if (
            not isinstance(slug, str)
            or slugify(slug) != slug
            or len(slug) > 63
            or not slug[0].isalpha()
            or slug in RESERVED
            or "_" in slug
        ):
            raise refuse("slug", "A slug has lower-case letters, digits and hyphens, and begins with a letter.")
        refuse_taken(List, "slug", slug)
        return slug
    stem = slugify(name).replace("_", "-")[:55].strip("-") or "list"
    stem = stem if stem[0].isalpha() and stem not in RESERVED else f"list-{stem}"
    taken = set(List.objects.filter(slug__startswith=stem).values_list("slug", flat=True))
    return next(one for one in (stem, *(f"{stem}-{n}" for n in range(2, len(taken) + 3))) if one not in taken)
