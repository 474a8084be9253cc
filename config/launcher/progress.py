"""What a person sees while waiting."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


def say(text: str) -> None:
    """One line, at once."""
    print(text, flush=True)


def silent(_text: str) -> None:
    """Say nothing."""


@contextmanager
def step(name: str) -> Iterator[None]:
    """Show that something is being done, and afterwards how long it took."""
    began = time.monotonic()
    print(f"  {name:<44}", end="", flush=True)
    try:
        yield
    except BaseException:
        print("not done", flush=True)
        raise
    print(f"{time.monotonic() - began:6.1f} s", flush=True)


@contextmanager
def long_step(name: str) -> Iterator[Callable[[str], None]]:
    """The same for a step that has something to tell on the way."""
    began = time.monotonic()
    say(f"  {name}")
    yield lambda line: say(f"    {line}")
    say(f"  {'':<44}{time.monotonic() - began:6.1f} s")


def complain(text: str) -> None:
    """One line to standard error."""
    print(text, file=sys.stderr, flush=True)
