"""The workers were away: what is said late, skipped or held is what the flow says (rule 28), and the message says which."""

import pytest

from messaging import outbox
from messaging.models import Message
from tests.flows.conftest import STARTS, WELCOME, World, wait


def after_an_outage(world: World, late: str) -> tuple[str, str]:
    """Let Mara's mail be a day and two hours late, and return what became of it."""
    settings = {"late": late} if late else {}
    world.flow(STARTS, wait("1h"), WELCOME, **settings)
    world.does("mara", "Signed Up")
    world.later("27h")
    outbox.deliver()
    assert world.journeys("mara") == [("completed", "mail", "")], "the journey goes on, whatever becomes of the mail"
    one = Message.objects.get()
    return one.status, one.gate


@pytest.mark.parametrize(
    ("late", "becomes"),
    [
        ("", ("refused", "late")),
        ("send_if_under:2d", ("sent", "")),
        ("always", ("sent", "")),
        ("hold", ("held", "late")),
    ],
)
def test_rule_28_late_work_is_sent_skipped_or_held_as_the_flow_says(
    world: World, late: str, becomes: tuple[str, str]
) -> None:
    world.meets("mara")
    assert after_an_outage(world, late) == becomes
