"""The pages of templates."""

from typing import Any

from django.contrib import messages as notes
from django.contrib.auth.decorators import login_required, permission_required
from django.forms import TextInput
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from contacts.models import Contact
from contacts.services import find_contact
from messaging import listing, templating
from messaging.forms import NewTemplateForm, TemplateForm, TestForm
from messaging.language import TEMPLATE_LIMIT
from messaging.models import Template
from messaging.rendering import CONTACT_TAGS, Words
from messaging.scenes import example_event
from messaging.testing import send_test
from workspace.audit import Actor
from workspace.problems import Refused
from workspace.uses import InUse, users_of

NEVER_SCRIPT = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data: http: https:; "
    "font-src http: https:; frame-ancestors 'self'"
)
TAGS = [(f"{{{{ contact.{name} }}}}", label) for name, label in CONTACT_TAGS.items() if name != "customProperties"]


def actor(request: HttpRequest) -> Actor:
    """Name the person behind a page."""
    return Actor.of(user=request.user)


def framed(html: str, *, links: bool = False) -> HttpResponse:
    """Answer HTML that somebody else wrote: no script runs in it, wherever it is shown; links may open new windows."""
    response = HttpResponse(html)
    allowed = "sandbox allow-popups allow-popups-to-escape-sandbox;" if links else "sandbox;"
    response["Content-Security-Policy"] = NEVER_SCRIPT.replace("sandbox;", allowed)
    return response


@login_required
def templates(request: HttpRequest) -> HttpResponse:
    """List templates; make one."""
    form = NewTemplateForm(request.POST or None)
    if request.method == "POST":
        return _new_template(request, form)
    found = Template.objects.select_related("version", "topic").order_by("-updated_at")
    archived = request.GET.get("archived") == "1"
    found = found.filter(archived_at__isnull=not archived)
    if q := listing.clean_text(request.GET.get("q")):
        found = found.filter(name__icontains=q)
    context = {"templates": [_row(one) for one in found[:200]], "q": q, "archived": archived, "form": form}
    return render(request, "messaging/templates.html", context)


def _row(template: Template) -> dict[str, Any]:
    return {"it": template, "state": state_of(template)}


def state_of(template: Template) -> str:
    """Say whether a template is published as it stands."""
    if template.version is None:
        return "unpublished"
    same = template.version.digest == templating.digest_of(template)
    return "published" if same else "changed since published"


@permission_required("messaging.add_template", raise_exception=True)
def _new_template(request: HttpRequest, form: NewTemplateForm) -> HttpResponse:
    if not form.is_valid():
        notes.error(request, "Give the template a name of at most 120 characters.")
        return redirect("templates")
    channel = form.cleaned_data["channel"] or "email"
    made = templating.create_template(name=form.cleaned_data["name"], channel=channel, actor=actor(request))
    return redirect("template", made.pk)


@login_required
def template(request: HttpRequest, pk: int) -> HttpResponse:
    """Edit one template beside its preview; publish, test, copy, archive, delete."""
    one = get_object_or_404(Template.objects.select_related("version", "topic"), pk=pk)
    if request.method == "POST":
        return _change_template(request, one)
    return _template_page(request, one, TemplateForm(instance=one))


def _template_page(request: HttpRequest, one: Template, form: TemplateForm, status: int = 200) -> HttpResponse:
    context = {
        "template": one,
        "form": form,
        "state": state_of(one),
        "faults": templating.faults(one),
        "tags": [*TAGS, ("{{ unsubscribe_url }}", "Unsubscribe link"), ("{{ workspace.name }}", "Workspace")],
        "people": Contact.objects.filter(erased_at=None, merged_into=None).exclude(email="").order_by("-pk")[:20],
        "contact": listing.clean_text(request.GET.get("contact")),
        "test": _test_form(request, one),
        "versions": one.versions.order_by("-number")[:10],
        "used_by": users_of(f"template:{one.slug}"),
    }
    return render(request, "messaging/template.html", context, status=status)


