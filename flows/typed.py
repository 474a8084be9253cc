"""What a person typed, as a value of the type that is known for it."""

import re

NUMBER = re.compile(r"^-?[0-9]{1,15}(\.[0-9]{1,10})?$")


def typed(text: str, kind: str | None, *, number: bool = False) -> str | int | float | bool:
    """Return the text as a number or a truth where its type asks for one and it reads as one; else as it stands."""
    text = text.strip()
    if kind == "boolean" and text.lower() in ("true", "false", "yes", "no"):
        return text.lower() in ("true", "yes")
    if (kind == "number" or (number and kind in (None, "number"))) and NUMBER.match(text):
        return float(text) if "." in text else int(text)
    return text
