"""Addresses of this floor, for config to put in their places."""

from django.urls import URLPattern, URLResolver, path, re_path

from contacts import api as wire
from contacts import (
    by_hand,
    catalogue_api,
    catalogue_pages,
    doors,
    event_pages,
    import_pages,
    imports_api,
    list_pages,
    lists_api,
)
from contacts import pages as pages_of_contacts

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
    path("attributes/<str:name>/retype/", catalogue_api.AttributeRetypeView.as_view(), name="api_attribute_retype"),
    path("attributes/<str:name>/join/", catalogue_api.AttributeJoinView.as_view(), name="api_attribute_join"),
    path("attributes/<str:name>/usage/", catalogue_api.AttributeUsageView.as_view(), name="api_attribute_usage"),
    path("events/names/", wire.EventNamesView.as_view(), name="api_event_names"),
    path("events/names/<str:name>/usage/", catalogue_api.EventUsageView.as_view(), name="api_event_usage"),
    path("events/names/<str:name>/", wire.EventNameView.as_view(), name="api_event_name"),
    path("imports/", imports_api.ImportsView.as_view(), name="api_imports"),
    path("imports/<str:ref>/", imports_api.ImportView.as_view(), name="api_import"),
    path("imports/<str:ref>/run/", imports_api.RunView.as_view(), name="api_import_run"),
    path("imports/<str:ref>/cancel/", imports_api.CancelView.as_view(), name="api_import_cancel"),
    path("imports/<str:ref>/report/", imports_api.ReportView.as_view(), name="api_import_report"),
    path("lists/", lists_api.ListsView.as_view(), name="api_lists"),
    path("lists/<str:ref>/", lists_api.ListView.as_view(), name="api_list"),
    path("lists/<str:ref>/members/", lists_api.ListMembersView.as_view(), name="api_list_members"),
    path("lists/<str:ref>/members/remove/", lists_api.ListRemovalView.as_view(), name="api_list_remove"),
]
pages: list[URLPattern | URLResolver] = [
    path("contacts/", pages_of_contacts.contacts, name="contacts"),
    path("contacts/count/", pages_of_contacts.contacts_count, name="contacts_count"),
    path("contacts/find/", by_hand.find, name="contacts_find"),
    path("contacts/new/", pages_of_contacts.contact_new, name="contact_new"),
    path("contacts/<int:pk>/", pages_of_contacts.contact, name="contact"),
    path("contacts/<int:pk>/edit/", pages_of_contacts.contact_edit, name="contact_edit"),
    path("contacts/<int:pk>/timeline/", pages_of_contacts.contact_timeline, name="contact_timeline"),
    path("lists/", list_pages.lists, name="lists"),
    path("lists/<int:pk>/", list_pages.list_page, name="list"),
    path("imports/", import_pages.imports, name="imports"),
    path("imports/<int:pk>/", import_pages.import_page, name="import"),
    path("events/", event_pages.events, name="events"),
    path("events/<int:pk>/", event_pages.event, name="event"),
    path("events/<int:pk>/days/", event_pages.event_days, name="event_days"),
    path("attributes/", catalogue_pages.attributes, name="attributes"),
    path("attributes/<int:pk>/", catalogue_pages.attribute, name="attribute"),
]
