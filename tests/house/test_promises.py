"""Every rule of semantics and every fault that flows must survive has its test, found by name."""

import ast
import re
from pathlib import Path

import pytest

from tests.chaos.harness import PROJECT

FAULTS = [*range(1, 10), *range(14, 18), *range(20, 34), *range(49, 54)]
RULES = range(1, 34)
ROW = re.compile(r"^\| F(\d+) \|.*\| (`tests/.*) \|$", re.MULTILINE)


def names_in(path: Path) -> set[str]:
    """Return the names of the tests in a file."""
    return {
        node.name
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def rows() -> dict[int, list[str]]:
    """Return the tests that docs/faults.md names, by fault."""
    page = (PROJECT / "docs" / "faults.md").read_text()
    return {int(number): re.findall(r"`([^`]+)`", named) for number, named in ROW.findall(page)}


@pytest.mark.parametrize("number", FAULTS)
def test_every_fault_is_injected_by_a_test_that_is_there(number: int) -> None:
    named = rows().get(number, [])
    assert named, f"docs/faults.md has no row for F{number}"
    for one in named:
        file, _, test = one.partition("::")
        assert (PROJECT / file).exists(), one
        assert names_in(PROJECT / file), one
        assert not test or test in names_in(PROJECT / file), one


def test_every_rule_of_semantics_has_a_test_of_its_name() -> None:
    names = {name for path in (PROJECT / "tests").rglob("test_*.py") for name in names_in(path)}
    found = {int(number) for name in names for number in re.findall(r"rule_(\d+)(?:_|$)", name)}
    assert set(RULES) - found == set()
