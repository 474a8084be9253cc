"""Under which account the databases run: PostgreSQL refuses root, and nothing that listens needs to be root."""

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from config.launcher.errors import StartError

CANDIDATES = ("tributary", "postgres", "nobody")  # the first that exists; PostgreSQL wants one with a name


class Drop(TypedDict, total=False):
    """The keywords of Popen that change the account; they act before its preexec_fn."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True)
class Account:
    """An unprivileged account that root hands the databases to."""

    name: str
    uid: int
    gid: int

    def drop(self) -> Drop:
        """Keywords for Popen."""
        return {"user": self.uid, "group": self.gid, "extra_groups": [self.gid]}

    def can_execute(self, path: Path) -> bool:
        """Whether this account reaches the file or folder through all the folders above it."""
        command = ["/bin/sh", "-c", 'test -x "$1"', "sh", str(path)]
        return subprocess.run(command, cwd="/", check=False, **self.drop()).returncode == 0


def unprivileged(data: Path) -> Account | None:
    """The account for the databases when we are root (the owner of existing data first), else None: our own."""
    if os.geteuid() != 0:
        _refuse_data_of_others(data)
        return None
    if data.exists() and data.stat().st_uid != 0:
        return _account(pwd.getpwuid(data.stat().st_uid))
    for name in CANDIDATES:
        try:
            return _account(pwd.getpwnam(name))
        except KeyError:
            continue
    raise StartError(
        "PostgreSQL does not run as root and no other account was found; make one: useradd --system tributary"
    )


def _account(entry: pwd.struct_passwd) -> Account:
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _refuse_data_of_others(data: Path) -> None:
    if data.exists() and data.stat().st_uid != os.geteuid():
        raise StartError(
            f"The data in {data} belongs to another account. Start as that account (or as root), "
            "or set TRIBUTARY_HOME to another folder."
        )
