"""The forms of messaging's pages."""

from typing import Any

from django import forms

from contacts.models import Suppression, Topic
from messaging.models import Template


class NewTemplateForm(forms.Form):
    """What a template needs to begin."""

    name = forms.CharField(max_length=120, label="Name")


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


class TestForm(forms.Form):
    """Where a test goes."""

    address = forms.CharField(max_length=254, label="Send a test to", widget=forms.EmailInput())


class SuppressionForm(forms.Form):
    """An address that must not be written to."""

    address = forms.CharField(max_length=254, label="Address", widget=forms.EmailInput())
    reason = forms.ChoiceField(
        choices=[(one.value, one.label) for one in Suppression.Reason], initial="manual", label="Reason"
    )
