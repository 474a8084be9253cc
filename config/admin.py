"""The back office of staff and of the beat table, in the look of the rest."""

from datetime import datetime, timedelta
from typing import Any

from allauth.mfa.models import Authenticator
from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import QuerySet
from django.http import HttpRequest
from django_celery_beat.admin import PeriodicTaskAdmin
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
)
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

admin.site.index_title = "How work stands"
ESSENTIAL = {"attend", "deliver", "pass_time", "reap", "partitions", "step_partitions"}
LOCKED = ("name", "task", "enabled")
FIXED = ((None, {"fields": (*LOCKED, "description", "interval", "crontab", "solar", "clocked", "last_run_at")}),)

for model in (
    User,
    Group,
    Authenticator,
    PeriodicTask,
    IntervalSchedule,
    CrontabSchedule,
    SolarSchedule,
    ClockedSchedule,
):
    if admin.site.is_registered(model):
        admin.site.unregister(model)


@admin.register(User)
class StaffAdmin(UserAdmin, ModelAdmin):  # type: ignore[misc,type-arg] # unfold ships no types
    """The people of the house; they are switched off rather than deleted, so that the record keeps its names."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("email", "username", "first_name", "last_name", "is_active", "is_staff", "last_login")

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Say no."""
        return False


@admin.register(Group)
class GroupsAdmin(GroupAdmin, ModelAdmin):  # type: ignore[misc] # unfold ships no types
    """Viewer, marketer, sender, reviewer, administrator."""


@admin.register(Authenticator)
class AuthenticatorAdmin(ModelAdmin):  # type: ignore[misc] # unfold ships no types
    """Second factors: their secrets are nobody's to read; one whose owner lost it is deleted, and made anew by the owner."""

    list_display = fields = ("user", "type", "created_at", "last_used_at")
    list_filter = ("type",)
    list_select_related = ("user",)
    search_fields = ("user__email", "user__username")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Say no."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Authenticator | None = None) -> bool:
        """Say no."""
        return False


@admin.register(PeriodicTask)
class BeatAdmin(PeriodicTaskAdmin, ModelAdmin):  # type: ignore[misc] # both ship no types
    """What beat rings for, when it last did and when it will next."""

    list_display = ("name", "enabled", "interval", "crontab", "last_run_at", "next_run_at", "total_run_count")

    @admin.display(description="Next run")
    def next_run_at(self, task: PeriodicTask) -> datetime | None:
        """Return when beat rings next, from the schedule and the last run."""
        if not task.enabled or task.last_run_at is None:
            return None
        seconds = task.schedule.remaining_estimate(task.last_run_at).total_seconds()
        last: datetime = task.last_run_at
        return last + max(timedelta(seconds=seconds), timedelta(0))

    def has_delete_permission(self, request: HttpRequest, obj: PeriodicTask | None = None) -> bool:
        """The essential ones stay."""
        return not essential(obj) and bool(super().has_delete_permission(request, obj))

    def get_fieldsets(self, request: HttpRequest, obj: PeriodicTask | None = None) -> Any:
        """An essential entry can be retimed, and nothing else."""
        return FIXED if essential(obj) else super().get_fieldsets(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: PeriodicTask | None = None) -> tuple[str, ...]:
        """An essential entry is never switched off or pointed elsewhere."""
        return (*super().get_readonly_fields(request, obj), *(LOCKED if essential(obj) else ()))

    def get_form(
        self, request: HttpRequest, obj: PeriodicTask | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        """The usual form asks which task; that of an essential entry does not."""
        if essential(obj):
            kwargs["form"] = forms.ModelForm
        return super().get_form(request, obj, change, **kwargs)

    @admin.action(description="Disable selected tasks")
    def disable_tasks(self, request: HttpRequest, queryset: QuerySet[PeriodicTask]) -> None:
        """Switch off those that may be."""
        super().disable_tasks(request, self.spare(request, queryset))

    @admin.action(description="Toggle activity of selected tasks")
    def toggle_tasks(self, request: HttpRequest, queryset: QuerySet[PeriodicTask]) -> None:
        """Switch those that may be."""
        super().toggle_tasks(request, self.spare(request, queryset))

    def spare(self, request: HttpRequest, queryset: QuerySet[PeriodicTask]) -> QuerySet[PeriodicTask]:
        """Leave the essential ones out, and say so."""
        kept = queryset.filter(name__in=ESSENTIAL).values_list("name", flat=True)
        if kept:
            text = f"These stay on, because the house stands still without them: {', '.join(kept)}."
            self.message_user(request, text, messages.WARNING)
        return queryset.exclude(name__in=ESSENTIAL)


def essential(task: PeriodicTask | None) -> bool:
    """Tell whether the house stands still without this entry."""
    return task is not None and task.name in ESSENTIAL


for model in (IntervalSchedule, CrontabSchedule, SolarSchedule, ClockedSchedule):
    admin.site.register(model, ModelAdmin)
