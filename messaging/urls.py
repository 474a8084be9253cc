"""The addresses of messaging: pages for marketers, its part of the API, and pages for everybody with a link."""

from django.urls import URLPattern, URLResolver, path

from messaging import api as wire
from messaging import mailbox, message_api
from messaging import pages as shown
from messaging import public as public_pages
from messaging import sent_pages as sent

pages: list[URLPattern | URLResolver] = [
    path("templates/", shown.templates, name="templates"),
    path("templates/<int:pk>/", shown.template, name="template"),
    path("templates/<int:pk>/preview/", shown.template_preview, name="template_preview"),
    path("messages/", sent.messages, name="messages"),
    path("messages/<int:pk>/", sent.message, name="message"),
    path("messages/<int:pk>/copy/", sent.message_copy, name="message_copy"),
    path("suppressions/", sent.suppressions, name="suppressions"),
    path("mailbox/", mailbox.mailbox, name="mailbox"),
    path("mailbox/<int:pk>/", mailbox.mail, name="mail"),
    path("mailbox/<int:pk>/html/", mailbox.mail_html, name="mail_html"),
]
api: list[URLPattern | URLResolver] = [
    path("templates/", wire.TemplatesView.as_view(), name="api_templates"),
    path("templates/<str:ref>/", wire.TemplateView.as_view(), name="api_template"),
    path("templates/<str:ref>/publish/", wire.TemplatePublishView.as_view(), name="api_template_publish"),
    path("templates/<str:ref>/preview/", wire.TemplatePreviewView.as_view(), name="api_template_preview"),
    path("templates/<str:ref>/test/", wire.TemplateTestView.as_view(), name="api_template_test"),
    path("templates/<str:ref>/duplicate/", wire.TemplateDuplicateView.as_view(), name="api_template_duplicate"),
    path("templates/<str:ref>/archive/", wire.TemplateArchiveView.as_view(), name="api_template_archive"),
    path("templates/<str:ref>/restore/", wire.TemplateArchiveView.as_view(archived=False), name="api_template_restore"),
    path("senders/", wire.SendersView.as_view(), name="api_senders"),
    path("senders/<str:ref>/", wire.SenderView.as_view(), name="api_sender"),
    path("topics/", wire.TopicsView.as_view(), name="api_topics"),
    path("topics/<str:ref>/", wire.TopicView.as_view(), name="api_topic"),
    path("contacts/<str:ref>/messages/", message_api.ContactMessagesView.as_view(), name="api_contact_messages"),
    path("messages/", message_api.MessagesView.as_view(), name="api_messages"),
    path("messages/<str:ref>/", message_api.MessageView.as_view(), name="api_message"),
    *(
        path(f"messages/<str:ref>/{verb}/", message_api.MessageVerbView.as_view(verb=verb), name=f"api_message_{verb}")
        for verb in ("hold", "release", "retry", "cancel")
    ),
    path("suppressions/", message_api.SuppressionsView.as_view(), name="api_suppressions"),
    path("suppressions/lift/", message_api.SuppressionsLiftView.as_view(), name="api_suppressions_lift"),
]
public = [
    path("u/<str:token>/", public_pages.unsubscribe_page, name="unsubscribe"),
]
