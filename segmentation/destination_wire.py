"""Destinations as they go over the wire."""

from collections.abc import Collection
from typing import Any

from django.db.models import Count, Min, Q
from rest_framework import serializers

from segmentation.models import Delivery, Destination
from segmentation.payloads import instant
from segmentation.wire import SLUG, Strict


class DestinationChange(Strict):
    """What may be changed of a destination."""

    name = serializers.CharField(max_length=120, required=False)
    url = serializers.CharField(max_length=2048, required=False, help_text="Of a webhook: where it is called.")
    what = serializers.ChoiceField(
        Destination.What.choices, required=False, help_text="state: of a CSV alone, and what it holds unless said."
    )
    batch_size = serializers.IntegerField(
        min_value=1, max_value=1000, required=False, help_text="Contacts in one call."
    )
    schedule = serializers.ChoiceField(
        Destination.Schedule.choices,
        required=False,
        allow_blank=True,
        help_text="When the full state goes out, or a file is written.",
    )
    schedule_at = serializers.TimeField(required=False, allow_null=True, help_text="In the workspace's zone: 06:30")
    weekday = serializers.IntegerField(min_value=1, max_value=7, required=False, allow_null=True, help_text="1: Monday")

    def unknown(self, data: Any) -> str:
        """What never changes has a sentence of its own."""
        if {"slug", "kind", "segment"} & set(data):
            return "slug, kind and segment never change; make another destination instead."
        return super().unknown(data)


class DestinationInput(DestinationChange):
    """A destination to be made."""

    name = serializers.CharField(max_length=120)
    slug = serializers.RegexField(SLUG, required=False, allow_blank=True)
    kind = serializers.ChoiceField(Destination.Kind.choices, default="webhook")
    segment = serializers.CharField(max_length=120, help_text="Its slug or id.")
    begin = serializers.ChoiceField(["now", "state"], default="now", help_text="state: who is in now goes out first.")

    def unknown(self, data: Any) -> str:
        """Say what is known."""
        return Strict.unknown(self, data)


class ReplayInput(Strict):
    """From when on everything is told again."""

    since = serializers.DateTimeField()


class DeliveriesInput(Strict):
    """Some deliveries, or all of them."""

    deliveries = serializers.ListField(
        child=serializers.RegexField(r"^dlv_[0-9]{1,18}$"), required=False, max_length=500, help_text='["dlv_9"]'
    )


class DestinationOutput(serializers.Serializer[Any]):
    """A destination."""

    id = serializers.CharField(help_text="dst_7")
    slug = serializers.CharField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(Destination.Kind.choices)
    segment = serializers.CharField(help_text="The slug.")
    url = serializers.CharField()
    what = serializers.ChoiceField(Destination.What.choices)
    batch_size = serializers.IntegerField()
    schedule = serializers.ChoiceField(Destination.Schedule.choices)
    schedule_at = serializers.TimeField(allow_null=True)
    weekday = serializers.IntegerField(allow_null=True)
    next_at = serializers.DateTimeField(allow_null=True)
    status = serializers.ChoiceField(Destination.Status.choices)
    reason = serializers.CharField()
    round = serializers.IntegerField()
    waiting = serializers.IntegerField(help_text="Deliveries that are queued or being called.")
    failed = serializers.IntegerField(help_text="Deliveries that were given up.")
    next_try_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    secret = serializers.CharField(required=False, help_text="Only when it is made or rotated.")


class DeliveryOutput(serializers.Serializer[Any]):
    """A delivery."""

    id = serializers.CharField(source="ref")
    key = serializers.CharField(help_text="The webhook-id.")
    kind = serializers.ChoiceField(Delivery.Kind.choices)
    round = serializers.IntegerField()
    status = serializers.ChoiceField(Delivery.Status.choices)
    size = serializers.IntegerField(help_text="Of a file being written: how many rows it has so far.")
    total = serializers.IntegerField(help_text="Of a file: how many rows it is to have.")
    page = serializers.IntegerField()
    pages = serializers.IntegerField()
    attempts = serializers.IntegerField()
    due_at = serializers.DateTimeField()
    called_at = serializers.DateTimeField(allow_null=True)
    settled_at = serializers.DateTimeField(allow_null=True)
    code = serializers.IntegerField(allow_null=True)
    error = serializers.CharField()
    ms = serializers.IntegerField(allow_null=True)
    file = serializers.BooleanField(help_text="Whether there is a file to fetch.")
    expires_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()


def standing(ids: Collection[int]) -> dict[int, dict[str, Any]]:
    """Return how the deliveries of each destination stand, in one query over those that are open or failed."""
    found = Delivery.objects.filter(destination__in=ids, status__in=("queued", "calling", "failed"))
    open_ = Q(status__in=("queued", "calling"))
    rows: Any = found.values("destination").annotate(
        waiting=Count("pk", filter=open_), failed=Count("pk", filter=~open_), next_try_at=Min("due_at", filter=open_)
    )
    none: dict[str, Any] = {"waiting": 0, "failed": 0, "next_try_at": None}
    return dict.fromkeys(ids, none) | {row["destination"]: {name: row[name] for name in none} for row in rows}


def destinations_out(rows: Collection[Destination]) -> list[dict[str, Any]]:
    """Return destinations as they go over the wire: one query, however many they are."""
    stand = standing([one.pk for one in rows])
    return [{**out(one), **_told(stand[one.pk])} for one in rows]


def _told(stand: dict[str, Any]) -> dict[str, Any]:
    next_try = stand["next_try_at"]
    return {**stand, "next_try_at": instant(next_try) if next_try else None}


def out(one: Destination) -> dict[str, Any]:
    """Return what stands in the row itself."""
    return {
        "id": one.ref,
        **changed(one),
        "kind": one.kind,
        "slug": one.slug,
        "segment": one.segment.slug,
        "next_at": instant(one.next_at) if one.next_at else None,
        "reason": one.reason,
        "created_at": instant(one.created_at),
        "updated_at": instant(one.updated_at),
    }


def changed(one: Destination) -> dict[str, Any]:
    """Return what people change of it, which its ETag stands for."""
    return {
        "name": one.name,
        "url": one.url,
        "what": one.what,
        "batch_size": one.batch_size,
        "schedule": one.schedule,
        "schedule_at": one.schedule_at.isoformat("minutes") if one.schedule_at else None,
        "weekday": one.weekday,
        "status": one.status,
        "round": one.round,
    }
