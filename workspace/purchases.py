"""The purchase mapping: which events are purchases, refunds, views, carts, sign-ups and engagement, and what they are worth."""

from typing import Any

from django.db import transaction
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from workspace import audit
from workspace.audit import Actor
from workspace.models import Workspace
from workspace.problems import Fault, Refused


class PurchaseMapping(BaseModel):
    """What the workspace calls its events; the names of the Segment spec where nobody says otherwise."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    purchase: str = Field("Order Completed", min_length=1, max_length=200)
    amount: str = Field("revenue", min_length=1, max_length=128, pattern=r"^[^\x00\[\]]+$")
    currency: str = Field("currency", max_length=128, pattern=r"^[^\x00\[\]]*$")  # "": every amount is in the house's
    refund: str = Field("Order Refunded", max_length=200)
    view: str = Field("Product Viewed", min_length=1, max_length=200)
    cart: str = Field("Product Added", min_length=1, max_length=200)
    sign_up: str = Field("Signed Up", min_length=1, max_length=200)
    engagement: list[str] = Field(["Email Opened", "Email Link Clicked"], min_length=1, max_length=10)

    @field_validator("engagement")
    @classmethod
    def _named(cls, names: list[str]) -> list[str]:
        kept = list(dict.fromkeys(name.strip() for name in names if name.strip()))
        if not kept or max(map(len, kept)) > 200:
            raise ValueError("Name at least one event, each in at most 200 characters.")
        return kept


def mapping() -> PurchaseMapping:
    """Return the workspace's purchase mapping."""
    stored = Workspace.objects.filter(pk=1).values_list("purchase", flat=True).first()
    return PurchaseMapping.model_validate(stored or {})


def currency() -> str:
    """Return the house's currency: three letters."""
    return Workspace.objects.filter(pk=1).values_list("currency", flat=True).first() or "USD"


@transaction.atomic
def change_mapping(changes: dict[str, Any], *, actor: Actor) -> PurchaseMapping:
    """Change parts of the mapping; raise Refused that names the wrong ones."""
    workspace = Workspace.objects.select_for_update().get(pk=1)
    try:
        changed = PurchaseMapping.model_validate({**workspace.purchase, **changes})
    except ValidationError as error:
        faults = [Fault(".".join(map(str, one["loc"])), _sentence(one["msg"])) for one in error.errors()]
        raise Refused("The purchase mapping is not right yet.", faults) from error
    workspace.purchase = changed.model_dump(mode="json")
    workspace.save(update_fields=["purchase"])
    audit.record(actor, "workspace.purchase_mapped", "workspace", changed=sorted(changes))
    return changed


def _sentence(message: str) -> str:
    said = message.removeprefix("Value error, ")
    return said if said.endswith(".") else f"{said}."
