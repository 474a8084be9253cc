"""Templates are written, published and used."""

from typing import Any

import pytest

from messaging import services
from messaging.models import TemplateVersion
from workspace.audit import HOUSE
from workspace.problems import Refused
from workspace.uses import InUse, set_uses

pytestmark = pytest.mark.django_db


def template(**parts: Any) -> Any:
    return services.create_template(
        **{"name": "Win back", "actor": HOUSE, "subject": "Hi", "body": "<p>Hi</p>", **parts}
    )


def test_a_published_version_never_changes_when_the_template_does() -> None:
    draft = template()
    first = services.publish_template(draft, actor=HOUSE)
    services.change_template(draft, actor=HOUSE, body="<p>Other</p>")
    assert TemplateVersion.objects.get(pk=first.pk).body == "<p>Hi</p>"
    second = services.publish_template(draft, actor=HOUSE)
    assert (first.number, second.number) == (1, 2)
    assert services.pin(["win-back", "missing"]) == {"win-back": second.pk}


def test_publishing_twice_without_a_change_makes_one_version() -> None:
    draft = template()
    assert services.publish_template(draft, actor=HOUSE) == services.publish_template(draft, actor=HOUSE)


def test_an_unpublished_or_archived_template_cannot_be_pinned() -> None:
    draft = template()
    assert services.pin(["win-back"]) == {}
    services.publish_template(draft, actor=HOUSE)
    services.archive_template(draft, actor=HOUSE)
    assert services.pin(["win-back"]) == {}


def test_a_template_with_faults_is_kept_but_not_published() -> None:
    draft = template(body="{% foo %}", subject="")
    with pytest.raises(Refused) as refused:
        services.publish_template(draft, actor=HOUSE)
    assert {fault.path for fault in refused.value.faults} == {"subject", "body"}


def test_a_template_that_a_flow_uses_cannot_be_deleted() -> None:
    draft = template()
    set_uses("flow:win-back", ["template:win-back"])
    with pytest.raises(InUse, match="flow:win-back"):
        services.delete_template(draft, actor=HOUSE)
    set_uses("flow:win-back", [])
    services.delete_template(draft, actor=HOUSE)


def test_copies_get_names_and_slugs_of_their_own() -> None:
    draft = template()
    assert template().slug == "win-back-2"
    copy = services.duplicate_template(draft, actor=HOUSE)
    assert (copy.slug, copy.version) == ("copy-of-win-back", None)


@pytest.mark.parametrize(
    ("parts", "path"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 121}, "name"),
        ({"slug": "Not a slug"}, "slug"),
        ({"slug": "1st"}, "slug"),
        ({"body": "x" * 300_000}, "body"),
        ({"subject": "a\x00b"}, "subject"),
        ({"subject": "\ud800"}, "subject"),
        ({"topic": "nowhere"}, "topic"),
        ({"transactional": "yes"}, "transactional"),
        ({"body": 7}, "body"),
        ({"colour": "red"}, "colour"),
        ({"channel": "smoke"}, "channel"),
    ],
)
def test_bad_parts_are_refused_by_name(parts: dict[str, Any], path: str) -> None:
    with pytest.raises(Refused) as refused:
        template(**parts)
    assert refused.value.faults[0].path == path


def test_defaults_are_made_once() -> None:
    assert services.ensure_defaults() == services.ensure_defaults()
