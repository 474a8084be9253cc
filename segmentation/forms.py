"""What a person says of a segment."""

import json
from typing import Any

from django import forms

from segmentation.listing import TONES
from workspace import clean
from workspace.problems import Refused

LIMIT = 256 * 1024
MOST_LABELS, LONGEST_LABEL = 20, 40
NEEDED = "Say who is in it: add at least one condition."


class SegmentForm(forms.Form):
    """Name, description, colour, labels; and for a dynamic one the criteria, which the builder writes as JSON."""

    name = forms.CharField(max_length=120, label="Name")
    description = forms.CharField(max_length=500, required=False, label="Description")
    color = forms.ChoiceField(choices=[(tone, tone.capitalize()) for tone in TONES], required=False)
    labels = forms.CharField(max_length=900, required=False, label="Labels", help_text="To find it by; commas between.")
    criteria = forms.CharField(required=False, widget=forms.HiddenInput, max_length=LIMIT)

    def __init__(self, *args: Any, dynamic: bool, **kwargs: Any) -> None:
        self.dynamic = dynamic
        super().__init__(*args, **kwargs)

    def clean_labels(self) -> list[str]:
        """Return the labels, each once."""
        found = list(
            dict.fromkeys(" ".join(one.split()) for one in self.cleaned_data["labels"].split(",") if one.strip())
        )
        if len(found) > MOST_LABELS or any(len(one) > LONGEST_LABEL for one in found):
            raise forms.ValidationError(f"At most {MOST_LABELS} labels, each of at most {LONGEST_LABEL} characters.")
        return found

    def clean_criteria(self) -> Any:
        """Decode the document through the gate."""
        text = self.cleaned_data["criteria"].strip()
        if not self.dynamic:
            return None
        if not text:
            raise forms.ValidationError(NEEDED)
        try:
            return clean.read(text.encode("utf-8", "surrogatepass"), limit=LIMIT)
        except clean.Unclean as error:
            raise forms.ValidationError(str(error)) from error

    def raw_criteria(self) -> Any:
        """Return the document as it came in, as far as it is JSON, so that the builder can show it again."""
        try:
            return json.loads(self.data.get("criteria") or "null")
        except ValueError:
            return None

    def take(self, refused: Refused) -> list[dict[str, str]]:
        """Take over a refusal: what is about a box goes there, the rest is for the builder; return that."""
        rest = []
        for fault in refused.faults:
            if fault.path in ("name", "description", "color", "labels"):
                self.add_error(fault.path, fault.message)
            else:
                rest.append(fault.as_json())
        if not refused.faults:
            self.add_error(None, refused.detail)
        return rest
