"""What every page of the admin shares: lists that never count a million rows, and rows that nobody may edit."""

import json
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import partial
from typing import Any, ClassVar, TypeVar

from django import forms
from django.apps import apps
from django.contrib import admin
from django.core.exceptions import ObjectDoesNotExist
from django.core.paginator import Paginator
from django.db.models import (
    BooleanField,
    DateTimeField,
    DecimalField,
    FloatField,
    ForeignKey,
    JSONField,
    Model,
    QuerySet,
)
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, reverse
from django.utils.formats import localize
from django.utils.functional import cached_property
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from unfold.admin import ModelAdmin
from unfold.views import ChangeList
from unfold.widgets import UnfoldAdminTextareaWidget

M = TypeVar("M", bound=Model)
MOST = 5000  # rows of a list that are numbered and turned through; to find others there are filters and searches
SAMPLE = 1000


class Many(int):
    """As many as are counted, and more: said as "5,000+"."""

    def __str__(self) -> str:
        return f"{int(self):,}+"


class Uncounted(Paginator[Any]):
    """Pages through the first rows of a table without counting all of it."""

    @cached_property
    def count(self) -> int:
        """Return how many there are up to a bound; asked once a page."""
        found = len(self.object_list.order_by().values_list("pk")[: MOST + 1])  # type: ignore[attr-defined] # a query
        return found if found <= MOST else Many(MOST)


class Listed(ChangeList):  # type: ignore[misc] # unfold ships no types
    """A list whose head counts results only when something was searched or filtered."""

    def get_results(self, request: HttpRequest) -> None:
        """Compare what was found with itself while nothing was asked for."""
        super().get_results(request)
        if not (self.query or self.has_active_filters):
            self.full_result_count = self.result_count


class ReadableJSON(forms.JSONField):
    """JSON to be written by hand, laid out as people read it."""

    def prepare_value(self, value: Any) -> Any:
        """Return the text; what was typed and cannot be read stays as it was typed."""
        laid_out = isinstance(value, dict | list)
        return json.dumps(value, indent=2, ensure_ascii=False) if laid_out else super().prepare_value(value)


class Titled:
    """A row as the head of its page names it; everything else of it is its own."""

    def __init__(self, row: Model, words: str) -> None:
        self._row, self._words = row, words

    def __getattr__(self, name: str) -> Any:
        return getattr(self._row, name)

    def __str__(self) -> str:
        return self._words


class Recent(admin.AllValuesFieldListFilter):
    """Offers what stands in the newest rows: all values that there are would mean reading the whole table."""

    def __init__(self, field: Any, request: Any, params: Any, model: Any, model_admin: Any, field_path: str) -> None:
        super().__init__(field, request, params, model, model_admin, field_path)
        newest = model._default_manager.order_by(*model_admin.ordering).values_list(field_path, flat=True)[:SAMPLE]
        self.lookup_choices = sorted(set(newest), key=str)  # type: ignore[assignment] # values, where Django has a query


class BackOffice(ModelAdmin):  # type: ignore[misc] # unfold ships no types
    """A page of the admin over a table that grows."""

    paginator = Uncounted
    show_full_result_count = False
    list_per_page = 50
    list_select_related: bool | Sequence[str] = True
    ordering: ClassVar[Sequence[str]] = ["-id"]
    compressed_fields = True
    formfield_overrides: ClassVar[dict[Any, Any]] = {
        JSONField: {"form_class": ReadableJSON, "widget": UnfoldAdminTextareaWidget}
    }
    titled: ClassVar[Sequence[str]] = ()  # columns whose values head the page of a row, where it has no name of its own
    around: ClassVar[Sequence[str]] = ()  # models whose rows of this row are one click away: "flows.enrollment"

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Count results only of what was asked for."""
        return Listed

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Say what is searched."""
        found = super().get_changelist_instance(request)
        if found.search_fields and not found.search_help_text:
            found.search_help_text = self._searched()
        return found

    def _searched(self) -> str:
        said = [one.lstrip("=^@").split("__") for one in self.search_fields]
        words = [one[0].replace("_", " ") if one[-1] in ("startswith", one[0]) else " ".join(one) for one in said]
        return f"Search by {' or '.join(dict.fromkeys(words))}."

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], **more: Any) -> TemplateResponse:
        """Name a row by what it tells of rather than by numbers."""
        row = more.get("obj")
        if row is not None and self.titled:
            context["original"] = Titled(row, " · ".join(filter(None, (_said(row, name) for name in self.titled))))
            context["subtitle"] = str(context["original"])
        answer: TemplateResponse = super().render_change_form(request, context, **more)
        return answer

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        """Let no filter read a whole table to know what it offers."""
        return [(one, Recent) if self._is_open(one) else one for one in super().get_list_filter(request)]

    def _is_open(self, name: Any) -> bool:
        field = self.model._meta.get_field(name) if isinstance(name, str) else None
        return field is not None and not (field.is_relation or field.choices or isinstance(field, BooleanField))

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        """Let everything a row points at be one click away, by name; the first column opens the row itself."""
        first, *rest = super().get_list_display(request)
        return [first, *(self._shown(name) for name in rest)]

    def _shown(self, name: Any) -> Any:
        """Return how a column or a line shows a field: what it points at as a link, JSON as people read it."""
        fields = {one.attname: one for one in self.model._meta.fields} | {
            one.name: one for one in self.model._meta.fields
        }
        field = fields.get(name) if isinstance(name, str) else None
        if isinstance(field, ForeignKey):
            return _pointing(field, by_name=name == field.name)
        if isinstance(field, DecimalField | FloatField):
            return _named(
                field.name, str(field.verbose_name), lambda row: number(getattr(row, field.attname)), by=field.name
            )
        if field is not None and "<" in str(field.help_text):  # the page would take it for a tag
            return _named(field.name, str(field.verbose_name), lambda row: getattr(row, field.attname), by=field.name)
        return _reading(field) if isinstance(field, JSONField) else name

    @admin.display(description="See also")
    def see_also(self, row: Model) -> SafeString | str:
        """Link to the lists of what belongs to this row."""
        links = [found for label in self.around if row.pk and (found := _list_of(label, row))]
        return (
            format_html_join(" · ", '<a class="text-primary-600 dark:text-primary-500" href="{}">{}</a>', links) or "–"
        )


