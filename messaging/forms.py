"""The forms of messaging's pages."""

from typing import Any

from django import forms

from contacts.models import Suppression, Topic
from messaging.models import TEXTS, Channel, Template


class NewTemplateForm(forms.Form):
    """What a template needs to begin."""

    name = forms.CharField(max_length=120, label="Name")
    channel = forms.ChoiceField(
        choices=[(one, Channel(one).label) for one in ("email", *TEXTS)], required=False, label="Channel"
    )


class TemplateForm(forms.ModelForm[Template]):
    """The words of a template."""

    class Meta:
        model = Template
        fields = ("name", "subject", "preheader", "body", "topic", "transactional")
        labels = {"preheader": "Preview text", "transactional": "Transactional", "body": "Message"}
        help_texts = {
            "subject": "Merge tags are allowed.",
            "preheader": "Shown after the subject in a list of mails.",
            "body": "HTML, or plain text. An unsubscribe link is added when there is none.",
            "topic": "What it is about: contacts agree to topics one by one.",
            "transactional": "Part of something the contact did, such as a receipt. Needs no consent; never use it for offers.",
        }
        widgets = {
            "subject": forms.TextInput(),
            "preheader": forms.TextInput(),
            "body": forms.Textarea(attrs={"rows": 18, "class": "mono", "spellcheck": "true"}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["topic"] = forms.ModelChoiceField(
            Topic.objects.order_by("name"),
            required=False,
            empty_label="All email",
            help_text=self.Meta.help_texts["topic"],
        )
        for name in ("subject", "body"):
            self.fields[name].required = False
        if self.instance.channel in TEXTS:
            self._only_text(self.instance.channel)

    def _only_text(self, channel: str) -> None:
        """Show what a text has: no preview line, a title only where devices show one."""
        del self.fields["preheader"]
        if channel in (Channel.SMS, Channel.WHATSAPP):
            del self.fields["subject"]
        else:
            self.fields["subject"].label = "Title"
        self.fields["body"].label = "Text"
        self.fields["body"].help_text = "Plain text with merge tags."
        self.fields["body"].widget.attrs["rows"] = 8


class TestForm(forms.Form):
    """Where a test goes."""

    address = forms.CharField(max_length=254, label="Send a test to", widget=forms.EmailInput())


class SuppressionForm(forms.Form):
    """An address that must not be written to."""

    address = forms.CharField(max_length=254, label="Address", widget=forms.EmailInput())
    reason = forms.ChoiceField(
        choices=[(one.value, one.label) for one in Suppression.Reason], initial="manual", label="Reason"
    )
