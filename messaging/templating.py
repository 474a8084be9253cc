"""The verbs on templates: written as drafts, published as versions that never change."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction
from django.db.models import Max, ProtectedError
from django.utils.text import slugify

from contacts.models import Contact, Topic
from messaging.language import TEMPLATE_LIMIT, TemplateFault
from messaging.models import TEXTS, Channel, Template, TemplateVersion
from messaging.rendering import Email, Words, faults_of, render_email, render_text
from messaging.scenes import preview_values
from workspace import audit, clock
from workspace.clean import Unclean, check
from workspace.problems import Fault, Refused, refuse
from workspace.taken import refuse_taken
from workspace.uses import refuse_if_used, set_uses

PARTS = ("subject", "preheader", "body")
CHANGEABLE = frozenset({"name", "transactional", "topic", *PARTS})
WRITTEN: tuple[str, ...] = (Channel.EMAIL, *TEXTS)
_SLUG = re.compile(r"^[a-z][a-z0-9-]{0,62}$")


@transaction.atomic
def create_template(
    *, name: str, actor: audit.Actor, slug: str = "", channel: str = Channel.EMAIL, **parts: Any
) -> Template:
    """Make a template; its words may be changed until and after it is published."""
    if channel not in WRITTEN:
        raise refuse("channel", f"Templates are written for the channels {', '.join(WRITTEN)}.")
    template = Template(slug=_new_slug(slug, name), channel=channel)
    _put(template, {"name": name, **parts})
    template.save()
    _note_topic(template)
    audit.record(actor, "template.created", template.ref, slug=template.slug)
    return template


@transaction.atomic
def change_template(template: Template, *, actor: audit.Actor, **parts: Any) -> Template:
    """Change the words being written; what was published stays as it is."""
    template = Template.objects.select_for_update(no_key=True).get(pk=template.pk)
    _put(template, parts)
    template.save()
    _note_topic(template)
    audit.record(actor, "template.changed", template.ref, parts=sorted(parts))
    return template


def _put(template: Template, parts: Mapping[str, Any]) -> None:
    if unknown := sorted(set(parts) - CHANGEABLE):
        raise Refused(
            "The template has faults.", [Fault(one, "There is no such part of a template.") for one in unknown]
        )
    faults = [fault for name, value in parts.items() if (fault := _part_fault(name, value))]
    if faults:
        raise Refused("The template has faults.", faults)
    for name, value in parts.items():
        setattr(template, name, _topic(value) if name == "topic" else value)


def _part_fault(name: str, value: Any) -> Fault | None:
    if name == "transactional":
        return None if isinstance(value, bool) else Fault(name, "Send true or false.")
    if name == "topic":
        return None if value is None or isinstance(value, str | Topic) else Fault(name, "Name a topic by its slug.")
    if not isinstance(value, str):
        return Fault(name, "Send a text.")
    try:
        check(value, name)
    except Unclean as error:
        return Fault(name, error.message)
    if name == "name" and not 1 <= len(value.strip()) <= 120:
        return Fault(name, "Give a name of 1 to 120 characters.")
    if len(value.encode()) > TEMPLATE_LIMIT:
        return Fault(name, f"The text is larger than {TEMPLATE_LIMIT // 1024} kB; shorten it.")
    return None


def _topic(value: str | Topic | None) -> Topic | None:
    if not isinstance(value, str):
        return value
    if not value:
        return None
    topic = Topic.objects.filter(slug=value).first()
    if topic is None:
        raise refuse("topic", f'There is no topic "{value[:63]}".')
    return topic


def _note_topic(template: Template) -> None:
    set_uses(f"template:{template.slug}", [f"topic:{template.topic.slug}"] if template.topic else [])


def _new_slug(slug: str, name: str) -> str:
    if slug:
        if not isinstance(slug, str) or not _SLUG.match(slug):
            raise refuse(
                "slug", "A slug starts with a letter and has only a-z, 0-9 and hyphens, at most 63 characters."
            )
        refuse_taken(Template, "slug", slug)
        return slug
    base = re.sub(r"^[^a-z]+", "", slugify(str(name)))[:55] or "template"
    taken = set(Template.objects.filter(slug__startswith=base).values_list("slug", flat=True))
    return next(one for one in (base, *(f"{base}-{n}" for n in range(2, 10**6))) if one not in taken)


def words_of(source: Template | TemplateVersion) -> Words:
    """Return the parts that are rendered."""
    return Words(source.subject, source.preheader, source.body)


def faults(template: Template) -> list[Fault]:
    """Return what stops a template from being published."""
    found = faults_of(words_of(template), text=template.channel != Channel.EMAIL)
    needed = (
        (("subject", "a subject"), ("body", "a body")) if template.channel == Channel.EMAIL else (("body", "a text"),)
    )
    for part, name in needed:
        if not getattr(template, part).strip():
            found.insert(0, Fault(part, f"The template needs {name}."))
    return found


@transaction.atomic
def publish_template(template: Template, *, actor: audit.Actor) -> TemplateVersion:
    """Freeze the words as the newest version; when nothing changed since the last, answer that one."""
    template = Template.objects.select_for_update(no_key=True).get(pk=template.pk)
    if found := faults(template):
        raise Refused("The template cannot be published yet.", found)
    digest = digest_of(template)
    if template.version is not None and template.version.digest == digest:
        return template.version
    last = template.versions.aggregate(last=Max("number"))["last"] or 0
    version = TemplateVersion.objects.create(
        template=template,
        number=last + 1,
        transactional=template.transactional,
        topic=template.topic.slug if template.topic else "",
        digest=digest,
        **{part: getattr(template, part) for part in PARTS},
    )
    template.version = version
    template.save(update_fields=["version", "updated_at"])
    audit.record(actor, "template.published", template.ref, number=version.number)
    return version


def digest_of(template: Template) -> str:
    """Return what two versions of the same words have in common."""
    topic = template.topic.slug if template.topic else ""
    whole = [*(getattr(template, part) for part in PARTS), template.transactional, topic]
    return hashlib.sha256(json.dumps(whole).encode()).hexdigest()


def duplicate_template(template: Template, *, actor: audit.Actor) -> Template:
    """Make an unpublished copy."""
    parts = {part: getattr(template, part) for part in PARTS}
    return create_template(
        name=f"Copy of {template.name}"[:120],
        actor=actor,
        channel=template.channel,
        transactional=template.transactional,
        topic=template.topic,
        **parts,
    )


@transaction.atomic
def archive_template(template: Template, *, actor: audit.Actor, archived: bool = True) -> Template:
    """Take a template out of sight (or back); flows that were published with it go on."""
    template.archived_at = clock.now() if archived else None
    template.save(update_fields=["archived_at", "updated_at"])
    audit.record(actor, "template.archived" if archived else "template.restored", template.ref)
    return template


@transaction.atomic
def delete_template(template: Template, *, actor: audit.Actor) -> None:
    """Delete a template that nothing uses and that was never sent."""
    refuse_if_used(f"template:{template.slug}")
    set_uses(f"template:{template.slug}", [])
    audit.record(actor, "template.deleted", template.ref, slug=template.slug)
    Template.objects.filter(pk=template.pk).update(version=None)
    try:
        with transaction.atomic():
            template.delete()
    except ProtectedError as error:
        raise Refused("Messages were sent with this template; archive it instead.", status=409) from error


def pin(slugs: Iterable[str]) -> dict[str, int]:
    """Return the published version of each of these templates; one that is unpublished or archived is absent."""
    found = Template.objects.filter(slug__in=set(slugs), version__isnull=False, archived_at__isnull=True)
    return {slug: version for slug, version in found.values_list("slug", "version_id") if version is not None}


def render_preview(
    template: Template | Words,
    contact: Contact | None = None,
    event: Mapping[str, Any] | None = None,
    *,
    channel: str = Channel.EMAIL,
) -> Email:
    """Render a template as it stands for a contact (or an invented one); raise Refused with the fault."""
    words = template if isinstance(template, Words) else words_of(template)
    channel = channel if isinstance(template, Words) else template.channel
    try:
        return (render_email if channel == Channel.EMAIL else render_text)(words, preview_values(contact, event))
    except TemplateFault as fault:
        raise refuse("body", str(fault)) from fault
