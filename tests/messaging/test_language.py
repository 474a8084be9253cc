"""Hostile templates are refused with a sentence or come out as text, quickly and in little memory."""

import time
from typing import Any

import pytest

from messaging.language import OUTPUT_LIMIT, TemplateFault, render
from messaging.rendering import Words, faults_of, render_email

VALUES: dict[str, Any] = {
    "contact": {
        "firstName": "Maria",
        "lastName": "{{ 7 | times: 7 }}{% for i in (1..3) %}x{% endfor %}",
        "email": "maria@example.com",
        "city": '<img src=x onerror="alert(1)">',
        "customProperties": {"plan": "pro", "tags": ["a", "b"], "count": 3, "none": None, "deep": {"er": {"est": 1}}},
    },
    "event": {"order": "A-1"},
    "answers": {},
    "unsubscribe_url": "https://example.com/u",
    "workspace": {"name": "Shop"},
}
DOUBLING = "{% assign x = 'aaaaaaaaaaaaaaaa' %}" + "{% assign x = x | append: x %}" * 40
HOSTILE = [
    "{{ contact.__class__ }}",
    "{{ contact.__class__.__mro__ }}",
    "{{ contact['__class__'] }}",
    "{{ contact.__init__.__globals__ }}",
    "{{ contact.keys }}",
    "{{ contact.items }}",
    "{{ contact.pop }}",
    "{{ contact.firstName.upper }}",
    "{{ contact.firstName.__class__.__base__.__subclasses__ }}",
    "{{ contact.firstName.format }}",
    "{{ ''.__class__ }}",
    "{{ settings.SECRET_KEY }}",
    "{{ env.PATH }}",
    "{{ self }}",
    "{{ request }}",
    "{{ config }}",
    "{{ cycler.__init__.__globals__.os.popen('id') }}",
    "{{ lipsum.__globals__ }}",
    "{{ 7 * 7 }}",
    "{{ 7*'7' }}",
    "{{ ().__class__ }}",
    "${7*7}",
    "#{7*7}",
    "<%= 7*7 %>",
    "{% debug %}",
    "{% load static %}",
    "{% include 'secrets' %}",
    "{% render 'secrets' %}",
    "{% include '../../etc/passwd' %}",
    "{% extends 'base.html' %}",
    "{% import os %}",
    "{% raw %}{{ contact.firstName }}{% endraw %}",
    "{% for i in (1..1000000000) %}x{% endfor %}",
    "{% for i in (1..1000000000) limit: 2 %}x{% endfor %}",
    "{% for i in (1..100) %}{% for j in (1..100) %}{% for k in (1..100) %}x{% endfor %}{% endfor %}{% endfor %}",
    "{% tablerow i in (1..1000000) cols: 2 %}x{% endtablerow %}",
    "{{ (1..1000000000) | join: 'x' }}",
    "{{ (1..1000000000) | size }}",
    "{{ (1..1000000000) | reverse }}",
    "{{ (1..1000000000) }}",
    DOUBLING,
    "{% assign x = 'a' %}" + "{% assign x = x | replace: 'a', 'aaaaaaaaaaaaaaaa' %}" * 20,
    "{{ 'aaaaaaaaaa' " + "| replace: '', 'bbbbbbbbbb' " * 12 + "}}",
    "{{ 99999999999999999999 " + "| times: 99999999999999999999 " * 200 + "}}",
    "{{ 1 | divided_by: 0 }}",
    "{{ 1 | modulo: 0 }}",
    "{{ 'now' | date: '%Y' }}",
    "{{ contact.firstName | date: '" + "%Y" * 1000 + "' }}",
    "{{ '2026-01-01' | date: '%999999999Y' }}",
    "{{ 99999999999999999999 | date: '%Y' }}",
    "{% if a %}" * 5000,
    "{% if a %}" * 19 + "x" + "{% endif %}" * 19,
    "{% capture x %}{% for i in (1..9999) %}aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa{% endfor %}{% endcapture %}{{ x }}",
    "{{ contact.firstName | safe }}",
    "{{ contact.firstName | nonsense }}",
    "{{ contact.firstName",
    "{% if contact.firstName %}",
    "{% endif %}",
    "{% unknown %}",
    "{{ | upcase }}",
    "{{ contact[contact[contact]] }}",
    "{{ 'a' | slice: -99999999999, 99999999999 }}",
    "{{ 'a' | truncate: 99999999999999 }}",
    "{% increment x %}{% decrement x %}{% cycle 'a', 'b' %}",
    "x" * (10 * 1024 * 1024),
    "{{a}}" * 60_000,
    "{% liquid\nassign x = 1\necho x\n%}",
    "{% comment %}{{ broken {% endcomment %}",
    "{{ contact | json }}",
    "{{ contact.customProperties.deep.er.est.more }}",
    "\u202e{{ contact.firstName }}\u0007",
]


