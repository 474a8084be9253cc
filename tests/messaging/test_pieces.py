"""The short ways of rendering say what the long ways say, letter by letter."""

import random
from typing import Any

import pytest

from messaging.language import OUTPUT_LIMIT, TemplateFault, compiled, render
from messaging.plain_text import TextOf, text_of

CONTACT: dict[str, Any] = {
    "firstName": "Maria & <b>Co</b>",
    "lastName": "",
    "city": None,
    "customProperties": {
        "plan": "pro",
        "count": 3,
        "rate": 0.5,
        "vip": True,
        "no": False,
        "tags": ["a", "<b>"],
        "deep": {"er": 1},
    },
}
VALUES: dict[str, Any] = {
    "contact": CONTACT,
    "event": {},
    "unsubscribe_url": "https://example.com/u?a=1&b=2",
    "campaign": "",
}
PATHS = [
    "contact.firstName",
    "contact['firstName']",
    "contact.lastName",
    "contact.city",
    "contact.nothing",
    "contact.nothing.further",
    "contact.firstName.further",
    "contact.customProperties.plan",
    "contact.customProperties.count",
    "contact.customProperties.rate",
    "contact.customProperties.vip",
    "contact.customProperties.no",
    "contact.customProperties.tags",
    "contact.customProperties.tags[0]",
    "contact.customProperties.tags.size",
    "contact.customProperties.tags.first",
    "contact.customProperties.deep",
    "contact.customProperties.size",
    "contact[contact.firstName]",
    "event.order",
    "unsubscribe_url",
    "campaign",
    "nobody",
    "nobody.there",
    "now.there",
    "'words'",
    "7",
]
ENDS = [
    "",
    " | default: 'there <i>'",
    ' | default: "x" | upcase',
    " | default: contact.city",
    " | default",
    " | upcase",
    " | default: 'x', allow_false: true",
]


@pytest.mark.parametrize("html", [True, False])
@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("path", PATHS)
def test_a_merge_tag_says_the_same_by_the_short_way(path: str, end: str, html: bool) -> None:
    source = f"Dear {{{{ {path}{end} }}}}, <p>{{{{ contact.firstName }}}}</p>"
    assert render(source, VALUES, html=html) == compiled(source, html).render(VALUES)


def test_words_and_merge_tags_take_the_short_way_and_nothing_else_does() -> None:
    short = ["Hello {{ contact.firstName }}!", "{{ contact.city | default: 'there' }}", "no tags at all {"]
    long = [
        "{% if contact %}x{% endif %}",
        "{{ contact.firstName | upcase }}",
        "{{ contact.tags[0] }}",
        "{{ contact.tags.size }}",
    ]
    assert [bool(compiled(one, True).pieces) for one in short] == [True] * 3
    assert [bool(compiled(one, True).pieces) for one in long] == [False] * 4


def test_a_text_that_grows_too_long_is_refused_on_the_short_way_too() -> None:
    with pytest.raises(TemplateFault):
        render("{{ contact.firstName }}" * 3, {"contact": {"firstName": "x" * (OUTPUT_LIMIT // 2)}})


BITS = [
    *(
        "<p>",
        "</p>",
        "<P class='x'>",
        "<br>",
        "<br/>",
        "<br />",
        "</a>",
        "<li>",
        "<tr><td>",
        "</tr>",
        "<h1>",
        "</div >",
    ),
    *("<a href='http://x/?a=1&amp;b=2'>", '<a title="q" href="x y">', "<a HREF=''>", "<a href=x>", "<a\nhref='n'>"),
    *(
        "<img alt='A &amp; B' src=\"u\">",
        '<img alt=""/>',
        "<p/>",
        "<a href='q'/>",
        "<a href='a>b'>",
        "<a href='u'title='t'>",
    ),
    *("text", " a  b ", "\n", "&", "&amp;", "&nbsp;", "&copy", "&#65;", "&lt;b&gt;", "&am", "é", "\x00", ">", "<"),
    *("<!-- c -->", "<style>a</style>", "<script>1 < 2</script>", "<title>", "<textarea>", "<x-y>", "<p é='1'>"),
]


def test_the_plain_text_of_well_written_html_is_what_the_parser_reads() -> None:
    dice, quick = random.Random(7), 0
    for _ in range(4000):
        html = "".join(dice.choices(BITS, k=dice.randint(1, 9)))
        one, other = TextOf(), TextOf()
        other.feed(html)
        other.close()
        if one.feed_plainly(html):
            quick += 1
            assert one.parts == other.parts, html
    assert quick > 500


def test_an_ordinary_mail_is_read_the_quick_way() -> None:
    html = "<p>Hello Maria</p><p><a href='https://x.example/?a=1&amp;b=2'>Look</a><br/>Bye &amp; thanks</p>"
    assert TextOf().feed_plainly(html)
    assert text_of(html) == "Hello Maria\n\nLook (https://x.example/?a=1&b=2)\n\nBye & thanks\n"
