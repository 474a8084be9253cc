"""The back office of segments: changed through the services alone; what the house writes is only looked at."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import BigIntegerField, F, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from segmentation import destination_admin as destination_admin  # registers itself
from segmentation import house_admin as house_admin  # registers itself
from segmentation import revisions, services
from segmentation.models import Segment, Tally
from segmentation.sentences import check, compiled_sql, sentences
from workspace.approval import NeedsApproval
from workspace.audit import Actor
from workspace.back_office import BackOffice, pretty
from workspace.filing import file_it
from workspace.problems import Refused
from workspace.uses import InUse, used_by


class SegmentAdminForm(forms.ModelForm[Segment]):
    """A segment with its criteria as JSON while it is made."""

    criteria = forms.JSONField(required=False, help_text="For a dynamic segment: the criteria document.")

    class Meta:
        model = Segment
        fields = ["name", "slug", "kind", "description", "color", "labels"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "slug" in self.fields:
            self.fields["slug"].required = False
            self.fields["slug"].help_text = "Made of the name when left empty; never changes."

    def clean(self) -> dict[str, Any]:
        """Refuse criteria that cannot be, with the place of each fault."""
        said = super().clean() or {}
        if self.instance.pk or self.errors:
            return said
        if said.get("kind") == Segment.Kind.DYNAMIC:
            if not said.get("criteria"):
                raise forms.ValidationError({"criteria": "A dynamic segment needs criteria."})
            try:
                check(said["criteria"])
            except Refused as refused:
                lines = [f"{fault.path}: {fault.message}" for fault in refused.faults] or [refused.detail]
                raise forms.ValidationError({"criteria": lines}) from refused
        elif said.get("criteria"):
            raise forms.ValidationError({"criteria": "A static segment has no criteria: its members are put there."})
        return said

    def _get_validation_exclusions(self) -> set[str]:
        # the constraint of kind and rule is for the service, which makes the rule
        return {*super()._get_validation_exclusions(), "kind", "rule"}  # type: ignore[misc] # the stubs leave it out


@admin.register(Segment)
class SegmentAdmin(BackOffice):
    """Segments."""

    form = SegmentAdminForm
    list_display = ("name", "slug", "kind", "size", "evaluated_at", "muted", "archived_at")
    list_filter = ("kind", "muted", ("archived_at", admin.EmptyFieldListFilter))
    search_fields = ("name", "slug", "description")
    list_select_related = ("rule",)
    actions = ("recompute", "cancel", "archive", "mute", "unmute")
    made = ("name", "slug", "kind", "description", "color", "labels", "criteria")
    changed = ("name", "description", "color", "labels")
    around = ("segmentation.evaluation", "segmentation.transition", "segmentation.destination")
    looked_at = (
        "see_also",
        "rules",
        "slug",
        "kind",
        "in_words",
        "document",
        "sql",
        "used",
        "muted",
        "evaluated_at",
        "clock_at",
        "depth",
        "archived_at",
        "created_by",
        "created_at",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Segment]:
        """Read sizes along."""
        delta = Sum(F("entered") - F("exited"), output_field=BigIntegerField())
        tallies = (
            Tally.objects.filter(segment=OuterRef("pk")).order_by().values("segment").annotate(n=delta).values("n")
        )
        found: QuerySet[Segment] = super().get_queryset(request)
        return found.annotate(size_now=Coalesce(Subquery(tallies), 0, output_field=BigIntegerField()))

    def get_fields(self, request: HttpRequest, obj: Segment | None = None) -> tuple[str, ...]:
        """Ask for criteria only while it is made."""
        return (*self.changed, *self.looked_at) if obj else self.made

    def get_readonly_fields(self, request: HttpRequest, obj: Segment | None = None) -> tuple[str, ...]:
        """Slug, kind and all that the house writes stay."""
        return self.looked_at if obj else ()

    @admin.display(description="Contacts")
    def size(self, segment: Any) -> str:
        """Return the size."""
        return f"{segment.size_now:,}"

    @admin.display(description="Criteria in words")
    def in_words(self, segment: Segment) -> str:
        """Return the criteria in words."""
        return sentences([segment]).get(segment.pk, "–")

    @admin.display(description="Criteria")
    def document(self, segment: Segment) -> SafeString | str:
        """Return the criteria as JSON."""
        return pretty(segment.rule.document) if segment.rule else "–"

    @admin.display(description="Compiled SQL")
    def sql(self, segment: Segment) -> SafeString | str:
        """Return the query that the criteria become."""
        return format_html("<pre>{}</pre>", compiled_sql(segment.rule.document)) if segment.rule else "–"

    @admin.display(description="Rules it has had")
    def rules(self, segment: Segment) -> SafeString | str:
        """Lead to them, side by side."""
        if segment.rule is None:
            return "–"
        url = reverse("admin:segmentation_segment_rules", args=[segment.pk])
        return format_html('<a class="text-primary-600 dark:text-primary-500" href="{}">Compare and restore</a>', url)

    def get_urls(self) -> list[Any]:
        """Add the page of the rules it has had."""
        page = self.admin_site.admin_view(self.rules_page)
        return [path("<int:pk>/rules/", page, name="segmentation_segment_rules"), *super().get_urls()]

    def rules_page(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show two rules side by side; POST puts one back."""
        segment = get_object_or_404(Segment.objects.select_related("rule", "created_by"), pk=pk)
        if not self.has_view_permission(request, segment):
            raise PermissionDenied
        if request.method == "POST":
            return self.put_back(request, segment)
        had = revisions.of(segment)
        known = {str(one.rule.pk): one.rule for one in had}
        new = known.get(request.GET.get("new", ""), segment.rule)
        old = known.get(request.GET.get("old", ""), had[1].rule if len(had) > 1 else new)
        context = {
            **self.admin_site.each_context(request),
            "title": f"Rules of {segment.name}",
            "segment": segment,
            "revisions": had,
            "old": old,
            "new": new,
            "lines": list(revisions.beside(old.document, new.document)) if old and new else [],
            "may_restore": self.has_change_permission(request, segment),
        }
        return render(request, "admin/segmentation/segment/rules.html", context)

    def put_back(self, request: HttpRequest, segment: Segment) -> HttpResponse:
        """Give the segment a rule it has had, as an edit that nothing hears of."""
        if not self.has_change_permission(request, segment):
            raise PermissionDenied
        rule = next((one.rule for one in revisions.of(segment) if str(one.rule.pk) == request.POST.get("rule")), None)
        if rule is None:
            raise Http404
        try:
            services.change_segment(segment, criteria=rule.document, actor=Actor.of(user=request.user))
            messages.success(request, f"{segment.name} has rule {rule.pk} again, and is being evaluated.")
        except Refused as refused:
            messages.error(request, refused.detail)
        except NeedsApproval as needed:
            messages.info(request, f"{segment.name} gets it back when {file_it(needed).ref} is approved.")
        return redirect("admin:segmentation_segment_rules", segment.pk)

    @admin.display(description="Used by")
    def used(self, segment: Segment) -> str:
        """Return what uses it."""
        return ", ".join(used_by(f"segment:{segment.slug}")) or "nothing"

    def save_model(self, request: HttpRequest, obj: Segment, form: Any, change: bool) -> None:
        """Make or change it through the services."""
        actor = Actor.of(user=request.user)
        said = form.cleaned_data
        plain = {name: said[name] for name in self.changed}
        if change:
            services.change_segment(Segment.objects.get(pk=obj.pk), actor=actor, **plain)
            return
        made = services.create_segment(
            kind=said["kind"], slug=said["slug"], criteria=said["criteria"] or None, actor=actor, **plain
        )
        obj.pk, obj.slug = made.pk, made.slug

    def has_delete_permission(self, request: HttpRequest, obj: Segment | None = None) -> bool:
        """A used one cannot be deleted."""
        used = obj is not None and bool(used_by(f"segment:{obj.slug}"))
        return not used and bool(super().has_delete_permission(request, obj))

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """Name the segments alone: their members and history go with them, and may be millions."""
        return [str(one) for one in objs], {"segments": len(objs)}, set(), []

    def delete_model(self, request: HttpRequest, obj: Segment) -> None:
        """Delete it through the service."""
        services.delete_segment(obj, actor=Actor.of(user=request.user))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Segment]) -> None:
        """Delete the chosen ones that nothing uses, and name the others."""
        for segment in queryset:
            try:
                self.delete_model(request, segment)
            except InUse as used:
                self.message_user(request, f"{segment.name} stays: {used}", messages.WARNING)
            except NeedsApproval as needed:
                self.message_user(request, f"{segment.name} stays until {file_it(needed).ref} is approved.")

    @admin.action(description="Recompute the chosen segments", permissions=["change"])
    def recompute(self, request: HttpRequest, chosen: QuerySet[Segment]) -> None:
        """Ask for a full evaluation of the dynamic ones."""
        self.do(request, chosen.filter(kind=Segment.Kind.DYNAMIC), services.refresh_segment, "are being recomputed")

    @admin.action(description="Stop the evaluations that run", permissions=["change"])
    def cancel(self, request: HttpRequest, chosen: QuerySet[Segment]) -> None:
        """Stop full evaluations; what they would have changed stays as it was."""
        actor = Actor.of(user=request.user)
        stopped = sum(services.cancel_evaluation(one, actor=actor) for one in chosen)
        self.message_user(request, f"{stopped} evaluation{'' if stopped == 1 else 's'} stopped.")

    @admin.action(description="Archive the chosen segments", permissions=["change"])
    def archive(self, request: HttpRequest, chosen: QuerySet[Segment]) -> None:
        """Archive them."""
        self.do(request, chosen, services.archive_segment, "are archived")

    @admin.action(description="Mute the chosen segments", permissions=["change"])
    def mute(self, request: HttpRequest, chosen: QuerySet[Segment]) -> None:
        """Let no flow hear of their moves."""
        self.do(request, chosen, services.mute_segment, "are muted", muted=True)

    @admin.action(description="Let flows hear of the chosen segments", permissions=["change"])
    def unmute(self, request: HttpRequest, chosen: QuerySet[Segment]) -> None:
        """Let flows hear of them again."""
        self.do(request, chosen, services.mute_segment, "are heard again", muted=False)

    def do(self, request: HttpRequest, chosen: QuerySet[Segment], verb: Any, outcome: str, **how: Any) -> None:
        """Do one thing to each, and say how many it was done to."""
        done = 0
        for segment in chosen:
            try:
                verb(segment, actor=Actor.of(user=request.user), **how)
                done += 1
            except Refused as refused:
                self.message_user(request, f"{segment.name}: {refused.detail}", messages.WARNING)
            except NeedsApproval as needed:
                self.message_user(request, f"{segment.name} waits until {file_it(needed).ref} is approved.")
        self.message_user(request, f"{done} segments {outcome}.")
