"""What people called an attribute is what every page and answer calls it; its name stays what criteria are written with."""

import pytest
from django.test import Client
from django.urls import reverse

from contacts.models import Attribute
from contacts.services import contacts_by_user_id
from segmentation import services
from segmentation.criteria import reread, words
from segmentation.evaluation import recompute_waiting
from tests.segmentation_pages.stories import SEED_004, person, tell
from tests.segmentation_pages.test_segment_pages import mia, signed_in, text
from tests.segmentation_pages.test_segments_api import URL, Api, api
from workspace.audit import HOUSE

pytestmark = pytest.mark.django_db
__all__ = ["api", "mia", "signed_in"]


def labelled(name: str, label: str) -> None:
    Attribute.objects.update_or_create(name=name, defaults={"label": label, "type": "text", "declared": True})


def test_a_label_stands_in_the_words_of_pages_and_of_the_api(mia: Client, api: Api) -> None:
    tell(person("Ana", plan="enterprise"))
    labelled("plan", "Pricing plan")
    made = services.create_segment(name="Big", kind="dynamic", criteria=SEED_004, actor=HOUSE)
    recompute_waiting()
    assert "pricing plan is “enterprise”" in text(mia.get(reverse("segment", args=[made.pk])))
    ana = contacts_by_user_id(["ana"])["ana"]
    assert "ricing plan is “enterprise”" in text(
        mia.get(reverse("segment_why", args=[made.pk]), {"contact": f"con_{ana}"})
    )
    assert "pricing plan is “enterprise”" in api("GET", f"{URL}big/").json()["words"]
    told = api("GET", f"{URL}big/explain/?contact=user:ana").json()
    assert told["tree"]["conditions"][0]["found_words"] == "pricing plan is “enterprise”"
    preview = api("POST", f"{URL}preview/", {"criteria": SEED_004}).json()
    assert "pricing plan" in preview["words"]
    assert words(reread(SEED_004)) == "all of: plan is “enterprise”"  # nobody is spoken to here


def test_a_label_that_might_mean_another_attribute_is_followed_by_the_name(api: Api) -> None:
    labelled("plan", "Tier")
    labelled("tier2", "Tier")
    labelled("vip", "VIP level")
    plan, tier = (
        api(
            "POST",
            f"{URL}preview/",
            {"criteria": {**SEED_004["conditions"][0], "propertyName": f"customProperties.{name}"}},
        ).json()["words"]  # type: ignore[index]
        for name in ("plan", "tier2")
    )
    assert plan.startswith("Tier (plan) ")
    assert tier.startswith("Tier (tier2) ")
    vip = {**SEED_004["conditions"][0], "propertyName": "customProperties.vip"}  # type: ignore[index]
    assert api("POST", f"{URL}preview/", {"criteria": vip}).json()["words"].startswith("VIP level is")
