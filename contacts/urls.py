"""Addresses of this floor, for config to put in their places."""

from django.urls import URLPattern, URLResolver, re_path

from contacts import doors

ingest: list[URLPattern | URLResolver] = [
    re_path(r"^(?P<kind>identify|track|page|screen|group|alias|batch)/?$", doors.ingest, name="ingest"),
]
pages: list[URLPattern | URLResolver] = []
api: list[URLPattern | URLResolver] = []
