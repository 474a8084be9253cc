"""The addresses of messaging: pages for marketers, its part of the API, and pages for everybody with a link."""

from django.urls import URLPattern, URLResolver, path

from messaging import mailbox
from messaging import pages as shown
from messaging import public as public_pages

pages: list[URLPattern | URLResolver] = [
    path("templates/", shown.templates, name="templates"),
    path("templates/<int:pk>/", shown.template, name="template"),
    path("templates/<int:pk>/preview/", shown.template_preview, name="template_preview"),
    path("messages/", shown.messages, name="messages"),
    path("messages/<int:pk>/", shown.message, name="message"),
    path("messages/<int:pk>/copy/", shown.message_copy, name="message_copy"),
    path("suppressions/", shown.suppressions, name="suppressions"),
    path("mailbox/", mailbox.mailbox, name="mailbox"),
    path("mailbox/<int:pk>/", mailbox.mail, name="mail"),
    path("mailbox/<int:pk>/html/", mailbox.mail_html, name="mail_html"),
]
api: list[URLPattern | URLResolver] = []
public = [
    path("u/<str:token>/", public_pages.unsubscribe_page, name="unsubscribe"),
]
