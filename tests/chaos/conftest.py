"""Servers of our own, and a shop that is ready to open in each world."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.chaos.harness import Servers, World, serving, world

Open = Callable[..., World]


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """A private PostgreSQL and Valkey for all chaos tests."""
    with serving() as started:
        yield started


@pytest.fixture(scope="session")
def shop(servers: Servers) -> str:
    """Make the record shop once, and name the database to copy."""
    with world(servers) as made:
        made.play("prepare")
        return made.database_url.rsplit("/", 1)[1]


@pytest.fixture
def open_shop(servers: Servers, shop: str) -> Iterator[Open]:
    """Give a function that opens the shop in a world of its own: open_shop(mutant="")."""
    with ExitStack() as stack:
        yield lambda mutant="": stack.enter_context(world(servers, shop, mutant))
