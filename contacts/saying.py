"""What contacts said about being told things, and addresses that must not be written to."""

from collections.abc import Collection
from datetime import datetime

from django.db import transaction

from contacts import consents
from contacts.addresses import BadAddress, digest, digests, normal_email, normal_phone
from contacts.changes import NewChange, note
from contacts.locking import lock_standing
from contacts.models import Address, ConsentStatus, Suppression
from workspace import audit, clock
from workspace.audit import HOUSE, Actor
from workspace.doorbell import ring_on_commit
from workspace.problems import refuse

CHANNELS = ("email", "sms", "whatsapp")
CONSENTED = (*CHANNELS, "push")  # on the site nobody is asked: the contact came there


@transaction.atomic
def record_consents(
    *,
    contact_ids: Collection[int],
    channel: str,
    status: str,
    source: str,
    topic: str = "",
    at: datetime | None = None,
    fires: bool = True,
) -> int:
    """Record the same consent of many contacts and return of how many; merged and erased ones are left out."""
    _check(channel, status, topic, source)
    at = at or clock.now()
    evidence = [consents.Evidence(pk, channel, status, source, at, topic) for pk, _ in lock_standing(list(contact_ids))]
    consents.record(evidence)
    if note(consents.changes_of(evidence, fires=fires, lane=0)):
        ring_on_commit("attend")
    return len(evidence)


@transaction.atomic
def record_news_of_consent(
    *,
    contact_ids: Collection[int],
    channel: str,
    topic: str,
    status: str,
    source: str,
    at: datetime,
    again: bool = False,
) -> int:
    """Record the consent of those for whom it is news; `again` says that it may undo an unsubscribe."""
    held = consents.standing(list(contact_ids))

    def news(pk: int) -> bool:
        said = {held.get((pk, channel, topic)), held.get((pk, channel, ""))}
        stays = status == consents.SUBSCRIBED and not again and consents.UNSUBSCRIBED in said
        return held.get((pk, channel, topic)) != status and not stays

    wanted = [pk for pk in contact_ids if news(pk)]
    return record_consents(contact_ids=wanted, channel=channel, topic=topic, status=status, source=source, at=at)


@transaction.atomic
def record_consent(
    *,
    contact_id: int,
    channel: str,
    status: str,
    source: str,
    topic: str = "",
    at: datetime | None = None,
    actor: Actor = HOUSE,
) -> None:
    """Record what one contact said, here and now or at an instant before."""
    if not record_consents(contact_ids=[contact_id], channel=channel, topic=topic, status=status, source=source, at=at):
        raise refuse("contact", "This contact was merged or erased; there is nobody to record it for.", 409)
    audit.record(actor, "consent.recorded", f"con_{contact_id}", channel=channel, topic=topic, status=status)


def _check(channel: str, status: str, topic: str, source: str) -> None:
    if channel not in CONSENTED:
        raise refuse("channel", f"The channel is one of {', '.join(CONSENTED)}.")
    if status not in ConsentStatus.values:
        raise refuse("status", f"The status is one of {', '.join(ConsentStatus.values)}.")
    if not isinstance(topic, str) or len(topic) > 63:
        raise refuse("topic", "The topic is a slug, or empty for the whole channel.")
    if not isinstance(source, str) or not source.strip() or len(source) > 60:
        raise refuse("source", "Say where it was said, in at most 60 characters.")


def normal_address(channel: str, address: str) -> str:
    """Return an address of a channel in its normal form; raise Refused with a sentence."""
    if channel not in CHANNELS:
        raise refuse("channel", f"The channel is one of {', '.join(CHANNELS)}.")
    try:
        return normal_email(address) if channel == "email" else normal_phone(address)
    except (BadAddress, AttributeError) as error:
        raise refuse("address", str(error)) from error


@transaction.atomic
def suppress(*, channel: str, address: str, reason: str, actor: Actor = HOUSE) -> Suppression:
    """See to it that nothing goes to an address on a channel any more, whoever holds it."""
    if reason not in Suppression.Reason.values:
        raise refuse("reason", f"The reason is one of {', '.join(Suppression.Reason.values)}.")
    normal = normal_address(channel, address)
    lock_standing(_holders(channel, normal))
    made, _ = Suppression.objects.get_or_create(channel=channel, digest=digest(normal), defaults={"reason": reason})
    _tell(channel, normal)
    audit.record(actor, "suppression.created", f"sup_{made.pk}", channel=channel, reason=reason)
    return made


@transaction.atomic
def lift_suppression(*, channel: str, address: str, actor: Actor = HOUSE) -> bool:
    """Let an address be written to again; return whether it was suppressed."""
    normal = normal_address(channel, address)
    gone, _ = Suppression.objects.filter(channel=channel, digest__in=digests(normal)).delete()
    _tell(channel, normal)
    audit.record(actor, "suppression.lifted", f"{channel}", found=bool(gone))
    return bool(gone)


@transaction.atomic
def drop_suppression(suppression: Suppression, *, actor: Actor = HOUSE) -> None:
    """Let the address behind a suppression be written to again."""
    holders = Address.objects.filter(channel=suppression.channel, digest=suppression.digest)
    ids = list(holders.values_list("contact_id", flat=True))
    audit.record(actor, "suppression.lifted", f"sup_{suppression.pk}", channel=suppression.channel)
    suppression.delete()
    _tell_holders(suppression.channel, ids)


def is_suppressed(channel: str, address: str) -> bool:
    """Tell whether nothing may go to an address (in its normal form) on a channel."""
    return Suppression.objects.filter(channel=channel, digest__in=digests(address)).exists()


def _holders(channel: str, normal: str) -> list[int]:
    found = Address.objects.filter(channel=channel, digest__in=digests(normal))
    return list(found.values_list("contact_id", flat=True))


def _tell(channel: str, normal: str) -> None:
    _tell_holders(channel, _holders(channel, normal))


def _tell_holders(channel: str, contact_ids: Collection[int]) -> None:
    at = clock.now()
    if note([NewChange(pk, f"consent:{channel}", at=at) for pk in contact_ids]):
        ring_on_commit("attend")
