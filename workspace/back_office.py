"""What every page of the admin shares: lists that never count a million rows, and rows that nobody may edit."""

from collections.abc import Sequence
from typing import Any, ClassVar, TypeVar

from django.core.paginator import Paginator
from django.db.models import Model
from django.http import HttpRequest
from unfold.admin import ModelAdmin

M = TypeVar("M", bound=Model)
FAR = 10_000_000


class Uncounted(Paginator[Any]):
    """Pages through a table without asking how long it is."""

    @property
    def count(self) -> int:
        """Pretend to be long, but say the truth about an empty or one-page table."""
        first = len(self.object_list[: self.per_page + 1])
        return first if first <= self.per_page else FAR

    @property
    def num_pages(self) -> int:
        """Return far more pages than anybody turns."""
        return max(1, -(-self.count // self.per_page))


class BackOffice(ModelAdmin):  # type: ignore[misc] # unfold ships no types
    """A page of the admin over a table that grows."""

    paginator = Uncounted
    show_full_result_count = False
    list_per_page = 50
    list_select_related: bool | Sequence[str] = True
    ordering: ClassVar[Sequence[str]] = ["-id"]
    compressed_fields = True


class ReadOnly(BackOffice):
    """Rows that are written by the house alone."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say no."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say no: they are looked at only."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say no."""
        return False
