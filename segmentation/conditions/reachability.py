"""REACHABILITY: can be reached on a channel: an address, consent, and not suppressed."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import Field

from segmentation.catalogue import Catalogue
from segmentation.conditions.base import Condition
from segmentation.measures import Picked, Scene
from segmentation.sql import sql
from workspace.problems import Fault

ADDRESSES = {"email": "email", "sms": "phone", "whatsapp": "phone"}  # channel → the property that holds the address


class ReachabilityCondition(Condition):
    """Has an address on the channel, has said yes to it, and is not suppressed."""

    label: ClassVar[str] = "Reachability"
    example: ClassVar[dict[str, object]] = {"type": "REACHABILITY", "channel": "email"}

    type: Literal["REACHABILITY"]
    channel: Literal["email", "sms", "whatsapp"]
    topic: str = Field("", max_length=63, description="The topic's slug; empty for the whole channel.")

    def faults(self, catalogue: Catalogue, path: str) -> Iterator[Fault]:
        if self.topic and self.topic not in catalogue.topics:
            yield Fault(f"{path}.topic", f'There is no topic "{self.topic}". Make it first, or leave it out.')

    def measure(self, scene: Scene) -> Picked:
        return Picked(
            select=sql(
                "SELECT n.contact_id FROM contacts_consentnow n WHERE n.channel = {channel} AND n.topic = {topic}"
                " AND n.status = 'subscribed'{scope}"
                " AND NOT EXISTS (SELECT 1 FROM contacts_consentnow w WHERE w.contact_id = n.contact_id"
                " AND w.channel = n.channel AND w.topic = '' AND w.status = 'unsubscribed')"
                " AND EXISTS (SELECT 1 FROM contacts_address a WHERE a.contact_id = n.contact_id"
                " AND a.channel = n.channel AND NOT EXISTS (SELECT 1 FROM contacts_suppression s"
                " WHERE s.channel = a.channel AND s.digest = a.digest))",
                channel=self.channel,
                topic=self.topic,
                scope=scene.scope("n.contact_id"),
            )
        )

    def reads(self) -> Iterator[str]:
        yield f"consent:{self.channel}"
        yield f"attribute:{ADDRESSES[self.channel]}"

    def words(self) -> str:
        about = f" about “{self.topic}”" if self.topic else ""
        return f"can be reached by {self.channel}{about}"
