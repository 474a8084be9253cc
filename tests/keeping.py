"""Sizes of the long stories, and their reports: kept in var/reports/, and printed at the end of the run that wrote them."""

import os
import time
from pathlib import Path

import pytest

REPORTS = Path(__file__).resolve().parents[1] / "var" / "reports"
_BEGUN = time.time()


def size_of(config: pytest.Config, name: str, usual: int, nightly: int | None = None) -> int:
    """Return how large a story is: as the environment says, else usual, or nightly with --nightly."""
    large = nightly is not None and config.getoption("--nightly")
    return int(os.environ.get(name) or (nightly if large and nightly else usual))


def keep(name: str, report: str) -> None:
    """Keep the newest report of a story."""
    REPORTS.mkdir(parents=True, exist_ok=True)
    (REPORTS / f"{name}.txt").write_text(report + "\n")


def written_by_this_run() -> dict[str, str]:
    """Return the reports that were written since this process began."""
    found = sorted(REPORTS.glob("*.txt")) if REPORTS.is_dir() else []
    return {one.stem: one.read_text() for one in found if one.stat().st_mtime >= _BEGUN}
