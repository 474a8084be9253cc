"""Fixed SQL text with its parameters: text is only ever written by us, values only ever travel as parameters."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from string import Formatter
from typing import Any


@dataclass(frozen=True, slots=True)
class Sql:
    """A piece of SQL and the parameters of its placeholders, in order."""

    text: str
    params: tuple[Any, ...] = ()


TRUE, FALSE = Sql("TRUE"), Sql("FALSE")


@lru_cache(maxsize=1024)
def _pieces(template: str) -> tuple[tuple[str, str | None], ...]:
    return tuple((literal, name) for literal, name, _, _ in Formatter().parse(template))


def sql(template: str, **parts: object) -> Sql:
    """Fill a template of ours: a part that is Sql is put in place, any other value becomes a parameter."""
    text: list[str] = []
    params: list[Any] = []
    for literal, name in _pieces(template):
        text.append(literal)
        if name is None:
            continue
        part = parts[name]
        if isinstance(part, Sql):
            text.append(part.text)
            params.extend(part.params)
        else:
            text.append("%s")
            params.append(part)
    return Sql("".join(text), tuple(params))


def join(separator: str, pieces: Iterable[Sql]) -> Sql:
    """Put pieces one after another."""
    every = list(pieces)
    return Sql(separator.join(one.text for one in every), tuple(value for one in every for value in one.params))


def both(*pieces: Sql | None) -> Sql:
    """AND together those pieces that are there; nothing at all is TRUE."""
    every = [one for one in pieces if one is not None]
    return join(" AND ", every) if every else TRUE
