"""Whoever has servers of their own needs pip alone: the documented commands are real, and nothing else is imported."""

import ast
import re
import shlex
from collections.abc import Iterator
from importlib.metadata import packages_distributions, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from config.launcher import product
from tests.launcher.accepting import accept

PROJECT = Path(__file__).resolve().parents[2]
PAGE = (PROJECT / "docs" / "operating.md").read_text()
FLOORS = ("workspace", "contacts", "segmentation", "messaging", "flows", "config")


def section(name: str) -> str:
    """What stands under one heading of the page."""
    return PAGE.partition(f"\n## {name}\n")[2].partition("\n## ")[0]


def commands(name: str) -> list[list[str]]:
    """Every command of one section's blocks."""
    blocks = re.findall(r"^```\n(.*?)^```$", section(name), re.MULTILINE | re.DOTALL)
    return [shlex.split(line, comments=True) for block in blocks for line in block.splitlines() if line.strip()]


OURS = [one for one in commands("By hand") if one[0] not in ("export", ".", "pip", "python3")]


@pytest.mark.parametrize("command", OURS, ids=[" ".join(one[:5]) for one in OURS])
def test_every_documented_command_is_taken(command: list[str]) -> None:
    accept(command)


def test_the_page_names_every_process_that_the_launcher_starts() -> None:
    said = [" ".join(one) for one in OURS]
    for words in ("uvicorn config.asgi", f"-Q {product.QUEUES} ", f"-Q {product.SLOW_QUEUES} ", "beat", "mailcatcher"):
        assert sum(words in one for one in said) == 1, words


def test_what_the_page_exports_is_what_the_settings_read() -> None:
    settings = (PROJECT / "config" / "settings.py").read_text()
    names = [one[1].partition("=")[0] for one in commands("By hand") if one[0] == "export"]
    assert {"DATABASE_URL", "REDIS_URL", "SECRET_KEY"} <= set(names)
    table = re.findall(r"^\| (`[^|]+) \|", PAGE, re.MULTILINE)
    names += re.findall(r"`([A-Z_]+)`", " ".join(table))
    assert [name for name in names if f'"{name}"' not in settings and f"'{name}'" not in settings] == []


def readable(name: str) -> Iterator[Requirement]:
    """The requirements of a readable list."""
    for line in (PROJECT / name).read_text().splitlines():
        words = line.partition("  #")[0].strip()
        if words and not words.startswith(("#", "-")):
            yield Requirement(words)


def test_the_readable_list_and_what_is_installed_agree() -> None:
    lock = (PROJECT / "requirements.lock").read_text()
    locked = dict(re.findall(r"^([\w.-]+)==([\w.]+)", lock, re.MULTILINE))
    for one in readable("requirements.txt"):
        name = canonicalize_name(one.name)
        assert name in locked, f"{name} is not locked"
        assert one.specifier.contains(locked[name]), f"{name} {locked[name]} is locked, against {one.specifier}"
        assert version(name) == locked[name]


def imported(path: Path) -> Iterator[str]:
    """The outermost package of everything that a file imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def test_the_product_imports_nothing_that_only_developers_install() -> None:
    lock = (PROJECT / "requirements.lock").read_text()
    locked = set(re.findall(r"^([\w.-]+)==", lock, re.MULTILINE))
    found = {name for floor in FLOORS for path in (PROJECT / floor).rglob("*.py") for name in imported(path)}
    of = packages_distributions()
    others = {name for name in found if name in of and not {canonicalize_name(one) for one in of[name]} & locked}
    assert others == set()
    assert not found & {"tests", "bench"}