class ReadOnly(BackOffice):
    """Rows that are written by the house alone."""

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """Show every column, what it points at as a link."""
        said = self.fields or [one.name for one in self.model._meta.fields if one.name not in (self.exclude or ())]
        return [*(["see_also"] if self.around else []), *(self._shown(name) for name in said)]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """Let nothing be written."""
        return self.get_fields(request, obj)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say no."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say no: they are looked at only."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say no."""
        return False


class ByNumber(ReadOnly):
    """Rows that are found by the number of what they belong to, which has an index; anything else finds nothing."""

    numbered = "contact_id"
    prefix = "con_"
    sortable_by: Sequence[str] = ()  # sorting a long table by a column without an index reads all of it

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Find the rows of a number, written alone or as an id of the API."""
        if not search_term:
            return queryset, False
        number = search_term.strip().removeprefix(self.prefix)
        known = number.isascii() and number.isdigit() and len(number) <= 18
        return (queryset.filter(**{self.numbered: int(number)}) if known else queryset.none()), False


def pretty(value: Any) -> SafeString | str:
    """Show JSON as people read it."""
    if value in (None, {}, []):
        return "–"
    text = json.dumps(value, indent=2, ensure_ascii=False, default=str)
    return format_html('<pre class="whitespace-pre-wrap break-words text-xs">{}</pre>', text)


def number(value: float | Decimal | None) -> str:
    """Show a number without the digits that say nothing: 15.99, 343.9, 0."""
    if value is None:
        return "–"
    text = f"{value:,.1f}" if isinstance(value, float) else f"{value:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _named(name: str, label: str, work: Callable[[Any], Any], by: str | None = None) -> Callable[[Any], Any]:
    def show(row: Any) -> Any:
        return work(row)

    show.__name__ = name
    show.short_description = label[:1].upper() + label[1:]  # type: ignore[attr-defined] # the admin reads it
    show.admin_order_field = by  # type: ignore[attr-defined] # the admin reads it
    return show


def _reading(field: Any) -> Callable[[Any], Any]:
    return _named(field.name, field.verbose_name.capitalize(), lambda row: pretty(getattr(row, field.attname)))


def _pointing(field: Any, *, by_name: bool) -> Callable[[Any], Any]:
    return _named(field.name, field.verbose_name.capitalize(), partial(_link, field, by_name))


def _link(field: Any, by_name: bool, row: Any) -> SafeString | str:
    """Link to the row that a foreign key points at; by its number alone where naming it would cost a query."""
    number = getattr(row, field.attname)
    if number is None:
        return "–"
    model = field.related_model
    called = _called(row, field) if by_name else f"{model._meta.verbose_name} {number}"
    try:
        url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[number])
    except NoReverseMatch:
        return called
    return format_html('<a class="text-primary-600 dark:text-primary-500" href="{}">{}</a>', url, called)


def _called(row: Any, field: Any) -> str:
    """Return the name of what is pointed at, which may be gone where the database does not watch it."""
    try:
        return str(getattr(row, field.name))
    except ObjectDoesNotExist:
        return f"{field.related_model._meta.verbose_name} {getattr(row, field.attname)} (gone)"


def _said(row: Model, name: str) -> str:
    """Return a column of a row as a head says it: names of what it points at, labels of choices, instants to the minute."""
    field = row._meta.get_field(name)
    value = getattr(row, field.attname)  # type: ignore[union-attr] # a column of its own
    if value in (None, ""):
        return ""
    if isinstance(field, ForeignKey):
        return _called(row, field)
    if isinstance(field, DateTimeField):
        return str(localize(localtime(value)))
    return str(getattr(row, f"get_{name}_display", lambda: value)())


def _list_of(label: str, row: Model) -> tuple[str, str] | None:
    """Return address and name of the list of the rows of another model that point at this one."""
    model = apps.get_model(label)
    key = next((one for one in model._meta.fields if one.related_model is row._meta.model), None)
    if key is None:
        return None
    url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    return f"{url}?{key.name}__{key.target_field.name}__exact={row.pk}", str(
        model._meta.verbose_name_plural
    ).capitalize()
