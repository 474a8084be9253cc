"""How values travel between Python and PostgreSQL: batches carry many instants and long lists of ids, so those go quickly."""

from datetime import UTC, datetime
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from psycopg.abc import Buffer
from psycopg.adapt import PyFormat
from psycopg.types.array import BaseListDumper, ListDumper
from psycopg.types.datetime import TimestamptzLoader


class Instant(TimestamptzLoader):
    """Reads an instant as PostgreSQL writes it in UTC; whatever is written otherwise is read the long way."""

    timezone = UTC  # Django asks for it

    def load(self, data: Buffer) -> datetime:
        """Return an instant in UTC."""
        try:
            found = datetime.fromisoformat(str(data, "ascii"))
        except ValueError:  # infinity, or a year before the first or after the last
            return super().load(data).astimezone(UTC)
        return found.astimezone(UTC)


BIGINTS = 1016  # the number of bigint[] in PostgreSQL's catalogue
LESSER = (1005, 1007)  # smallint[], integer[]


class Numbers(ListDumper):
    """Writes a list of whole numbers in one go, and any other list one by one.

    It is always one of bigint, as ids are: `id = ANY('{1,2}'::integer[])` compares a row with every number of the list,
    `id = ANY('{1,2}'::bigint[])` looks it up in a hash.
    """

    def upgrade(self, obj: list[Any], format: PyFormat) -> BaseListDumper:
        """Return the dumper of a list, which says of small numbers too that they are bigint."""
        dumper = super().upgrade(obj, format)
        if dumper.oid in LESSER:
            dumper.oid = BIGINTS
        return dumper

    def dump(self, obj: list[Any]) -> Buffer | None:
        """Return a list as PostgreSQL writes arrays."""
        if set(map(type, obj)) == {int}:
            return f"{{{str(obj)[1:-1]}}}".encode()
        return super().dump(obj)


def adapt(connection: BaseDatabaseWrapper, **_given: Any) -> None:
    """Let a connection that was just opened read and write so."""
    connection.connection.adapters.register_dumper(list, Numbers)
    if connection.timezone is UTC:
        connection.connection.adapters.register_loader("timestamptz", Instant)


def adapt_every_connection() -> None:
    """Do so with every connection from now on."""
    connection_created.connect(adapt, dispatch_uid="workspace.adapting")
