"""Predefined scenarios and personas, told by the people who fall into them."""

from datetime import timedelta
from typing import Any

import pytest

from contacts.models import Contact, EventName
from segmentation.catalogue import load_catalogue
from segmentation.compiler import q
from segmentation.criteria import parse
from segmentation.scenarios import PERSONAS, SCENARIOS, THRESHOLDS
from segmentation.scenarios.movement import month_ends, movement
from segmentation.scenarios.quantiles import quantile
from tests.factories import JANUARY, did, event_name, person
from workspace import purchases
from workspace.audit import HOUSE
from workspace.models import Workspace
from workspace.problems import Refused
from workspace.purchases import PurchaseMapping

pytestmark = pytest.mark.django_db
MAPPING = PurchaseMapping()
BOUGHT, VIEWED, CARTED, OPENED = MAPPING.purchase, MAPPING.view, MAPPING.cart, MAPPING.engagement[0]


def who(document: dict[str, Any]) -> set[str]:
    """Name who matches a document in January."""
    catalogue = load_catalogue()
    found = Contact.objects.filter(q(parse(document, catalogue), at=JANUARY, catalogue=catalogue))
    return set(found.values_list("first_name", flat=True))


def whoever(slug: str, **said: object) -> set[str]:
    return who(SCENARIOS[slug].document(said, MAPPING, "USD"))


def ago(**length: float) -> Any:
    return JANUARY - timedelta(**length)


def orders(contact: Contact, *days: float, revenue: float = 30, currency: str | None = "USD") -> None:
    for one in days:
        money = {"revenue": revenue} | ({"currency": currency} if currency else {})
        did(contact, BOUGHT, ago(days=one), **money)


def yes(name: str) -> Contact:
    contact = person(name)
    contact.consents_now.create(channel="email", topic="", status="subscribed", at=ago(days=400))
    return contact


@pytest.fixture
def town(db: None) -> None:
    """People who differ in how often, how lately and for how much they buy and engage."""
    event_name(BOUGHT, value_property="revenue")
    orders(person("Rolf"), 5, 40, 80, 200, revenue=90)
    orders(person("Enid"), 5, 40, 80, 200, revenue=9)
    orders(person("Petra"), 20, revenue=400)
    orders(person("Lars"), 150, 200, 250, 300, revenue=90)
    orders(person("Small"), 20, revenue=8)
    near, wow, shopper, dead, engaged_buyer = yes("Nina"), yes("Wanda"), yes("Shaun"), yes("Dora"), yes("Bea")
    for contact, times in ((near, 3), (wow, 1), (shopper, 4), (engaged_buyer, 1)):
        for n in range(times):
            did(contact, OPENED, ago(days=10 + n))
    did(shopper, VIEWED, ago(days=2))
    did(dead, OPENED, ago(days=200))
    orders(engaged_buyer, 300, revenue=5)
    person("Nobody")


@pytest.mark.parametrize(
    ("slug", "names"),
    [
        ("high-rollers", {"Rolf"}),
        ("brand-enthusiasts", {"Enid"}),
        ("potential-high-rollers", {"Petra"}),
        ("nearly-there", {"Nina"}),
        ("waiting-for-wows", {"Wanda"}),
        ("window-shoppers", {"Shaun"}),
        ("lapsed-high-rollers-and-enthusiasts", {"Lars"}),
        ("dead-weight", {"Dora"}),
    ],
)
@pytest.mark.usefixtures("town")
def test_each_persona_finds_the_people_it_describes(slug: str, names: set[str]) -> None:
    assert whoever(slug) == names


@pytest.mark.usefixtures("town")
def test_the_eight_personas_are_a_consistent_set_nobody_is_in_two() -> None:
    for often in ("1", "2", "4"):
        for high in ("0.01", "10", "200"):
            said = {"often": often, "high": high}
            asked = {one.slug: {p.name: said[p.name] for p in one.parameters if p.name in said} for one in PERSONAS}
            found = [name for slug, values in asked.items() for name in whoever(slug, **values)]
            assert sorted(found) == sorted(set(found)), (often, high)


def test_amounts_in_other_currencies_are_never_added() -> None:
    event_name(BOUGHT, value_property="revenue")
    orders(person("Dollar"), 1, 2, 3, 4, revenue=60)
    orders(person("Euro"), 1, 2, 3, 4, revenue=60, currency="EUR")
    orders(person("Silent"), 1, 2, 3, 4, revenue=60, currency=None)
    mixed = person("Mixed")
    orders(mixed, 1, 2, revenue=60)
    orders(mixed, 3, 4, revenue=60, currency="EUR")
    assert whoever("high-rollers") == {"Dollar", "Silent"}


def test_a_cart_is_abandoned_until_the_order_comes_and_when_left_alone() -> None:
    left, fresh, bought, old = (person(name) for name in ("Left", "Fresh", "Bought", "Old"))
    did(left, CARTED, ago(hours=5))
    did(fresh, CARTED, ago(minutes=10))
    did(bought, CARTED, ago(hours=5))
    orders(bought, 0.1)
    did(old, CARTED, ago(days=3))
    assert whoever("cart-abandonment") == {"Left", "Fresh"}
    assert whoever("cart-abandonment", wait="1h") == {"Left"}
    assert whoever("cart-abandonment", window="7d", wait="1h") == {"Left", "Old"}


def test_a_bounce_is_a_look_without_a_cart_and_an_order() -> None:
    looked, carted, bought, late = (person(name) for name in ("Looked", "Carted", "Bought", "Late"))
    for one in (looked, carted, bought, late):
        did(one, VIEWED, ago(hours=5))
    did(carted, CARTED, ago(hours=4.9))
    did(late, CARTED, ago(hours=4))
    orders(bought, 0.1)
    assert whoever("product-page-bounce") == {"Looked", "Late"}
    assert whoever("product-page-bounce", wait="2h", times="1") == {"Looked"}


