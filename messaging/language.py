"""The language of templates: Liquid with every limit set, over plain values only."""

import json
import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

from liquid import BoundTemplate, Environment, Mode, RenderContext
from liquid.exceptions import LiquidError
from markupsafe import Markup

from messaging.pieces import joined, pieces_of

TEMPLATE_LIMIT = 256 * 1024
OUTPUT_LIMIT = 512 * 1024
TEXT_LIMIT = 64 * 1024
ITEM_LIMIT = 10_000
SECONDS = 2.0  # one render; the limits below hold it far under this, and this holds the rest
FORBIDDEN_TAGS = ("include", "render", "doc", "tablerow")
FORBIDDEN_FILTERS = ("safe",)  # a contact's values are always escaped in HTML


class TemplateFault(Exception):
    """A template that cannot be read or rendered; says why in a sentence."""


class _Context(RenderContext):
    """A render that ends when its time is over."""

    __slots__ = ("deadline",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.deadline = time.monotonic() + SECONDS

    def get(self, *args: Any, **kwargs: Any) -> object:
        self._watch()
        return super().get(*args, **kwargs)

    def assign(self, key: str, val: Any) -> None:
        self._watch()
        super().assign(key, val)

    def filter(self, *args: Any, **kwargs: Any) -> Callable[..., object]:
        self._watch()
        return super().filter(*args, **kwargs)

    def _watch(self) -> None:
        if time.monotonic() > self.deadline:
            raise TemplateFault("The template takes too long to render; use fewer or shorter loops.")


class _Template(BoundTemplate):
    context_class = _Context

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.pieces = pieces_of(self.nodes, self.env.autoescape)

    def told(self, values: Mapping[str, Any]) -> str:
        """Render over plain values, the short way where there is one."""
        text = joined(self.pieces, values, self.env, OUTPUT_LIMIT) if self.pieces else None
        return self.render(values) if text is None else text


class Language(Environment):
    """Liquid with limits on nesting, loops, names and output."""

    template_class = _Template
    block_nesting_limit = 20
    context_depth_limit = 20
    loop_iteration_limit = ITEM_LIMIT
    local_namespace_limit = 256 * 1024
    output_stream_limit = OUTPUT_LIMIT

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        """Take the standard tags and filters, drop what reaches outside and hold the rest to sizes."""
        super().setup_tags_and_filters(extra=extra)
        for name in FORBIDDEN_TAGS:
            self.tags.pop(name, None)
        for name in FORBIDDEN_FILTERS:
            self.filters.pop(name, None)
        self.filters.update({"date": _date, "json": _json, "money": _money})
        self.filters = {name: _bounded(name, function) for name, function in self.filters.items()}


def _bounded(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Refuse to give a filter, or take from it, more than a message can hold."""

    def bounded(value: Any, *args: Any, **kwargs: Any) -> Any:
        for one in (value, *args):
            _hold(one)
        if name.startswith(("replace", "join")):
            _hold_growth(name, value, args)
        return _hold(function(value, *args, **kwargs))

    for mark in ("with_context", "with_environment"):
        if getattr(function, mark, False):
            setattr(bounded, mark, True)
    return bounded


def _hold(value: Any) -> Any:
    if isinstance(value, str) and len(value) > TEXT_LIMIT:
        raise TemplateFault(f"A value grows past {TEXT_LIMIT:,} characters in a filter; use shorter texts.")
    if isinstance(value, list | tuple | range | dict) and len(value) > ITEM_LIMIT:
        raise TemplateFault(f"A list has more than {ITEM_LIMIT:,} items; use a shorter one.")
    if isinstance(value, int) and value.bit_length() > 4096:
        raise TemplateFault("A number grows past a thousand digits in a filter; use smaller numbers.")
    return value


def _hold_growth(name: str, value: Any, args: tuple[Any, ...]) -> None:
    texts = [str(arg) for arg in args if isinstance(arg, str)]
    if name == "join":
        size = len(value) * len(texts[0]) if isinstance(value, list | tuple) and texts else 0
    else:
        size = (str(value).count(texts[0]) if texts and texts[0] else len(str(value)) + 1) * len([*texts, "", ""][1])
    if size > TEXT_LIMIT:
        raise TemplateFault(f"A value grows past {TEXT_LIMIT:,} characters in a filter; use shorter texts.")


def _date(value: Any, shape: Any = "%Y-%m-%d") -> str:
    """Write an ISO 8601 date or instant by a strftime pattern."""
    if value is None or str(value) == "":
        return ""
    if len(str(shape)) > 100:
        raise TemplateFault("A date pattern is longer than 100 characters; write a shorter one.")
    try:
        instant = _instant(value)
        return instant.strftime(str(shape))
    except (ValueError, OverflowError, OSError):
        return str(value)


def _instant(value: Any) -> datetime:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return datetime.fromtimestamp(value, UTC)
    text = str(value)
    if len(text) == 10:
        return datetime.combine(date.fromisoformat(text), datetime.min.time())
    return datetime.fromisoformat(text)


def _json(value: Any) -> str:
    """Write a value as JSON, for the bodies of webhooks."""
    return json.dumps(_plain(value), ensure_ascii=False, default=str)


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Markup) else value


def _money(value: Any, currency: Any = "") -> str:
    """Write a number with two decimals and thousands, and the currency after it."""
    try:
        return f"{float(value):,.2f} {currency}".strip()
    except (TypeError, ValueError):
        return str(value)


HTML = Language(autoescape=True, tolerance=Mode.STRICT)
TEXT = Language(autoescape=False, tolerance=Mode.STRICT)


@lru_cache(maxsize=512)
def compiled(source: str, html: bool) -> _Template:
    """Parse a template once; raise TemplateFault with a sentence when it cannot be read."""
    if len(source) > TEMPLATE_LIMIT or len(source.encode("utf-8", "surrogatepass")) > TEMPLATE_LIMIT:
        raise TemplateFault(f"The text is larger than {TEMPLATE_LIMIT // 1024} kB; shorten it.")
    try:
        template = (HTML if html else TEXT).from_string(source)
        assert isinstance(template, _Template)
        return template
    except LiquidError as error:
        raise TemplateFault(_sentence(error, source)) from error
    except RecursionError as error:
        raise TemplateFault("The template is nested too deeply.") from error
    except Exception as error:  # noqa: BLE001,RUF100 - whatever a strange text does to the parser fails that text alone
        raise TemplateFault(f"The template cannot be read: {str(error)[:200]}") from error


def render(source: str, values: Mapping[str, Any], *, html: bool = False) -> str:
    """Render a template over plain values; raise TemplateFault when it fails."""
    if "{" not in source:
        return source
    try:
        return compiled(source, html).told(values)
    except TemplateFault:
        raise
    except LiquidError as error:
        raise TemplateFault(_sentence(error, source)) from error
    except Exception as error:  # noqa: BLE001,RUF100 - one template fails one message, never a batch
        raise TemplateFault(f"The template fails: {type(error).__name__}: {str(error)[:200]}") from error


def _sentence(error: LiquidError, source: str) -> str:
    text = re.sub(r"\s+", " ", str(error.args[0] if error.args else error))[:200]
    line = ""
    if error.token is not None and (start := getattr(error.token, "start_index", None)) is not None:
        line = f"Line {source.count(chr(10), 0, start) + 1}: "
    for tag in FORBIDDEN_TAGS:
        if f"'{tag}'" in text:
            return f'{line}the tag "{tag}" is not offered here.'
    return f"{line}{text[:1].lower()}{text[1:].rstrip('.')}."


def roots(source: str, html: bool = False) -> dict[str, set[str]]:
    """Return the names a template reads from outside: first part → the second parts ("contact" → {"firstName"})."""
    found: dict[str, set[str]] = {}
    try:
        analysis = compiled(source, html).analyze(include_partials=False)
    except (LiquidError, RecursionError) as error:
        raise TemplateFault(f"The template cannot be read: {str(error)[:200]}") from error
    for name, variables in analysis.globals.items():
        seconds = found.setdefault(str(name), set())
        seconds.update(str(v.segments[1]) for v in variables if len(v.segments) > 1)
    return found
