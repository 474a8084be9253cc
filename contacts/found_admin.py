"""Rows of one contact each, found as people name contacts: by name, email, phone, user id or number."""

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest

from contacts.searching import about
from workspace.back_office import ReadOnly


class OfContacts(ReadOnly):
    """A list whose search finds contacts first and then, by the index of contacts, their rows."""

    search_fields: Sequence[str] = ("contact__id",)
    search_help_text = "A contact's name, email, phone, user id or number (con_42)."
    numbered = ""  # how an id of these rows themselves begins, where people know them by it
    sortable_by: Sequence[str] = ()  # sorting a long table by a column without an index reads all of it

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Find the rows of whom the words name."""
        words = search_term.strip()
        if self.numbered and words.startswith(self.numbered):
            own = words.removeprefix(self.numbered)
            return (queryset.filter(pk=int(own)) if _is_number(own) else queryset.none()), False
        number = words.removeprefix("con_")
        if _is_number(number):
            return queryset.filter(contact_id=int(number)), False
        return (about(queryset, words), False) if words else (queryset, False)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 18