def test_people_answer_on_a_channel_or_only_get_messages() -> None:
    opens, clicks, silent = (person(name) for name in ("Opens", "Clicks", "Silent"))
    for one in (opens, clicks, silent):
        did(one, "Email Delivered", ago(days=5))
    did(opens, "Email Opened", ago(days=4))
    did(clicks, "Email Link Clicked", ago(days=4))
    assert whoever("channel-interactions") == {"Opens", "Clicks"}
    assert whoever("channel-interactions", did="no") == {"Silent"}
    assert whoever("channel-interactions", channel="sms") == set()


def test_purchases_and_sign_ups_take_their_parameters() -> None:
    dear, cheap = person("Dear"), person("Cheap")
    orders(dear, 3, revenue=120)
    orders(cheap, 3, 4, revenue=20)
    did(cheap, MAPPING.sign_up, ago(days=2))
    did(person("New"), MAPPING.sign_up, ago(days=2))
    assert whoever("purchases") == {"Dear", "Cheap"}
    assert whoever("purchases", amount="100") == {"Dear"}
    assert whoever("purchases", times="2") == {"Cheap"}
    assert whoever("sign-ups") == {"Cheap", "New"}
    assert whoever("sign-ups", bought="no") == {"New"}


@pytest.mark.parametrize("slug", sorted(SCENARIOS))
def test_every_scenario_is_an_ordinary_document_with_its_defaults(slug: str) -> None:
    document = SCENARIOS[slug].document({}, MAPPING, "USD")
    assert parse(document, load_catalogue()).document == document


@pytest.mark.parametrize(
    ("said", "path"),
    [
        ({"often": "0"}, "often"),
        ({"often": "four"}, "often"),
        ({"high": "-1"}, "high"),
        ({"high": "0"}, "high"),
        ({"high": "NaN"}, "high"),
        ({"recent": "soon"}, "recent"),
        ({"nonsense": "1"}, "nonsense"),
        ({"often": "٣"}, "often"),
    ],
)
def test_a_wrong_parameter_is_named_with_a_sentence(said: dict[str, object], path: str) -> None:
    with pytest.raises(Refused) as refused:
        SCENARIOS["high-rollers"].document(said, MAPPING, "USD")
    assert [fault.path for fault in refused.value.faults] == [path]


@pytest.mark.usefixtures("town")
def test_a_threshold_by_quantile_is_a_number_that_somebody_has() -> None:
    catalogue, values = load_catalogue(), {"span": "365d"}
    by_name = {one.name: one for one in THRESHOLDS}
    often, high = by_name["often"].quantile, by_name["high"].quantile
    assert often is not None
    assert high is not None
    assert quantile(often(MAPPING, "USD", values), 0.5, JANUARY, catalogue) == 1
    assert quantile(often(MAPPING, "USD", values), 0.8, JANUARY, catalogue) == 4
    assert quantile(high(MAPPING, "USD", values), 0.5, JANUARY, catalogue) == 36
    assert quantile(high(MAPPING, "USD", values), 1, JANUARY, catalogue) == 400
    assert quantile({**often(MAPPING, "USD", values), "eventName": "Never"}, 0.5, JANUARY, catalogue) is None


def test_the_mapping_is_the_workspaces_own() -> None:
    Workspace.objects.get_or_create(pk=1)
    purchases.change_mapping({"purchase": "Bestellung", "engagement": ["Offen", "Offen"]}, actor=HOUSE)
    said = purchases.mapping()
    assert (said.purchase, said.engagement, said.cart) == ("Bestellung", ["Offen"], CARTED)
    assert SCENARIOS["purchases"].document({}, said, "USD")["conditions"][0]["eventName"] == "Bestellung"
    for wrong in ({"purchase": ""}, {"engagement": []}, {"amount": "a[]"}, {"what": "x"}, {"purchase": 5}):
        with pytest.raises(Refused) as refused:
            purchases.change_mapping(wrong, actor=HOUSE)
        assert refused.value.faults[0].path.startswith(next(iter(wrong)))
    assert purchases.mapping() == said
    assert EventName.objects.count() == 0


@pytest.mark.usefixtures("town")
def test_movement_tells_how_people_went_from_persona_to_persona() -> None:
    documents = {one.slug: one.document({}, MAPPING, "USD") for one in PERSONAS}
    Contact.objects.update(created_at=ago(days=500))
    instants = [ago(days=100), JANUARY]
    found = movement(documents, instants, load_catalogue())
    assert found.sizes[1] == dict.fromkeys(documents, 1)
    lapsed = "lapsed-high-rollers-and-enthusiasts"
    assert found.moved[0]["high-rollers", lapsed] == 1  # Lars, whose last order was 50 days old then
    assert found.moved[0]["", "high-rollers"] == 1  # Rolf, who had ordered once
    assert found.moved[0]["dead-weight", "window-shoppers"] == 1  # Shaun, who had not opened anything yet
    assert found.moved[0]["dead-weight", "dead-weight"] == 1  # Dora
    assert sum(n for (_, after), n in found.moved[0].items() if after) == sum(found.sizes[1].values())
    assert sum(n for (before, _), n in found.moved[0].items() if before) == sum(found.sizes[0].values())


def test_months_end_in_the_zone_of_the_house() -> None:
    ends = month_ends(JANUARY, 3, "Pacific/Auckland")
    assert [one.isoformat() for one in ends] == [
        "2025-11-01T00:00:00+13:00",
        "2025-12-01T00:00:00+13:00",
        "2026-01-01T00:00:00+13:00",
        "2026-01-15T12:00:00+00:00",
    ]
