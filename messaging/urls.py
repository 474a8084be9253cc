"""The addresses of messaging: pages for marketers, its part of the API, and pages for everybody with a link."""

from django.urls import URLPattern, URLResolver, path

from messaging import public as public_pages

pages: list[URLPattern | URLResolver] = []
api: list[URLPattern | URLResolver] = []
public = [
    path("u/<str:token>/", public_pages.unsubscribe_page, name="unsubscribe"),
]