@pytest.mark.parametrize("source", HOSTILE, ids=lambda source: source[:40])
def test_a_hostile_template_is_refused_with_a_sentence_or_comes_out_as_text(source: str) -> None:
    try:
        text = render(source, VALUES, html=True)
    except TemplateFault as fault:
        text = str(fault)
    assert len(text) <= max(OUTPUT_LIMIT, len(source))
    for secret in ("class '", "<built-in", "<function", "<bound method", "0x7f", "SECRET", "root:"):
        assert secret not in text


def test_there_are_at_least_sixty_of_them() -> None:
    assert len(HOSTILE) >= 60


def test_a_template_that_computes_without_end_is_stopped() -> None:
    loops = "{% for i in (1..9000) %}" + "{% assign x = i | plus: 1 | times: 2 | minus: 3 %}" * 300 + "{% endfor %}"
    before = time.monotonic()
    with pytest.raises(TemplateFault, match="too long"):
        render(loops, VALUES)
    assert time.monotonic() - before < 60  # far more than it takes; without the limit it takes minutes


def test_a_contacts_values_are_never_rendered_again_and_never_markup() -> None:
    mail = render_email(
        Words("Hi {{ contact.lastName }}", "", "<p>{{ contact.lastName }} {{ contact.city }}</p>"), VALUES
    )
    assert "{{ 7 | times: 7 }}" in mail.subject
    assert "{{ 7 | times: 7 }}" in mail.html
    assert "49" not in mail.subject + mail.text
    assert "<img" not in mail.html


def test_the_subject_is_one_line_without_control_characters() -> None:
    values = {**VALUES, "contact": {"firstName": "Eve\r\nBcc: all@example.com\x00\u2028\u202e"}}
    mail = render_email(Words("Hello\n{{ contact.firstName }}", "", "x"), values)
    assert mail.subject == "Hello Eve Bcc: all@example.com"


def test_plain_text_becomes_paragraphs_and_escapes_what_looks_like_markup_in_values() -> None:
    mail = render_email(Words("Hi", "", "Hello {{ contact.city }}\n\nSee https://shop.example/ & more"), VALUES)
    assert "<img" not in mail.html
    assert '<a href="https://shop.example/"' in mail.html
    assert mail.text.startswith('Hello <img src=x onerror="alert(1)">')


def test_styles_are_written_into_the_tags_and_text_is_made_from_the_html() -> None:
    body = "<style>p { color: red }</style><p>Hi</p><ul><li>One</li></ul><a href='https://a.example/'>go</a>"
    mail = render_email(Words("Hi", "A word before", body), VALUES)
    assert '<p style="color: red' in mail.html
    assert "A word before" in mail.html
    assert mail.text == "Hi\n\n- One\n\ngo (https://a.example/)\n"


def test_faults_name_the_part_and_the_mend() -> None:
    words = Words(
        "{{ contact.fristName }}", "{{ user.name }}", "<script>x</script><a href='javascript:x'>x</a>{% foo %}"
    )
    found = {fault.path: fault.message for fault in faults_of(words)}
    assert "contact.customProperties.fristName" in found["subject"]
    assert 'no merge tag "user"' in found["preheader"]
    assert "foo" in found["body"]
    assert "javascript:" in faults_of(Words("", "", "<a href=' javascript:alert(1)'>x</a>"))[0].message


def test_merge_tags_without_a_value_take_their_default_or_stay_empty() -> None:
    assert (
        render("Hi {{ contact.nickname | default: 'friend' }}{{ contact.customProperties.none }}!", VALUES)
        == "Hi friend!"
    )
