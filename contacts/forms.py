"""What people type about contacts, lists and attributes."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from contacts.models import Attribute, AttributeType, Contact, List
from contacts.people import same
from contacts.properties import TEXT_COLUMNS
from contacts.saying import CHANNELS
from contacts.types import as_type
from workspace.problems import Refused

LABELS = {
    "email": "Email",
    "phone": "Phone",
    "firstName": "First name",
    "lastName": "Last name",
    "country": "Country",
    "city": "City",
    "language": "Language",
    "timezone": "Time zone",
}
HINTS = {"phone": "With its country code, like +14155550123.", "timezone": "Like Europe/Paris."}
BLANK_ROWS = 2


class ContactForm(forms.Form):
    """The standard properties of a contact; its own attributes come beside it as pairs of `key` and `value`."""

    userId = forms.CharField(  # noqa: N815 - named as in the document
        label="User id",
        max_length=255,
        required=False,
        help_text="The id your own systems know this person by. It never changes.",
    )

    def __init__(self, *args: Any, contact: Contact | None = None, **kwargs: Any) -> None:
        self.contact = contact
        if contact is not None:
            held = {name: getattr(contact, column) for name, column in TEXT_COLUMNS.items()}
            kwargs.setdefault("initial", {"userId": contact.user_id or "", **held})
        super().__init__(*args, **kwargs)
        for name in ("firstName", "lastName", "email", "phone", "country", "city", "language", "timezone"):
            self.fields[name] = forms.CharField(
                label=LABELS[name], max_length=254, required=False, help_text=HINTS.get(name, "")
            )
        if contact is not None and contact.user_id:
            self.fields["userId"].disabled = True

    def document(self) -> dict[str, Any]:
        """Return the contact document of what was typed; when a contact is edited, only of what is new."""
        typed = {name: value or None for name, value in self.cleaned_data.items()}
        if self.contact is None:
            return {name: value for name, value in typed.items() if value}
        before = self.initial
        return {
            name: value
            for name, value in typed.items()
            if (value or "") != (before.get(name) or "") and name in self.fields
        }

    def refuse(self, refused: Refused) -> None:
        """Put each fault where it belongs."""
        for fault in refused.faults or []:
            self.add_error(fault.path if fault.path in self.fields else None, fault.message)
        if not refused.faults:
            self.add_error(None, refused.detail)


def rows_of(attributes: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return own attributes as people edit them, with blank rows below."""
    rows = [
        (key, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
        for key, value in attributes.items()
    ]
    return [*sorted(rows), *[("", "")] * BLANK_ROWS]


def read_rows(keys: Sequence[str], values: Sequence[str], held: Mapping[str, Any]) -> dict[str, Any]:
    """Return what rows of keys and values change of the attributes held: new values, and None for rows taken away."""
    typed = {
        key.strip(): value.strip() for key, value in zip(keys, values, strict=False) if key.strip() and value.strip()
    }
    types = dict(Attribute.objects.filter(name__in=typed).values_list("name", "type"))
    read = {key: read_value(text, types.get(key)) for key, text in typed.items()}
    changed = {key: value for key, value in read.items() if key not in held or not same(held[key], value)}
    return changed | {key: None for key in held if key not in read}


def read_value(text: str, kind: str | None) -> Any:
    """Read what was typed as the attribute's type; of an attribute not known yet, numbers and JSON as themselves."""
    if kind in (AttributeType.TEXT, AttributeType.DATE, AttributeType.DATETIME):
        return text
    if kind in (AttributeType.NUMBER, AttributeType.BOOLEAN):
        return as_type(text, kind)
    if text[:1] in "[{":
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return text
    number = as_type(text, AttributeType.NUMBER)
    return number if number is not text else as_type(text, AttributeType.BOOLEAN)


class ListForm(forms.ModelForm[List]):
    """A list's name and what it is for."""

    class Meta:
        model = List
        fields = ["name", "description"]
        widgets = {"description": forms.Textarea(attrs={"rows": 2})}


class AttributeForm(forms.ModelForm[Attribute]):
    """How an attribute is read and shown."""

    class Meta:
        model = Attribute
        fields = ["label", "type", "personal", "hidden"]
        help_texts = {
            "type": "Values that read exactly as this type are stored as it; the others match no condition but “is missing”.",
            "hidden": "Not offered where attributes are chosen.",
        }
        labels = {"personal": "Personal datum", "hidden": "Hidden from choices"}


class NewAttributeForm(forms.Form):
    """An attribute before it arrives."""

    name = forms.CharField(max_length=128, help_text="As it will be sent in traits, like plan or company.size.")
    type = forms.ChoiceField(choices=AttributeType.choices)


class ConsentForm(forms.Form):
    """What a contact said about being told things."""

    channel = forms.ChoiceField(choices=[(one, one.upper() if one == "sms" else one.capitalize()) for one in CHANNELS])
    status = forms.ChoiceField(choices=[("subscribed", "Subscribed"), ("unsubscribed", "Unsubscribed")])
    source = forms.CharField(max_length=60, help_text="Where it was said: a form, a call, a letter.")


class UploadForm(forms.Form):
    """A file of contacts."""

    file = forms.FileField(label="CSV file", widget=forms.FileInput(attrs={"accept": ".csv,text/csv"}))

    def clean_file(self) -> Any:
        """Refuse an empty file here, so that it reads like other faults."""
        file = self.cleaned_data["file"]
        if not file.size:
            raise ValidationError("The file is empty.")
        return file
