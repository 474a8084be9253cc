"""A flow kept as a template of one's own: its draft and settings, with copies of what they name."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from django.db import transaction
from django.utils.text import slugify
from pydantic import ValidationError

from contacts.models import List, Topic
from contacts.services import create_list
from flows import activation, drafts
from flows.checking import known_of
from flows.graph import Graph, GraphNode
from flows.library import TEMPLATES
from flows.library_models import OwnTemplate
from flows.models import Flow
from flows.nodes import KINDS
from flows.services import create_flow
from messaging.defaults import ensure_defaults
from messaging.models import Template
from messaging.services import create_template, publish_template
from segmentation import criteria
from segmentation.catalogue import Catalogue, load_catalogue
from segmentation.models import Segment
from segmentation.services import create_segment
from workspace.audit import Actor, record
from workspace.problems import Refused, refuse

Document = dict[str, Any]
PARTS = ("name", "channel", "subject", "preheader", "body", "transactional")
STANDING = ("exit_when", "restart_when", "goal")


@transaction.atomic
def keep(flow: Flow, *, actor: Actor, name: str = "", about: str = "") -> OwnTemplate:
    """Keep a flow's draft as a template, with copies of the segments, messages and lists that it names."""
    called = (name or flow.name).strip()
    if not called or len(called) > 200:
        raise refuse("name", "Give the template a name of at most 200 characters.")
    draft = drafts.load(flow)
    if not draft.nodes:
        raise refuse("", f"“{flow.name}” has no step yet: there is nothing to keep.", 409)
    named = _named(draft, flow.settings)
    made = OwnTemplate.objects.create(
        name=called,
        slug=_slug(called),
        about=(about or flow.description).strip()[:2000],
        document={
            "draft": draft.as_json(),
            "settings": dict(flow.settings),
            "segments": _segments({one for kind, one in named if kind == "segment"}),
            "messages": [_message(one) for one in _templates(one for kind, one in named if kind == "template")],
            "lists": list(
                List.objects.filter(slug__in=[one for kind, one in named if kind == "list"]).values("slug", "name")
            ),
        },
        flow=flow,
        made_by_id=actor.user_id,
    )
    record(actor, "flow.kept_as_template", flow.ref, template=made.slug)
    return made


def _slug(name: str) -> str:
    stem = slugify(name)[:55].strip("-") or "template"
    stem = stem if stem[0].isalpha() else f"template-{stem}"
    taken = {*TEMPLATES, *OwnTemplate.objects.filter(slug__startswith=stem).values_list("slug", flat=True)}
    return next(one for one in (stem, *(f"{stem}-{n}" for n in range(2, len(taken) + 3))) if one not in taken)


# What it names ----------------------------------------------------------------------------------------------------------


def _named(draft: Graph, settings: Mapping[str, Any]) -> set[tuple[str, str]]:
    """Return what a flow names, as (kind, slug): by its steps, and in the criteria of steps and settings."""
    catalogue = replace(load_catalogue(), flow=known_of(draft))
    found: set[tuple[str, str]] = set()
    for node in draft.nodes.values():
        for used, asked in _of(node):
            found |= {_pair(used)} if used else _read(asked, catalogue)
    for name in STANDING:
        if document := settings.get(name):
            found |= _read(document, catalogue)
    return found


def _of(node: GraphNode) -> Iterator[tuple[str, Any]]:
    """Yield what a step uses, and the criteria it asks; nothing while its settings cannot be read."""
    if node.type is None:
        return
    try:
        settings = node.read()
    except ValidationError:
        return
    yield from ((used, None) for used in node.type.uses(settings))
    yield from (("", document) for document in node.questions().values())


def _pair(used: str) -> tuple[str, str]:
    kind, _, slug = used.partition(":")
    return kind, slug


def _read(document: Any, catalogue: Catalogue) -> set[tuple[str, str]]:
    try:
        return {_pair(fact) for fact in criteria.parse(document, catalogue).reads}
    except Refused:
        return set()


def _segments(slugs: set[str]) -> list[Document]:
    """Return copies of these segments and of those that their criteria name, each after what it needs."""
    catalogue = load_catalogue()
    copies: dict[str, Document] = {}
    order: list[str] = []
    ahead = sorted(slugs)
    while ahead:
        found = {one.slug: one for one in Segment.objects.filter(slug__in=ahead).select_related("rule")}
        order = [*found, *(one for one in order if one not in found)]
        copies |= {slug: _segment(one) for slug, one in found.items()}
        needed = {
            slug
            for one in found.values()
            if one.rule
            for kind, slug in _read(one.rule.document, catalogue)
            if kind == "segment"
        }
        ahead = sorted(needed - copies.keys())
        order = [*sorted(needed & copies.keys()), *(one for one in order if one not in needed)]
    return [copies[slug] for slug in order if slug in copies]


def _segment(one: Segment) -> Document:
    return {"slug": one.slug, "name": one.name, "kind": one.kind, "criteria": one.rule.document if one.rule else None}


def _templates(slugs: Iterable[str]) -> list[Template]:
    return list(Template.objects.filter(slug__in=list(slugs)).select_related("topic").order_by("slug"))


def _message(one: Template) -> Document:
    return {
        "slug": one.slug,
        "topic": one.topic.slug if one.topic else "",
        **{part: getattr(one, part) for part in PARTS},
    }


# Using it ---------------------------------------------------------------------------------------------------------------


@transaction.atomic
def use(template: OwnTemplate, *, actor: Actor, name: str = "") -> Flow:
    """Make a draft of it; segments, messages and lists of its names that are there are used, missing ones made."""
    document = template.document
    for one in document["lists"]:
        if not List.objects.filter(slug=one["slug"]).exists():
            create_list(name=one["name"], slug=one["slug"], actor=actor)
    for one in document["segments"]:
        if not Segment.objects.filter(slug=one["slug"], archived_at=None).exists():
            create_segment(**one, actor=actor)
    for one in document["messages"]:
        if not Template.objects.filter(slug=one["slug"]).exists():
            _write(one, actor)
    return create_flow(
        name=name or template.name,
        description=template.about,
        draft=_known(document["draft"]),
        settings=activation.read(document["settings"]).model_dump(mode="json", exclude_defaults=True),
        actor=actor,
    )


def _known(draft: Document) -> Document:
    """Return the draft, refused where a kind of step of it is not there any more."""
    unknown = sorted({one["kind"] for one in draft["nodes"]} - KINDS.keys())
    if unknown:
        raise refuse(
            "template", f"There is no kind of step “{unknown[0]}” any more; this template cannot be used.", 409
        )
    return draft


def _write(copy: Document, actor: Actor) -> None:
    """Make a message of its copy; one whose topic is gone goes to the usual one."""
    _, usual = ensure_defaults()
    topic = copy["topic"]
    if topic and not Topic.objects.filter(slug=topic).exists():
        topic = usual.slug
    made = create_template(**{**copy, "topic": topic}, actor=actor)
    publish_template(made, actor=actor)


@transaction.atomic
def forget(template: OwnTemplate, *, actor: Actor) -> None:
    """Delete a template of one's own; flows that were made of it stay."""
    record(actor, "flow.template_deleted", template.slug, name=template.name)
    template.delete()
