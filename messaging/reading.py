"""Which templates say an attribute: asked before it is joined into another or forgotten, and shown on its page."""

import re

from django.db.models import Q
from django.urls import reverse

from contacts.properties import CUSTOM
from contacts.readers import Reader, register
from messaging.models import Template

PARTS = ("subject", "preheader", "body")


def readers_of(fact: str) -> list[Reader]:
    """Return the templates whose draft or published version says an own attribute."""
    name = fact.removeprefix(f"attribute:{CUSTOM}")
    if name == fact:
        return []
    said = Q()
    for part in PARTS:
        said |= Q(**{f"{part}__contains": name}) | Q(**{f"version__{part}__contains": name})
    found = Template.objects.filter(said, archived_at=None).select_related("version").order_by("name", "pk")
    mention = re.compile(rf"customProperties(?:\.|\[\s*[\"']){re.escape(name)}(?![\w-])")
    return [_reader(one) for one in found if mention.search(_text(one))]


def _text(one: Template) -> str:
    both = [one, one.version] if one.version else [one]
    return "\n".join(str(getattr(each, part)) for each in both for part in PARTS)


def _reader(one: Template) -> Reader:
    return Reader("template", one.slug, one.name, reverse("template", args=[one.pk]))


register(namer=readers_of)
