"""`check`: every check of the code, all of them even when one fails."""

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from config.launcher.home import PROJECT
from config.launcher.progress import say

TEMPLATE_FOLDERS = "templates"


@dataclass(frozen=True)
class Result:
    """How one check ended."""

    name: str
    code: int
    seconds: float
    output: str


def programs() -> Iterator[tuple[str, Sequence[str]]]:
    """Name and command of every check, the longest first."""
    python = sys.executable
    beside = Path(python).parent
    yield "mypy", [python, "-m", "mypy"]
    yield "manage.py check --deploy", [python, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    yield "manage.py makemigrations --check", [python, "manage.py", "makemigrations", "--check", "--dry-run"]
    yield "djlint", [python, "-m", "djlint", "--lint", "--quiet", *template_folders()]
    yield "import-linter", [str(beside / "lint-imports")]
    yield "ruff format", [python, "-m", "ruff", "format", "--check", "."]
    yield "ruff check", [python, "-m", "ruff", "check", "."]


def template_folders() -> list[str]:
    """Every folder of templates that has one."""
    found = [path for path in PROJECT.glob(f"*/{TEMPLATE_FOLDERS}") if ".venv" not in path.parts]
    folders = [PROJECT / TEMPLATE_FOLDERS, *found]
    return [str(path.relative_to(PROJECT)) for path in folders if any(path.rglob("*.html"))]


def environment() -> dict[str, str]:
    """As in production, so that `check --deploy` judges what will run there."""
    return {
        **os.environ,
        "SECRET_KEY": secrets.token_urlsafe(60),
        "SITE_URL": "https://tributary.example.com",
        "ALLOWED_HOSTS": "tributary.example.com",
        "DEBUG": "0",
    }


def run(named: tuple[str, Sequence[str]]) -> Result:
    """Run one check."""
    name, command = named
    began = time.monotonic()
    done = subprocess.run(
        command, cwd=PROJECT, env=environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    return Result(name, done.returncode, time.monotonic() - began, done.stdout + done.stderr)


def main() -> int:
    """Run all, two at a time; 1 when any failed."""
    failed = []
    with ThreadPoolExecutor(2) as pool:
        for result in pool.map(run, list(programs())):
            say(f"{'ok    ' if not result.code else 'FAILED'}  {result.seconds:5.1f} s  {result.name}")
            if result.code:
                failed.append(result.name)
                say(result.output)
    say(f"bin/check: {'failed: ' + ', '.join(failed) if failed else 'all well'}")
    return 1 if failed else 0
