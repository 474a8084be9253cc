"""From a claimed message to what would go over the wire, before any gate is asked."""

import json
from collections.abc import Mapping
from email.utils import formataddr
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.html import format_html

from contacts.addresses import BadAddress, normal_email
from messaging.channels.base import Outgoing
from messaging.language import TemplateFault, render
from messaging.models import Channel, Message, Sender
from messaging.rendering import Email, Words, one_line, render_document, render_email
from messaging.scenes import contact_values, values_for
from messaging.tokens import unsubscribe_url
from workspace import calling
from workspace.models import Workspace

OPT_OUT = "Opt out: {{ unsubscribe_url }}"
DEFAULT_NOTICE = "{{ contact.firstName }} {{ contact.lastName }} has come to this step."
METHODS = ("POST", "PUT", "PATCH", "GET", "DELETE")


def compose(message: Message, house: Workspace, sender: Sender | None) -> Outgoing:
    """Render a message for its contact; raise TemplateFault with the reason when any part of it fails."""
    if message.channel == "webhook":
        return _request(message, house)
    if message.channel == Channel.EMAIL:
        return _email(message, house, sender)
    return _notice(message, house, sender) if message.channel == Channel.STAFF else _text(message, house)


def _notice(message: Message, house: Workspace, sender: Sender | None) -> Outgoing:
    """Compose what one's own people are told, with a link to the contact."""
    values = values_for(contact_values(message.contact), message.content, house, "")
    words = words_of(message)
    foot = format_html('<a href="{}">Open the contact</a>', _page_of(message))
    return Outgoing(
        key=message.key,
        channel=message.channel,
        marketing=False,
        email=render_email(Words(words.subject, "", words.body or DEFAULT_NOTICE), values, foot=str(foot)),
        from_address=from_of(sender),
    )


def _page_of(message: Message) -> str:
    return f"{str(settings.SITE_URL).rstrip('/')}{reverse('contact', args=[message.contact_id])}"


def _text(message: Message, house: Workspace) -> Outgoing:
    """Compose a message that is nothing but text, perhaps with a title and what it opens."""
    marketing, link = message.klass == Message.Class.MARKETING, unsubscribe_url(message)
    values = values_for(contact_values(message.contact), message.content, house, link)
    words = words_of(message)
    text = render(words.body, values).strip()
    if not text:
        raise TemplateFault("The text is empty for this contact; give its merge tags a default.")
    opens = render(str(message.content.get("link") or ""), _quoted(values)).strip()
    parts = [text, opens, _opt_out(message, words, values) if marketing else ""]
    return Outgoing(
        key=message.key,
        channel=message.channel,
        marketing=marketing,
        title=one_line(render(words.subject, values)),
        text="\n".join(part for part in parts if part),
        from_address=one_line(render(str(message.content.get("sender_name") or house.name), values)),
        unsubscribe_url=link,
    )


def _opt_out(message: Message, words: Words, values: Mapping[str, Any]) -> str:
    """Return the line by which people say that they want no more of it; SMS alone must have one."""
    if message.channel != Channel.SMS or "unsubscribe_url" in words.body:
        return ""
    return one_line(render(str(message.content.get("opt_out") or OPT_OUT), values))


def _email(message: Message, house: Workspace, sender: Sender | None) -> Outgoing:
    marketing = message.klass == Message.Class.MARKETING
    link = unsubscribe_url(message)
    words = words_of(message)
    values = values_for(contact_values(message.contact), message.content, house, link)
    if not (words.subject.strip() and words.body.strip()):
        raise TemplateFault("The message has no subject or no body.")
    email = render_email(words, values, foot=_foot(words, house, link) if marketing else "")
    if not email.subject:
        raise TemplateFault("The subject is empty for this contact; give its merge tags a default.")
    return Outgoing(
        key=message.key,
        channel=message.channel,
        marketing=marketing,
        email=email,
        from_address=from_of(sender),
        reply_to=_reply_to(message.content, sender),
        unsubscribe_url=link,
    )


def words_of(message: Message) -> Words:
    """Return the unrendered words: the message's own where it has them, else its template version's."""
    own, version = message.content, message.template_version
    return Words(*(str(own.get(part) or getattr(version, part, "")) for part in ("subject", "preheader", "body")))


def rendered(message: Message, house: Workspace) -> Email | None:
    """Return a message as it renders now, a text as its title and text; None when there is none to show."""
    try:
        made = compose(message, house, message.sender)
        return made.email or (Email(made.title, "", made.text) if made.text else None)
    except TemplateFault:
        return None


def _foot(words: Words, house: Workspace, link: str) -> str:
    line = format_html("{}<br>", house.sender_line) if house.sender_line else ""
    if "unsubscribe_url" in words.body:
        return str(line).removesuffix("<br>")
    return str(format_html('{}<a href="{}" style="color:#667085">Unsubscribe</a>', line, link))


def from_of(sender: Sender | None) -> str:
    """Return the From header of a sender."""
    return _from(sender.display_name, sender.address) if sender else str(settings.DEFAULT_FROM_EMAIL)


@lru_cache(maxsize=256)
def _from(name: str, address: str) -> str:
    return formataddr((one_line(name), one_line(address)))


def _reply_to(content: Mapping[str, Any], sender: Sender | None) -> str:
    wanted = str(content.get("reply_to") or (sender.reply_to if sender else ""))
    try:
        return normal_email(wanted) if wanted else ""
    except BadAddress as error:
        raise TemplateFault(f"The reply address is not usable: {error}") from error


def _request(message: Message, house: Workspace) -> Outgoing:
    content = message.content
    values = values_for(contact_values(message.contact), content, house, "")
    request = {
        "method": str(content.get("method") or "POST").upper(),
        "url": str(render_document(content.get("url", ""), _quoted(values))),
        "headers": {k: one_line(str(v)) for k, v in render_document(content.get("headers") or {}, values).items()},
        "body": _body(content.get("body"), values, message),
    }
    if request["method"] not in METHODS:
        raise TemplateFault(f"The method is none of {', '.join(METHODS)}.")
    try:
        calling.split(str(request["url"]))
    except calling.NotCalled as error:
        raise TemplateFault(str(error)) from error
    return Outgoing(key=message.key, channel=message.channel, marketing=False, request=request)


def _quoted(values: dict[str, Any]) -> dict[str, Any]:
    """Return the values for a URL, in which a contact's text must never choose the host or add parts."""
    return {name: _quote(value) for name, value in values.items()}


def _quote(value: Any) -> Any:
    if isinstance(value, str):
        return calling.quote(value)
    if isinstance(value, dict):
        return {key: _quote(one) for key, one in value.items()}
    return [_quote(one) for one in value] if isinstance(value, list) else value


def _body(body: Any, values: dict[str, Any], message: Message) -> str:
    """Return the body: a JSON document with its texts rendered, a rendered text, or the contact and the event."""
    if body in (None, "", {}):
        return json.dumps(
            {"type": "tributary.webhook", "key": message.key, "contact": values["contact"], "event": values["event"]}
        )
    document = _document(body) if isinstance(body, str) else body
    return json.dumps(render_document(document, values)) if document is not None else render_document(str(body), values)


@lru_cache(maxsize=256)
def _document(text: str) -> Any:
    """Return a text as a JSON document, or None when it is not one as it stands."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict | list) else None
