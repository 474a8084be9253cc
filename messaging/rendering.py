"""From a template and a contact to what is sent: HTML, its plain text, and a subject of one line."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import css_inline
from django.utils.html import escape, linebreaks, urlize

from messaging.language import TemplateFault, compiled, render, roots
from messaging.plain_text import text_of
from workspace.problems import Fault

SUBJECT_LIMIT = 500
ROOTS = {"contact", "event", "answers", "unsubscribe_url", "workspace", "campaign"}
CONTACT_TAGS = {
    "userId": "User id",
    "email": "Email",
    "phone": "Phone",
    "firstName": "First name",
    "lastName": "Last name",
    "country": "Country",
    "city": "City",
    "language": "Language",
    "timezone": "Time zone",
    "customProperties": "Own attributes",
}
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")
_MARKUP = re.compile(r"<[a-zA-Z!/][^>]*>")
_SCRIPT = re.compile(r"<\s*(script|iframe|object|embed|form)\b|(href|src)\s*=\s*[\"']?\s*(javascript|vbscript):", re.I)
_LAYOUT = """<!doctype html>
<html><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">\
<meta name="color-scheme" content="light dark"></head>
<body style="margin:0;padding:24px;background:#f4f5f7;font:16px/1.55 -apple-system,Segoe UI,Roboto,Helvetica,Arial,sans-serif;color:#1d2330">
<div style="max-width:600px;margin:0 auto;padding:32px;background:#ffffff;border-radius:12px">{body}</div>
</body></html>"""
_PREHEADER = '<div style="display:none;max-height:0;overflow:hidden;opacity:0">{text}</div>'
_FOOT = '<p style="max-width:600px;margin:24px auto 0;font-size:12px;line-height:1.5;color:#667085;text-align:center">{text}</p>'
_BODY = re.compile(r"<body\b", re.I)
_STYLE = re.compile(r"<style\b", re.I)
_inliner = css_inline.CSSInliner(load_remote_stylesheets=False, keep_style_tags=True)


@dataclass(frozen=True, slots=True)
class Words:
    """The unrendered parts of an email."""

    subject: str
    preheader: str
    body: str


@dataclass(frozen=True, slots=True)
class Email:
    """An email as it goes out."""

    subject: str
    html: str
    text: str


def faults_of(words: Words, *, text: bool = False) -> list[Fault]:
    """Return everything that stops these words from being published, each with its part and the mend."""
    found: list[Fault] = []
    for part in ("subject", "preheader", "body"):
        html = part == "body" and not text and is_html(words.body)
        found += [Fault(part, message) for message in _part_faults(getattr(words, part), html)]
    return found


def _part_faults(source: str, html: bool) -> list[str]:
    try:
        compiled(source, html)
        read = roots(source, html)
    except TemplateFault as fault:
        return [str(fault)]
    found = [f'There is no merge tag "{root}"; use {_offered()}.' for root in sorted(set(read) - ROOTS)]
    for name in sorted(read.get("contact", set()) - set(CONTACT_TAGS)):
        found.append(f'A contact has no "{name}"; your own attributes are contact.customProperties.{name}.')
    if html and _SCRIPT.search(source):
        found.append("Scripts, frames, forms and javascript: links are not sent; remove them.")
    return found


def _offered() -> str:
    return "contact.…, event.…, answers.…, workspace.name or unsubscribe_url"


def is_html(body: str) -> bool:
    """Tell whether a body is HTML; anything else is plain text."""
    return bool(_MARKUP.search(body))


def render_email(words: Words, values: Mapping[str, Any], *, foot: str = "") -> Email:
    """Render all parts; raise TemplateFault before any of it is sent. `foot` is ready HTML for the end."""
    html_source = is_html(words.body)
    body = render(words.body, values, html=html_source)
    if not html_source:
        body = linebreaks(urlize(body, autoescape=True), autoescape=False)
    preheader = one_line(render(words.preheader, values))
    return Email(
        subject=one_line(render(words.subject, values))[:SUBJECT_LIMIT],
        html=_finished(body, preheader, foot),
        text=text_of(body + foot),
    )


def render_text(words: Words, values: Mapping[str, Any]) -> Email:
    """Render words of a channel that knows no markup; whatever looks like HTML is shown as it stands."""
    text = render(words.body, values).strip()
    title = one_line(render(words.subject, values))[:SUBJECT_LIMIT]
    return Email(title, _LAYOUT.replace("{body}", linebreaks(urlize(text, autoescape=True), autoescape=False)), text)


def _finished(body: str, preheader: str, foot: str) -> str:
    whole = body if _BODY.search(body) else _LAYOUT.replace("{body}", body)
    if preheader:
        hidden = _PREHEADER.replace("{text}", escape(preheader))
        whole = re.sub(r"(<body\b[^>]*>)", lambda m: m[1] + hidden, whole, count=1, flags=re.I)
    if foot:
        whole = _before_end(whole, _FOOT.replace("{text}", foot))
    return _inliner.inline(whole) if _STYLE.search(whole) else whole


def _before_end(whole: str, part: str) -> str:
    head, mark, tail = whole.rpartition("</body>")
    return f"{head}{part}{mark}{tail}" if mark else whole + part


def one_line(text: str) -> str:
    """Return text without control characters and line breaks, as headers need it."""
    if text.isprintable():
        return " ".join(text.split())
    return re.sub(r"\s+", " ", _CONTROL.sub(" ", text)).strip()


def render_document(value: Any, values: Mapping[str, Any]) -> Any:
    """Render every text inside a JSON document, so that a value can never break the document around it."""
    if isinstance(value, str):
        return render(value, values)
    if isinstance(value, list):
        return [render_document(one, values) for one in value]
    if isinstance(value, dict):
        return {str(key): render_document(one, values) for key, one in value.items()}
    return value
