"""The API of messaging: /api/v1/templates/, senders/ and topics/."""

import re
from typing import Any

from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from contacts.models import Contact, Topic
from contacts.services import find_contact
from contacts.wire import Door as ContactsDoor
from messaging import naming, templating, testing, wire
from messaging.models import Sender, Template
from workspace.api import actor_of
from workspace.problems import refuse
from workspace.tags import refuse_stale, tag

ANYTHING = OpenApiTypes.OBJECT
TEMPLATES = Template.objects.select_related("topic", "version")


class Door(ContactsDoor):
    """What the views of this floor share."""

    write_permission = "messaging.change_template"


def found(rows: QuerySet[Any], ref: str, prefix: str) -> Any:
    """Return the row of an id (tpl_5, 5) or slug, or answer 404."""
    match = re.fullmatch(rf"(?:{prefix}_)?([0-9]{{1,18}})", ref, re.ASCII)
    held: Model | None = (rows.filter(pk=int(match[1])) if match else rows.filter(slug=ref.replace("\x00", ""))).first()
    if held is None:
        raise Http404
    return held


def contact_of(ref: str) -> Contact | None:
    """Return the contact a preview names, or None for the invented one."""
    if not ref:
        return None
    contact = find_contact(ref)
    if contact is None:
        raise refuse("contact", "There is no such contact.")
    return contact


def changed(template: Template) -> list[Any]:
    """Return what changes whenever somebody changes the template."""
    return [template.pk, template.updated_at]


def answer(template: Template, status: int = 200) -> Response:
    """Answer a template with its ETag."""
    held = TEMPLATES.get(pk=template.pk)
    body = wire.template_out(held)
    return Response(body, status=status, headers={"ETag": tag(changed(held), body)})


class TemplatesView(Door):
    """All templates."""

    @extend_schema(operation_id="templates_list", parameters=[OpenApiParameter("archived", bool)], responses=ANYTHING)
    def get(self, request: Request) -> Response:
        """List templates, newest first; archived ones only when asked for."""
        rows = TEMPLATES.filter(archived_at__isnull=request.query_params.get("archived") not in ("1", "true"))
        return self.page(rows, lambda page: [wire.template_out(one) for one in page])

    @extend_schema(request=wire.TemplateInput, responses={201: ANYTHING})
    def post(self, request: Request) -> Response:
        """Make a template, not yet published."""
        said = self.said(request, wire.TemplateInput)
        return answer(templating.create_template(actor=actor_of(request), **said), 201)


class TemplateView(Door):
    """One template, by tpl_5 or slug."""

    @extend_schema(responses=ANYTHING)
    def get(self, request: Request, ref: str) -> Response:
        """Read a template."""
        return answer(found(TEMPLATES, ref, "tpl"))

    @extend_schema(request=wire.TemplateChange, responses=ANYTHING)
    def patch(self, request: Request, ref: str) -> Response:
        """Change the words being written; what was published stays."""
        said = self.said(request, wire.TemplateChange)
        with transaction.atomic():
            template = self.unchanged(request, ref)
            return answer(templating.change_template(template, actor=actor_of(request), **said))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, ref: str) -> Response:
        """Delete a template that nothing uses and that was never sent; 409 names the users."""
        with transaction.atomic():
            templating.delete_template(self.unchanged(request, ref), actor=actor_of(request))
        return Response(status=204)

    def unchanged(self, request: Request, ref: str) -> Template:
        """Return the template unless it changed since the caller read it; one caller at a time."""
        Template.objects.select_for_update(no_key=True).get(pk=found(TEMPLATES, ref, "tpl").pk)
        template: Template = found(TEMPLATES, ref, "tpl")
        refuse_stale(request, changed(template), "template")
        return template


class TemplatePublishView(Door):
    """Publishing."""

    @extend_schema(request=None, responses=ANYTHING)
    def post(self, request: Request, ref: str) -> Response:
        """Freeze the words as the newest version."""
        template = found(TEMPLATES, ref, "tpl")
        templating.publish_template(template, actor=actor_of(request))
        return answer(template)


class TemplateDuplicateView(Door):
    """Copying."""

    @extend_schema(request=None, responses={201: ANYTHING})
    def post(self, request: Request, ref: str) -> Response:
        """Make an unpublished copy."""
        return answer(templating.duplicate_template(found(TEMPLATES, ref, "tpl"), actor=actor_of(request)), 201)


