"""`test`: bin/check, then the whole suite on a throw-away PostgreSQL and Valkey, with a real Chromium."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from signal import SIGINT, SIGTERM

from config.launcher.errors import StopRequested
from config.launcher.home import PROJECT, Home, open_home
from config.launcher.processes import Program, Supervisor
from config.launcher.progress import complain, say
from config.launcher.services import start_postgres, start_valkey, supervised

NEEDED = ("chromium", "libatomic1")  # the second is what Playwright's driver is linked to; slim systems are without
BROWSERS = ("chromium", "chromium-browser", "google-chrome")  # the names that tests/conftest.py looks for


def main(arguments: list[str]) -> int:
    """Run everything; the end of the output is pytest's own summary. Non-zero when a check or a test failed."""
    with tempfile.TemporaryDirectory(prefix="tributary-test-") as folder:
        Path(folder).chmod(0o711)  # as root the database's account passes through
        home = open_home(folder)
        with supervised(home) as supervisor:
            try:
                return run_all(supervisor, home, arguments)
            except StopRequested:
                return 130


def run_all(supervisor: Supervisor, home: Home, arguments: list[str]) -> int:
    """The checks, then the tests."""
    environment = prepare_environment(supervisor, home)
    checks = supervisor.run(shown(home, "check", ["-m", "config.launcher", "check"], environment))
    if checks:
        complain("bin/check has FAILED, see above: bin/test will end with an error whatever the tests say.")
    return supervisor.run(shown(home, "pytest", ["-m", "pytest", "-n", "2", *arguments], environment)) or checks


def prepare_environment(supervisor: Supervisor, home: Home) -> dict[str, str]:
    """A base and a Valkey of their own, whatever the caller's environment names, and the browser."""
    ours = {
        "DATABASE_URL": start_postgres(supervisor, home, throwaway=True)[0],
        "REDIS_URL": start_valkey(supervisor, home)[0],
        "SECRET_KEY": home.secret("secret_key"),
        "TRIBUTARY_HOME": str(home.path),
    }
    inherited = {key: value for key, value in os.environ.items() if key not in ("EMAIL_URL", "SITE_URL", "PORT")}
    return {**inherited, **ours, **browser_environment()}


def shown(home: Home, name: str, arguments: list[str], environment: dict[str, str]) -> Program:
    """A program that writes to our own output."""
    command = [sys.executable, *arguments]
    log, folder = home.log(name), str(PROJECT)
    return Program(name, command, environment, log, signals=(SIGINT, SIGTERM), shown=True, folder=folder)


def browser_environment() -> dict[str, str]:
    """Nothing when Chromium can be driven, else that browser tests are to be skipped."""
    if missing() is None:
        return {}
    install()
    lack = missing()
    if lack is None:
        return {}
    complain("=" * 100)
    complain(f"{lack}: every browser test will be SKIPPED. On Debian this helps: apt-get install {' '.join(NEEDED)}")
    complain("=" * 100)
    return {"TRIBUTARY_NO_BROWSER": "1"}


def missing() -> str | None:
    """What keeps tests from a browser, or None."""
    if not any(map(shutil.which, BROWSERS)):
        return "NO CHROMIUM"
    driver = [sys.executable, "-m", "playwright", "--version"]
    starts = subprocess.run(driver, cwd=PROJECT, capture_output=True, check=False).returncode == 0
    return None if starts else "PLAYWRIGHT'S DRIVER DOES NOT START"


def install() -> None:
    """Install what is missing with apt when we may."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return
    say("Chromium or what drives it is missing: installing it with apt-get")
    quiet = {"stdout": subprocess.DEVNULL, "env": {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}}
    subprocess.run(["apt-get", "update", "-q"], check=False, **quiet)  # type: ignore[call-overload]
    command = ["apt-get", "install", "-q", "-y", "--no-install-recommends", *NEEDED]
    subprocess.run(command, check=False, **quiet)  # type: ignore[call-overload]
