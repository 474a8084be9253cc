"""bin/test on a machine without Chromium: it is installed where it may be, and otherwise the loss is said loudly and counted."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from config.launcher import testing

PROJECT = Path(__file__).resolve().parents[2]
INSTALLS = '#!/bin/sh\necho "$@" >> "$0.log"\n[ "$1" = install ] && : > "${0%/*}/chromium" && /bin/chmod 755 "${0%/*}/chromium"\n'
CANNOT = '#!/bin/sh\necho "$@" >> "$0.log"\necho "E: Unable to locate package chromium" >&2\nexit 100\n'
BROWSER_STORY = "def test_that_opens_a_browser(chromium):\n    raise AssertionError('there is none')\n"


def machine(folder: Path, monkeypatch: pytest.MonkeyPatch, apt: str | None) -> Path:
    """A path with nothing on it but, perhaps, an apt-get; and where that one writes down what it was told."""
    monkeypatch.setenv("PATH", str(folder))
    program = folder / "apt-get"
    if apt is not None:
        program.write_text(apt)
        program.chmod(0o755)
    return folder / "apt-get.log"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root installs")
def test_root_installs_the_missing_chromium_and_browser_tests_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    log = machine(tmp_path, monkeypatch, INSTALLS)
    assert testing.browser_environment() == {}
    assert log.read_text().splitlines()[-1].endswith("--no-install-recommends chromium libatomic1")
    said = capfd.readouterr()
    assert "is missing: installing it" in said.out + said.err
    assert "SKIPPED" not in said.out + said.err


@pytest.mark.parametrize("apt", [CANNOT, None], ids=["apt finds no such package", "no apt"])
def test_where_it_cannot_be_installed_the_skipping_is_said_loudly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], apt: str | None
) -> None:
    log = machine(tmp_path, monkeypatch, apt)
    assert testing.browser_environment() == {"TRIBUTARY_NO_BROWSER": "1"}
    said = capfd.readouterr()
    assert "NO CHROMIUM: every browser test will be SKIPPED." in said.out + said.err
    assert log.exists() == (apt is not None and os.geteuid() == 0)


def test_a_chromium_that_is_there_is_taken_without_asking_apt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = machine(tmp_path, monkeypatch, CANNOT)
    (tmp_path / "google-chrome").write_text("#!/bin/sh\n")
    (tmp_path / "google-chrome").chmod(0o755)
    assert testing.browser_environment() == {}
    assert not log.exists()


def test_a_driver_that_does_not_start_is_mended_or_said_as_loudly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    machine(tmp_path, monkeypatch, None)
    (tmp_path / "chromium").write_text("#!/bin/sh\n")
    (tmp_path / "chromium").chmod(0o755)
    (tmp_path / "python").write_text("#!/bin/sh\necho 'libatomic.so.1: cannot open shared object file' >&2\nexit 127\n")
    (tmp_path / "python").chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    assert testing.browser_environment() == {"TRIBUTARY_NO_BROWSER": "1"}
    said = capfd.readouterr()
    assert "DRIVER DOES NOT START: every browser test will be SKIPPED." in said.out + said.err


def test_a_browser_test_is_counted_as_skipped_and_the_summary_says_why(tmp_path: Path) -> None:
    (tmp_path / "test_story.py").write_text(BROWSER_STORY)
    (tmp_path / "conftest.py").write_text("from tests.conftest import chromium\n")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rs"]
    command += ["-c", str(PROJECT / "pyproject.toml"), "--rootdir", str(tmp_path), str(tmp_path / "test_story.py")]
    environment = {**os.environ, "TRIBUTARY_NO_BROWSER": "1", "PYTHONPATH": str(PROJECT)}
    done = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)
    assert "1 skipped" in done.stdout, done.stdout
    assert "no Chromium" in done.stdout
    assert "BROWSER TESTS SKIPPED" in done.stdout