class TemplateArchiveView(Door):
    """Archiving and bringing back."""

    archived = True

    @extend_schema(request=None, responses=ANYTHING)
    def post(self, request: Request, ref: str) -> Response:
        """Take a template out of sight, or back."""
        template = found(TEMPLATES, ref, "tpl")
        return answer(templating.archive_template(template, actor=actor_of(request), archived=self.archived))


class TemplatePreviewView(Door):
    """Rendering."""

    write_scope = "read"

    @extend_schema(request=wire.TemplatePreviewInput, responses=ANYTHING)
    def post(self, request: Request, ref: str) -> Response:
        """Render a template as it stands for a contact and an event, with what would keep it from being published."""
        template = found(TEMPLATES, ref, "tpl")
        said = self.said(request, wire.TemplatePreviewInput)
        email = templating.render_preview(template, contact_of(said["contact"]), said["event"])
        faults = [fault.as_json() for fault in templating.faults(template)]
        return Response({"subject": email.subject, "html": email.html, "text": email.text, "faults": faults})


class TemplateTestView(Door):
    """Test sends."""

    @extend_schema(request=wire.TestInput, responses=ANYTHING)
    def post(self, request: Request, ref: str) -> Response:
        """Send a template as it stands to an address."""
        said = self.said(request, wire.TestInput)
        contact = contact_of(said["contact"])
        template = found(TEMPLATES, ref, "tpl")
        receipt = testing.send_test(template, address=said["address"], contact=contact, actor=actor_of(request))
        return Response({"sent": True, "provider_id": receipt.provider_id})


class SendersView(Door):
    """All senders."""

    write_permission = "messaging.change_sender"

    @extend_schema(operation_id="senders_list", responses=ANYTHING)
    def get(self, request: Request) -> Response:
        """List senders."""
        return self.page(Sender.objects.all(), lambda page: [wire.sender_out(one) for one in page])

    @extend_schema(request=wire.SenderInput, responses={201: ANYTHING})
    def post(self, request: Request) -> Response:
        """Make a sender."""
        said = self.said(request, wire.SenderInput)
        return Response(wire.sender_out(naming.create_sender(actor=actor_of(request), **said)), status=201)


class SenderView(Door):
    """One sender, by snd_1 or slug."""

    write_permission = "messaging.change_sender"

    @extend_schema(responses=ANYTHING)
    def get(self, request: Request, ref: str) -> Response:
        """Read a sender."""
        return Response(wire.sender_out(found(Sender.objects.all(), ref, "snd")))

    @extend_schema(request=wire.SenderChange, responses=ANYTHING)
    def patch(self, request: Request, ref: str) -> Response:
        """Change a sender."""
        sender = found(Sender.objects.all(), ref, "snd")
        said = self.said(request, wire.SenderChange)
        return Response(wire.sender_out(naming.change_sender(sender, actor=actor_of(request), **said)))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, ref: str) -> Response:
        """Delete a sender that nothing was sent by."""
        naming.delete_sender(found(Sender.objects.all(), ref, "snd"), actor=actor_of(request))
        return Response(status=204)


class TopicsView(Door):
    """All topics."""

    @extend_schema(operation_id="topics_list", responses=ANYTHING)
    def get(self, request: Request) -> Response:
        """List topics."""
        return self.page(Topic.objects.all(), lambda page: [wire.topic_out(one) for one in page])

    @extend_schema(request=wire.TopicInput, responses={201: ANYTHING})
    def post(self, request: Request) -> Response:
        """Make a topic."""
        said = self.said(request, wire.TopicInput)
        return Response(wire.topic_out(naming.create_topic(actor=actor_of(request), **said)), status=201)


class TopicView(Door):
    """One topic, by top_1 or slug."""

    @extend_schema(responses=ANYTHING)
    def get(self, request: Request, ref: str) -> Response:
        """Read a topic."""
        return Response(wire.topic_out(found(Topic.objects.all(), ref, "top")))

    @extend_schema(request=wire.TopicChange, responses=ANYTHING)
    def patch(self, request: Request, ref: str) -> Response:
        """Change how a topic is called."""
        topic = found(Topic.objects.all(), ref, "top")
        said = self.said(request, wire.TopicChange)
        return Response(wire.topic_out(naming.change_topic(topic, actor=actor_of(request), **said)))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, ref: str) -> Response:
        """Delete a topic that nothing uses."""
        naming.delete_topic(found(Topic.objects.all(), ref, "top"), actor=actor_of(request))
        return Response(status=204)
