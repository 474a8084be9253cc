"""What is taken already: one sentence for it, whether a service looked first or the database had the last word."""

import re
from typing import Any

from django.apps import apps
from django.db import IntegrityError, connection
from django.db.models import Model
from psycopg import errors

from workspace.problems import Fault, Refused

_ONE = re.compile(r"\((?P<column>[a-z_]+)\)=\((?P<value>.*)\)", re.DOTALL)
_PUBLIC = {"user_id": "userId"}  # columns whose name on the wire is another


def refuse_taken(model: type[Model], column: str, value: str) -> None:
    """Refuse with 409 when a row has this value already, naming the value and the row that has it."""
    if (holder := model._default_manager.filter(**{column: value}).first()) is not None:
        raise taken(model, column, value, holder)


def taken(model: type[Model], column: str, value: str, holder: Model | None) -> Refused:
    """Return the refusal."""
    by = f"{name_of(holder)}" if holder is not None else f"another {model._meta.verbose_name}"
    path = _PUBLIC.get(column, column)
    sentence = f'The {path} "{value[:200]}" is taken by {by}; choose another.'
    return Refused(sentence, [Fault(path, sentence)], 409)


def name_of(row: Model) -> str:
    """Return how messages name a row: its id on the wire and what it is called."""
    ref = getattr(row, "ref", None) or f"{row._meta.verbose_name} {row.pk}"
    called = str(row)
    return ref if called in ("", ref) else f"{ref} ({called[:80]})"


def as_taken(error: Exception) -> Refused | None:
    """Translate the database's word that something is there already into the same refusal; None for any other error."""
    cause = error.__cause__
    if not isinstance(error, IntegrityError) or not isinstance(cause, errors.UniqueViolation):
        return None
    model = _model_of(cause.diag.table_name or "")
    said = _ONE.search(cause.diag.message_detail or "")
    if model is None or said is None:
        return Refused("Somebody made the same thing at the same moment; read it and repeat your change.", status=409)
    column, value = said["column"], said["value"]
    return taken(model, column, value, _holder(model, column, value))


def _model_of(table: str) -> type[Model] | None:
    return next((model for model in apps.get_models() if model._meta.db_table == table), None)


def _holder(model: type[Model], column: str, value: Any) -> Model | None:
    if connection.needs_rollback:  # nothing can be asked any more
        return None
    return model._default_manager.filter(**{column: value}).first()
