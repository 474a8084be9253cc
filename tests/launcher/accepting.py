"""Whether a program would take a command line, without running it: documents and containers are read this way."""

import re
from importlib.util import find_spec

from celery.app.utils import find_app
from celery.bin.base import CLIContext
from celery.bin.celery import celery
from click import Group
from django.core.management import get_commands, load_command_class
from uvicorn.main import main as uvicorn

from config import well

SETTING = re.compile(r"^[A-Z_]+=\S*$")


def accept(command: list[str]) -> None:
    """Raise when a command of ours would be refused for what stands on its line."""
    while SETTING.match(command[0]):
        command = command[1:]
    program, *rest = command
    if program == "python" and rest[0] == "manage.py":
        manage(rest[1], rest[2:])
    elif program == "python" and rest[:2] == ["-m", "config.well"]:
        assert rest[2:] == ["web"] or rest[2] in well.ASKED
    elif program == "uvicorn":
        uvicorn.make_context("uvicorn", list(rest))
        assert find_spec(rest[0].partition(":")[0])
    elif program == "celery":
        work(rest)
    else:
        raise AssertionError(f"nobody knows whether this runs: {command}")


def manage(name: str, arguments: list[str]) -> None:
    """`python manage.py …`."""
    load_command_class(get_commands()[name], name).create_parser("manage.py", name).parse_args(arguments)


def work(arguments: list[str]) -> None:
    """`celery …`: the options of the whole, then those of the command named."""
    assert isinstance(celery, Group)
    whole = celery.make_context("celery", list(arguments))
    whole.obj = CLIContext(find_app(whole.params["app"]), no_color=True, workdir=None)
    name, command, rest = celery.resolve_command(whole, [*whole._protected_args, *whole.args])
    assert command is not None
    command.make_context(name, rest, parent=whole)
