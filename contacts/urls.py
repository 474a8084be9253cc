"""Addresses of this floor, for config to put in their places."""

from django.urls import URLPattern, URLResolver, path, re_path

from contacts import api as wire
from contacts import doors

ingest: list[URLPattern | URLResolver] = [
    re_path(r"^(?P<kind>identify|track|page|screen|group|alias|batch)/?$", doors.ingest, name="ingest"),
]
api: list[URLPattern | URLResolver] = [
    path("contacts/", wire.ContactsView.as_view(), name="api_contacts"),
    path("contacts/<str:ref>/", wire.ContactView.as_view(), name="api_contact"),
    path("contacts/<str:ref>/events/", wire.ContactEventsView.as_view(), name="api_contact_events"),
    path("contacts/<str:ref>/consents/", wire.ContactConsentsView.as_view(), name="api_contact_consents"),
    path("attributes/", wire.AttributesView.as_view(), name="api_attributes"),
    path("attributes/<str:name>/", wire.AttributeView.as_view(), name="api_attribute"),
    path("events/names/", wire.EventNamesView.as_view(), name="api_event_names"),
    path("events/names/<str:name>/", wire.EventNameView.as_view(), name="api_event_name"),
    path("lists/", wire.ListsView.as_view(), name="api_lists"),
    path("lists/<str:ref>/", wire.ListView.as_view(), name="api_list"),
    path("lists/<str:ref>/members/", wire.ListMembersView.as_view(), name="api_list_members"),
    path("lists/<str:ref>/members/remove/", wire.ListMembersView.as_view(removing=True), name="api_list_remove"),
]
pages: list[URLPattern | URLResolver] = []
