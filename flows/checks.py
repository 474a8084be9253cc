"""A kind of node that lacks its words, its example or its card does not start."""

from typing import Any

from django.core.checks import CheckMessage, Error
from django.template import TemplateDoesNotExist
from django.template.loader import get_template
from pydantic import ValidationError

from flows.nodes import KINDS
from flows.nodes.base import AnyNode

WORDS = ("kind", "group", "label", "icon", "description", "example")


def check_kinds(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Return what is missing from any kind of node."""
    return [Error(message, obj=node, id="flows.E001") for node in KINDS.values() for message in _missing(node)]


def _missing(node: AnyNode) -> list[str]:
    found = [f"The node {node.__name__} has no {word}." for word in WORDS if not getattr(node, word, None)]
    found += [f"The node {node.__name__} has a setting {name} without a template {card}." for name, card in _bare(node)]
    try:
        settings = node.read(node.example)
        node.words(settings), node.ports(settings), node.words(node.read({}))
    except (ValidationError, ValueError) as error:
        found.append(f"The example of the node {node.__name__} cannot be read: {error}")
    return found


def _bare(node: AnyNode) -> list[tuple[str, str]]:
    """Return the settings of a kind whose way of being set has no template, with that template's name."""
    extras = {name: field.json_schema_extra for name, field in node.Settings.model_fields.items()}
    cards = {
        name: f"flows/settings/{extra['widget']}.html" for name, extra in extras.items() if isinstance(extra, dict)
    }
    return [(name, card) for name, card in cards.items() if not _there(card)]


def _there(template: str) -> bool:
    try:
        get_template(template)
    except TemplateDoesNotExist:
        return False
    return True
