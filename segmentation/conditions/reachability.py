"""REACHABILITY: can be reached on a channel: an address, consent, and not suppressed."""

from collections.abc import Iterator
from typing import Any, ClassVar, Literal

from pydantic import Field

from contacts.labels import name_of
from segmentation.catalogue import Catalogue
from segmentation.conditions.base import Condition
from segmentation.measures import Picked, Scene
from segmentation.sql import Sql, sql
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

    def found(self, scene: Scene) -> Sql:
        """Name the first thing in the way, in the order of the gates."""
        consent = sql(
            "SELECT 1 FROM contacts_consentnow n WHERE n.contact_id = {c}.id AND n.channel = {channel}",
            c=scene.contact,
            channel=self.channel,
        )
        address = sql(
            "SELECT 1 FROM contacts_address a WHERE a.contact_id = {c}.id AND a.channel = {channel}",
            c=scene.contact,
            channel=self.channel,
        )
        return sql(
            "to_jsonb(CASE WHEN NOT EXISTS ({address}) THEN 'no address'"
            " WHEN EXISTS ({consent} AND n.topic = '' AND n.status = 'unsubscribed') THEN 'unsubscribed'"
            " WHEN NOT EXISTS ({consent} AND n.topic = {topic} AND n.status = 'subscribed') THEN 'not subscribed'"
            " WHEN NOT EXISTS ({address} AND NOT EXISTS (SELECT 1 FROM contacts_suppression s"
            " WHERE s.channel = a.channel AND s.digest = a.digest)) THEN 'suppressed' ELSE 'reachable' END)",
            address=address,
            consent=consent,
            topic=self.topic,
        )

    def told(self, found: Any) -> str:
        return f"{self.channel}: {found}"

    def reads(self) -> Iterator[str]:
        yield f"consent:{self.channel}"
        yield f"attribute:{ADDRESSES[self.channel]}"

    def words(self) -> str:
        about = f" about “{name_of('topic', self.topic)}”" if self.topic else ""
        return f"can be reached by {self.channel}{about}"
