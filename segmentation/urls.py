"""The addresses of segments."""

from django.urls import path

from segmentation import doors

pages = [
    path("segments/catalogue/", doors.catalogue, name="segments_catalogue"),
    path("segments/preview/", doors.preview_door, name="segments_preview"),
]
