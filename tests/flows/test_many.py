"""Many flows at once, by page and by API: each by itself."""

from django.test import Client
from django.urls import reverse

from flows.models import Flow
from tests.flows.conftest import STARTS, WELCOME, World
from workspace.audit import HOUSE
from workspace.keys import make_key


def test_the_api_pauses_what_runs_and_says_why_the_rest_does_not(world: World) -> None:
    running, draft = world.flow(STARTS, WELCOME), world.drawn(STARTS, WELCOME)
    key = {"Authorization": f"Bearer {make_key(name='k', scope='manage', actor=HOUSE)[1]}"}
    body = {"verb": "pause", "flows": [running.slug, draft.ref]}
    answer = Client().post("/api/v1/flows/at-once/", body, content_type="application/json", headers=key)
    assert [one["done"] for one in answer.json()["results"]] == [True, False]
    assert "only running flows can be paused" in answer.json()["results"][1]["detail"]
    for wrong in ({"verb": "explode", "flows": ["a"]}, {"verb": "pause", "flows": []}):
        refused = Client().post("/api/v1/flows/at-once/", wrong, content_type="application/json", headers=key)
        assert refused.status_code == 400


def test_the_list_pauses_and_resumes_what_was_chosen(world: World, admin_client: Client) -> None:
    flows = [world.flow(STARTS, WELCOME) for _ in range(2)]
    chosen = [str(one.pk) for one in flows]
    page = admin_client.post(reverse("flows"), {"do": "pause", "chosen": chosen}, follow=True)
    assert "Done for 2 flows." in page.content.decode()
    assert set(Flow.objects.values_list("status", flat=True)) == {"paused"}
    admin_client.post(reverse("flows"), {"do": "resume", "chosen": chosen})
    assert set(Flow.objects.values_list("status", flat=True)) == {"running"}
    assert admin_client.post(reverse("flows"), {"do": "x", "chosen": ["y", "9" * 30]}).status_code == 302
