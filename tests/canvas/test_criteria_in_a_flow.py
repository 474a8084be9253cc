"""Criteria on the canvas: what only a flow knows is chosen like anything else."""

import pytest
from playwright.sync_api import Page, expect

from flows import drafts
from flows.models import Flow
from tests.factories import did, person

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_a_split_asks_what_happened_since_a_step_and_since_the_entry(signed_in_page: Page, drawn: Flow) -> None:
    did(person("Mara", user_id="mara", country="NL"), "Order Completed", genre="jazz")
    page = signed_in_page
    page.goto(f"/flows/{drawn.pk}/?node=split")
    builder = page.locator("criteria-builder").first
    expect(builder.get_by_label("Value", exact=True)).to_be_visible()
    builder.evaluate("it => { it.value = {type: 'EVENT', eventName: 'Order Completed', window: {last: '3d'}}; }")
    when = builder.get_by_label("When")
    expect(when.get_by_role("option", name="since the step", exact=False)).not_to_have_count(0)
    when.select_option("since:node:wait")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#panel-form")).to_have_count(0)
    criteria = drafts.load(drawn).nodes["split"].settings["branches"][0]["criteria"]
    assert criteria["window"] == {"since": "node:wait"}
    page.locator("#card-split").click()
    expect(when).to_have_value("since:node:wait")
    when.select_option("since:entry")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#panel-form")).to_have_count(0)
    assert drafts.load(drawn).nodes["split"].settings["branches"][0]["criteria"]["window"] == {"since": "entry"}


def test_values_that_there_are_are_offered_while_one_types(signed_in_page: Page, drawn: Flow) -> None:
    person("Mara", user_id="mara", country="NL")
    page = signed_in_page
    page.goto(f"/flows/{drawn.pk}/?node=split")
    value = page.locator("criteria-builder").first.get_by_label("Value", exact=True)
    value.focus()
    expect(value).to_have_attribute("list", "values-1")
    expect(page.locator("#values-1 option")).to_have_attribute("value", "NL")
