"""Makes `.venv` with what the lock names, then hands over to the launcher inside it.

Run by path with any Python from 3.11 on, before anything is installed: it imports the standard library alone.
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
VENV = PROJECT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "installed.json"  # lock file → digest of what was installed from it
RUN, DEVELOP = "requirements.lock", "requirements-dev.lock"  # the second holds the first
LOCKS = {"start": RUN, "services": RUN, "test": DEVELOP, "check": DEVELOP}


class SetupError(Exception):
    """A sentence for the person who started us."""


def digest(lock: str) -> str:
    """What the lock asks for, and for which Python: a system that moved on to another one needs another `.venv`."""
    content = (PROJECT / lock).read_bytes() + str(PYTHON.resolve()).encode()
    return hashlib.sha256(content).hexdigest()


def installed() -> dict[str, str]:
    """What the stamp says; empty when there is none."""
    with suppress(OSError, ValueError):
        content: dict[str, str] = json.loads(STAMP.read_text())
        return content
    return {}


def is_up_to_date(lock: str) -> bool:
    """Whether `.venv` runs and holds what the lock names."""
    return PYTHON.exists() and installed().get(lock) == digest(lock)


def make_venv() -> None:
    """Make `.venv` when there is none that runs."""
    if PYTHON.exists() and _works([str(PYTHON), "-m", "pip", "--version"]):
        return
    print("Making .venv", flush=True)
    if not _works([sys.executable, "-c", "import ensurepip, venv"]):
        install_venv_module()
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(VENV)], check=True)


def install_venv_module() -> None:
    """Debian keeps venv in a package of its own: install it when we may, else say how."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise SetupError(
            f"This Python has no venv module. Install it first, on Debian or Ubuntu: apt-get install {version}"
        )
    print(f"This Python has no venv module: installing {version} with apt-get", flush=True)
    subprocess.run(["apt-get", "update", "-q"], check=False, stdout=subprocess.DEVNULL)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    command = ["apt-get", "install", "-q", "-y", "--no-install-recommends", version]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)


def _works(command: list[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def install(lock: str) -> None:
    """Install every line of the lock by its hash, with a count of what has been fetched."""
    began = time.monotonic()
    total = sum(1 for line in (PROJECT / lock).read_text().splitlines() if "==" in line and line[0] not in " #")
    print(f"Installing {total} packages of {lock} into .venv (once)", flush=True)
    command = [str(PYTHON), "-m", "pip", "install", "--disable-pip-version-check", "--progress-bar=off"]
    # The lock is complete: with --no-deps pip need not work it out again.
    command += ["--require-hashes", "--no-deps", "-r", str(PROJECT / lock)]
    said: list[str] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as pip:
        for line in pip.stdout or ():
            said.append(line)
            _show(line, sum(1 for old in said if old.startswith("Collecting")), total)
    if pip.returncode:
        raise SetupError("pip could not install the requirements:\n" + "".join(said[-15:]))
    print(f"Installed in {time.monotonic() - began:.0f} s", flush=True)


def _show(line: str, fetched: int, total: int) -> None:
    if line.startswith("Collecting") and (fetched % 20 == 0 or fetched == total):
        print(f"  fetched {fetched} of {total}", flush=True)
    elif line.startswith("Installing collected"):
        print("  unpacking", flush=True)


def bring_up_to_date(lock: str) -> None:
    """Make and fill `.venv`; two starts at once take turns."""
    if is_up_to_date(lock):
        return
    project = os.open(PROJECT, os.O_RDONLY)
    try:
        fcntl.flock(project, fcntl.LOCK_EX)
        if not is_up_to_date(lock):
            make_venv()
            install(lock)
            known = {RUN, DEVELOP} if lock == DEVELOP else {RUN}
            STAMP.write_text(json.dumps({**installed(), **{name: digest(name) for name in known}}))
    finally:
        os.close(project)


def main() -> None:
    """Prepare, then become the launcher: the same process, so that a signal to us is a signal to it."""
    command, *rest = sys.argv[1:]
    try:
        bring_up_to_date(LOCKS[command])
    except (SetupError, subprocess.CalledProcessError) as error:
        sys.exit(f"\n{error}")
    except OSError as error:
        sys.exit(
            f"\n{VENV} cannot be written ({error}). Start as the account that owns {PROJECT}, or clone it yourself."
        )
    except KeyboardInterrupt:
        sys.exit(130)
    os.environ["PATH"] = f"{VENV / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    if os.environ.get("TRIBUTARY_HOME"):
        os.environ["TRIBUTARY_HOME"] = str(Path(os.environ["TRIBUTARY_HOME"]).expanduser().absolute())
    # From here on the folder we were started in no longer matters, and imports find the project.
    os.chdir(PROJECT)
    os.execv(PYTHON, [str(PYTHON), "-m", "config.launcher", command, *rest])  # noqa: S606 - no shell wanted


if __name__ == "__main__":
    main()
