"""What a person says of a destination."""

from typing import Any

from django import forms

from segmentation.models import Destination, Segment
from workspace.problems import Refused

DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
WEBHOOK_ONLY = ("url", "batch_size", "begin")
IN_FILES = [
    ("state", "Everybody who is in"),
    ("both", "Who entered and who left since the file before"),
    ("entries", "Who entered since the file before"),
    ("exits", "Who left since the file before"),
]


class DestinationForm(forms.Form):
    """A destination of a kind, while it is made or changed."""

    name = forms.CharField(max_length=120)
    segment = forms.ModelChoiceField(Segment.objects.none(), empty_label="Choose a segment")
    url = forms.CharField(
        label="URL",
        max_length=2048,
        widget=forms.URLInput(attrs={"placeholder": "https://crm.example.com/hooks/tributary", "inputmode": "url"}),
        help_text="Called with POST, signed. Addresses inside private networks are not called, redirects not followed.",
    )
    what = forms.ChoiceField(
        choices=[("both", "Entries and exits"), ("entries", "Entries"), ("exits", "Exits")], label="Tell of"
    )
    batch_size = forms.IntegerField(
        min_value=1, max_value=1000, initial=100, label="Contacts in one call", help_text="From 1 to 1,000."
    )
    begin = forms.ChoiceField(
        choices=[("now", "With what happens from now on"), ("state", "With who is in now, then what happens")],
        label="Begin",
        widget=forms.RadioSelect,
        initial="now",
    )
    schedule = forms.ChoiceField(
        choices=[("", "When asked for"), ("daily", "Every day"), ("weekly", "Every week")],
        required=False,
        label="Full state",
    )
    schedule_at = forms.TimeField(
        required=False,
        label="At",
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        help_text="In the workspace's time zone; 06:00 when left empty.",
    )
    weekday = forms.TypedChoiceField(
        choices=[("", "–"), *((n, day) for n, day in enumerate(DAYS, 1))],
        coerce=int,
        empty_value=None,
        required=False,
        label="On",
        help_text="For every week.",
    )

    def __init__(self, *args: Any, kind: str, held: Destination | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if kind == Destination.Kind.CSV:
            for name in WEBHOOK_ONLY:
                del self.fields[name]
            self._speak_of_files()
        if held is not None:
            del self.fields["segment"]
            self.fields.pop("begin", None)
            self.initial = {name: getattr(held, name) for name in self.fields}
            return
        choices: Any = self.fields["segment"]
        choices.queryset = Segment.objects.filter(archived_at=None).order_by("name")

    def _speak_of_files(self) -> None:
        what: Any = self.fields["what"]
        what.choices, what.label = IN_FILES, "Each file holds"
        self.fields["schedule"].label = "A file is written"

    def take(self, refused: Refused) -> None:
        """Take over a refusal: what is about a box goes there."""
        for fault in refused.faults:
            self.add_error(fault.path if fault.path in self.fields else None, fault.message)
        if not refused.faults:
            self.add_error(None, refused.detail)


class ReplayForm(forms.Form):
    """From when on everything is told again."""

    since = forms.CharField(
        label="Since",
        max_length=40,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
        help_text="In the workspace's time zone.",
    )
