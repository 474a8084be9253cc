"""From a template to a flow: what it needs is made where it is missing, and the flow is a draft to look over."""

from django.db import transaction

from contacts.declaring import declare_attribute
from contacts.models import Attribute, List
from contacts.services import create_list
from flows.library import TEMPLATES
from flows.library.base import Audience, FlowTemplate, Letter, Parts
from flows.models import Flow
from flows.services import create_flow
from messaging.defaults import ensure_defaults
from messaging.models import Template
from messaging.services import create_template, publish_template
from segmentation.models import Segment
from segmentation.services import create_segment
from workspace import purchases
from workspace.audit import Actor
from workspace.problems import refuse


@transaction.atomic
def make(slug: str, *, actor: Actor, name: str = "") -> Flow:
    """Make a draft of a template with all that it needs; segments and messages of its names that are there are used."""
    found = TEMPLATES.get(slug)
    if found is None:
        raise refuse("template", f"There is no template “{slug[:60]}”; choose one of {', '.join(TEMPLATES)}.")
    parts = found.build(purchases.mapping())
    for audience in parts.audiences:
        _segment(audience, actor)
    _, topic = ensure_defaults()
    for one in parts.letters:
        _message(one, topic.slug, actor)
    for list_slug, list_name in parts.lists:
        if not List.objects.filter(slug=list_slug).exists():
            create_list(name=list_name, slug=list_slug, actor=actor)
    for attribute, kind in parts.attributes:
        if not Attribute.objects.filter(name=attribute).exists():
            declare_attribute(name=attribute, type=kind, personal=True, actor=actor)
    return _flow(found, parts, name, actor)


def _segment(audience: Audience, actor: Actor) -> None:
    if not Segment.objects.filter(slug=audience.slug, archived_at=None).exists():
        create_segment(name=audience.name, slug=audience.slug, kind="dynamic", criteria=audience.criteria, actor=actor)


def _message(one: Letter, topic: str, actor: Actor) -> None:
    if Template.objects.filter(slug=one.slug).exists():
        return
    made = create_template(
        name=one.name,
        slug=one.slug,
        topic="" if one.transactional else topic,
        subject=one.subject,
        body=one.body,
        transactional=one.transactional,
        actor=actor,
    )
    publish_template(made, actor=actor)


def _flow(template: FlowTemplate, parts: Parts, name: str, actor: Actor) -> Flow:
    return create_flow(
        name=name or template.name,
        description=template.about,
        draft=parts.draft(),
        settings=parts.settings,
        actor=actor,
    )
