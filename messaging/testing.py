"""Test sends: a template as it stands, to an address somebody names, past every gate but the address itself."""

import secrets

from contacts.addresses import BadAddress, normal_email, normal_phone
from contacts.models import Contact
from messaging.channels import Outgoing, Receipt, line_for
from messaging.composing import from_of
from messaging.models import Channel, Sender, Template
from messaging.rendering import Email
from messaging.templating import render_preview
from workspace import audit
from workspace.problems import Refused, refuse


def _reached(channel: str, address: str) -> str:
    """Return a phone number in its normal form, or by what a device knows the contact."""
    return normal_phone(address) if channel in (Channel.SMS, Channel.WHATSAPP) else address.strip()[:254]


def send_test(template: Template, *, address: str, contact: Contact | None, actor: audit.Actor) -> Receipt:
    """Render a template for a contact and send it to an address now; raise Refused when it cannot be."""
    channel = template.channel
    try:
        to = normal_email(address) if channel == Channel.EMAIL else _reached(channel, address)
    except BadAddress as error:
        raise refuse("address", str(error)) from error
    email = render_preview(template, contact)
    sender = Sender.objects.filter(channel=Channel.EMAIL, is_default=True).first()
    outgoing = Outgoing(
        key=f"test:{template.pk}:{secrets.token_hex(6)}",
        channel=channel,
        marketing=False,
        email=Email(f"[Test] {email.subject}", email.html, email.text),
        from_address=from_of(sender),
        title=f"[Test] {email.subject}".strip(),
        text=email.text,
    )
    line = line_for(channel)
    try:
        receipt = line.send(outgoing, to)
    finally:
        line.close()
    audit.record(actor, "template.tested", template.ref, outcome=receipt.outcome)
    if receipt.outcome != "sent":
        raise Refused(f"The test was not sent: {receipt.reason}", status=502)
    return receipt
