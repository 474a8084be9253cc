"""Make a base ready: tables, groups, and on a new base the first person and keys."""

import json
import secrets
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor

from config.staff import make_groups
from messaging.services import ensure_defaults
from workspace.audit import HOUSE
from workspace.keys import make_key

LOCK = 7_311_001  # two bootstraps at once take turns


class Command(BaseCommand):
    """Print one line of JSON: whether the base was new, and if so how to come in."""

    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the first person's address."""
        parser.add_argument("--email", default="admin@example.com")
        parser.add_argument("--password", default="")

    def handle(self, *args: Any, **options: Any) -> None:
        """Migrate, then make what is missing."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        if behind():
            call_command("migrate", interactive=False, verbosity=0)
        with transaction.atomic():
            make_groups()
            ensure_defaults()
            answer = first_person(options["email"], options["password"])
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])
        self.stdout.write(json.dumps(answer))


def behind() -> bool:
    """Tell whether the base lacks migrations: asking is quicker than migrating by nothing."""
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def first_person(email: str, password: str) -> dict[str, Any]:
    """Make the administrator and the keys of a base without people; say nothing secret otherwise."""
    people = get_user_model().objects
    if people.exists():
        return {"new": False}
    password = password or secrets.token_urlsafe(12)
    admin = people.create_superuser(username=email, email=email, password=password)
    admin.groups.add(Group.objects.get(name="administrator"))
    _, manage = make_key(name="First manage key", scope="manage", actor=HOUSE)
    _, ingest = make_key(name="First ingest key", scope="ingest", actor=HOUSE)
    return {"new": True, "admin_email": email, "admin_password": password, "manage_key": manage, "ingest_key": ingest}
