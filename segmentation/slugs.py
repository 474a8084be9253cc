"""Slugs of segments and destinations: as somebody says, else made of the name."""

import re
from collections.abc import Set

from django.utils.text import slugify

from segmentation.models import Destination, Segment
from workspace.problems import refuse
from workspace.taken import refuse_taken

SLUG = re.compile(r"^[a-z][a-z0-9-]{0,62}$")


def new_slug(model: type[Segment] | type[Destination], slug: str, name: str, reserved: Set[str]) -> str:
    """Return the slug for a new row; raise Refused when the one that was said cannot be."""
    if slug and not SLUG.match(slug):
        raise refuse(
            "slug", "A slug has lower-case letters, digits and hyphens, and begins with a letter (at most 63)."
        )
    if slug in reserved:
        raise refuse("slug", f'The slug "{slug}" is an address of its own. Choose another.')
    if slug:
        refuse_taken(model, "slug", slug)
        return slug
    return _free(model, name, reserved)


def _free(model: type[Segment] | type[Destination], name: str, reserved: Set[str]) -> str:
    kind = model.__name__.lower()
    base = slugify(name)[:56].strip("-_").replace("_", "-") or kind
    base = base if base[0].isalpha() else f"{kind[0]}-{base}"
    taken = reserved | set(model._default_manager.filter(slug__startswith=base).values_list("slug", flat=True))
    number = 1
    while (made := base if number == 1 else f"{base}-{number}") in taken:
        number += 1
    return made
