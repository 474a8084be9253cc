"""Regular expressions are tried on the database before they are saved, so that no evaluation ever fails of one."""

from django.db import DatabaseError, connection, transaction

QUERY_CANCELED = "57014"


def try_pattern(pattern: str) -> str:
    """Return what is wrong with a regular expression, or "" when PostgreSQL takes it in good time."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('statement_timeout')")
            before = cursor.fetchone()[0]
            cursor.execute("SET LOCAL statement_timeout = '500ms'")
            cursor.execute("SELECT repeat('ab1@ -', 20) ~ %s::text", [pattern])
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [before])
    except DatabaseError as error:
        if getattr(error.__cause__, "sqlstate", "") == QUERY_CANCELED:
            return "it takes too long to match"
        return str(error).splitlines()[0]
    return ""