def _test_form(request: HttpRequest, one: Template) -> TestForm:
    form = TestForm(initial={"address": getattr(request.user, "email", "")} if one.channel == "email" else None)
    if one.channel != "email":
        form.fields["address"].widget = TextInput()
    return form


@permission_required("messaging.change_template", raise_exception=True)
def _change_template(request: HttpRequest, one: Template) -> HttpResponse:
    action = next((name for name in ACTIONS if name in request.POST), "save")
    try:
        return ACTIONS[action](request, one)
    except (Refused, InUse) as error:
        notes.error(request, " ".join([str(error), *(fault.message for fault in getattr(error, "faults", []))])[:600])
        return redirect("template", one.pk)


def _save(request: HttpRequest, one: Template) -> HttpResponse:
    form = TemplateForm(request.POST, instance=one)
    if not form.is_valid():
        return _template_page(request, one, form, status=422)
    one.refresh_from_db()
    templating.change_template(one, actor=actor(request), **form.cleaned_data)
    notes.success(request, "Saved.")
    return redirect("template", one.pk)


def _publish(request: HttpRequest, one: Template) -> HttpResponse:
    form = TemplateForm(request.POST, instance=one)
    if not form.is_valid():
        return _template_page(request, one, form, status=422)
    one.refresh_from_db()
    changed = templating.change_template(one, actor=actor(request), **form.cleaned_data)
    version = templating.publish_template(changed, actor=actor(request))
    notes.success(
        request, f"Published as version {version.number}. Flows that run keep theirs until they are published."
    )
    return redirect("template", one.pk)


def _test(request: HttpRequest, one: Template) -> HttpResponse:
    form = TestForm(request.POST)
    address = form.data.get("address", "")
    contact = find_contact(listing.clean_text(request.POST.get("contact")))
    send_test(one, address=address, contact=contact, actor=actor(request))
    notes.success(request, f"The test is on its way to {address}.")
    return redirect("template", one.pk)


def _duplicate(request: HttpRequest, one: Template) -> HttpResponse:
    return redirect("template", templating.duplicate_template(one, actor=actor(request)).pk)


def _archive(request: HttpRequest, one: Template) -> HttpResponse:
    templating.archive_template(one, actor=actor(request), archived=one.archived_at is None)
    return redirect("templates")


@permission_required("messaging.delete_template", raise_exception=True)
def _delete(request: HttpRequest, one: Template) -> HttpResponse:
    templating.delete_template(one, actor=actor(request))
    notes.success(request, f"{one.name} is gone.")
    return redirect("templates")


ACTIONS = {
    "publish": _publish,
    "test": _test,
    "duplicate": _duplicate,
    "archive": _archive,
    "delete": _delete,
    "save": _save,
}


@login_required
def template_preview(request: HttpRequest, pk: int) -> HttpResponse:
    """Answer the preview that stands in the sandboxed frame: of what is saved, or of what the form holds."""
    one = get_object_or_404(Template, pk=pk)
    given = request.POST if request.method == "POST" else request.GET
    words = templating.words_of(one)
    if request.method == "POST":
        words = Words(*(given.get(part, "")[:TEMPLATE_LIMIT] for part in templating.PARTS))
    contact = find_contact(listing.clean_text(given.get("contact")))
    try:
        event = example_event(f"{words.subject} {words.body}", contact)
        email = templating.render_preview(words, contact, event, channel=one.channel)
    except Refused as error:
        return framed(render(request, "messaging/_preview_fault.html", {"fault": error.detail}).content.decode())
    if given.get("part") == "text":
        return HttpResponse(email.text, content_type="text/plain; charset=utf-8")
    headed = one.channel == "email" or email.subject
    shown = {"subject": email.subject, "channel": one.channel}
    head = render(request, "messaging/_preview_head.html", shown).content.decode() if headed else ""
    return framed(head + email.html)
