"""Templates of words with merge tags between them, which need none of Liquid's machine: a tenth of the time.

Most subjects and many bodies are such. What they give is what Liquid gives, letter by letter; where a value or a text is
out of the ordinary the answer is None, and Liquid itself renders.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from liquid import Environment
from liquid.ast import Node
from liquid.builtin.content import ContentNode
from liquid.builtin.expressions import FilteredExpression, Path, PositionalArgument, StringLiteral
from liquid.builtin.expressions.filtered import Filter
from liquid.builtin.output import OutputNode
from liquid.stringify import to_liquid_string
from markupsafe import Markup

SPECIAL = frozenset({"size", "first", "last"})  # Liquid gives these a meaning of its own


@dataclass(frozen=True, slots=True)
class Tag:
    """A merge tag that only names a value, perhaps with a default."""

    path: tuple[str, ...]
    default: str | None


Piece = str | Tag


def pieces_of(nodes: Sequence[Node], escapes: bool) -> tuple[Piece, ...]:
    """Return the pieces of a template of words and merge tags, in order; none when it has anything else."""
    found = [_piece(node, escapes) for node in nodes]
    known = tuple(one for one in found if one is not None)
    return known if len(known) == len(found) else ()


def _piece(node: Node, escapes: bool) -> Piece | None:
    if type(node) is ContentNode:
        return node.text
    told = node.expression if type(node) is OutputNode else None
    if type(told) is not FilteredExpression or type(told.left) is not Path:
        return None
    path = tuple(one for one in told.left.path if isinstance(one, str))
    if len(path) != len(told.left.path) or SPECIAL.intersection(path):
        return None
    if not told.filters:
        return Tag(path, None)
    default = _default(told.filters)
    return None if default is None else Tag(path, Markup(default) if escapes else default)  # noqa: S704 - the author's


def _default(filters: Sequence[Filter]) -> str | None:
    """Return what stands in for a missing value, when that is all that the filters do."""
    one = filters[0]
    given = one.args[0] if len(filters) == 1 and one.name == "default" and len(one.args) == 1 else None
    text = given.value if isinstance(given, PositionalArgument) else None
    return text.value if isinstance(text, StringLiteral) else None


def joined(pieces: Sequence[Piece], values: Mapping[str, Any], language: Environment, most: int) -> str | None:
    """Return the text of these pieces, or None where Liquid itself has to look."""
    told: list[str] = []
    for piece in pieces:
        if isinstance(piece, str):
            told.append(piece)
            continue
        value = _looked_up(piece.path, values)
        if value is ODD:
            return None
        if piece.default is not None:
            value = language.filters["default"](value, piece.default)
        told.append(to_liquid_string(value, language.autoescape))
    text = "".join(told)
    return text if len(text) * 4 <= most else None  # at most four bytes a letter


ODD = object()


def _looked_up(path: Sequence[str], values: Any) -> Any:
    """Return a value by its path; None where an object has none of that name, ODD where it is no object at all."""
    for name in path[:-1]:
        values = values.get(name) if type(values) is dict else None
    if type(values) is not dict or (len(path) == 1 and path[0] not in values):
        return ODD
    return values.get(path[-1])
