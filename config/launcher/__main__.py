"""`python -m config.launcher start | services | test | check`."""

import argparse
import sys

from config.launcher import services
from config.launcher.errors import StartError, StopRequested
from config.launcher.progress import complain


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="tributary", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True)
    only = commands.add_parser("services", help="PostgreSQL and Valkey alone; prints their URLs as JSON")
    only.add_argument("--home", help="the data folder (default: $TRIBUTARY_HOME, else var/)")
    only.add_argument("--throwaway", action="store_true", help="faster, and not safe against loss of power")
    return top


def main() -> int:
    """Run one command; its exit code."""
    options = parser().parse_args()
    return services.main(options.home, throwaway=options.throwaway)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except StartError as error:
        complain(f"\n{error}")
        sys.exit(1)
    except StopRequested:
        sys.exit(130)
