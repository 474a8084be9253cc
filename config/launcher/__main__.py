"""`python -m config.launcher start | services | test | check`."""

import argparse
import os
import sys

from config.launcher import check, services, start, testing
from config.launcher.errors import StartError, StopRequested
from config.launcher.progress import complain


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="tributary")
    commands = top.add_subparsers(dest="command", required=True)
    whole = commands.add_parser("start", prog="bin/start", help="everything, until Ctrl-C")
    whole.add_argument("--no-demo", action="store_true", help="leave a new base empty")
    whole.add_argument("--port", type=int, default=os.environ.get("PORT") or 8000, help="default: $PORT, else 8000")
    whole.add_argument("--host", default="127.0.0.1", help="default: this machine only")
    only = commands.add_parser("services", help="PostgreSQL and Valkey alone; prints their URLs as JSON")
    only.add_argument("--throwaway", action="store_true", help="faster, and not safe against loss of power")
    only.add_argument("--home", help="the data folder (default: $TRIBUTARY_HOME, else var/)")
    commands.add_parser("check", prog="bin/check", help="every check of the code")
    commands.add_parser("test", prog="bin/test", help="the checks, then pytest with the arguments given")
    return top


def main(arguments: list[str]) -> int:
    """Run one command; its exit code."""
    if arguments[:1] == ["test"]:  # the rest is pytest's
        return testing.main(arguments[1:])
    options = parser().parse_args(arguments)
    if options.command == "start":
        return start.main(options)
    if options.command == "services":
        return services.main(options.home, throwaway=options.throwaway)
    return check.main()


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except StartError as error:
        complain(f"\n{error}")
        sys.exit(1)
    except StopRequested:
        sys.exit(130)
    except OSError as error:  # a full disk, a file that somebody else owns: a sentence, not a trace
        complain(f"\n{error.strerror or error}: {error.filename or 'while starting'}")
        sys.exit(1)
