"""Test sends: a template as it stands, to an address somebody names, past every gate but the address itself."""

import secrets

from contacts.addresses import BadAddress, normal_email
from contacts.models import Contact
from messaging.channels import Outgoing, Receipt, line_for
from messaging.composing import from_of
from messaging.models import Channel, Sender, Template
from messaging.rendering import Email
from messaging.templating import render_preview
from workspace import audit
from workspace.problems import Refused, refuse


def send_test(template: Template, *, address: str, contact: Contact | None, actor: audit.Actor) -> Receipt:
    """Render a template for a contact and send it to an address now; raise Refused when it cannot be."""
    try:
        to = normal_email(address)
    except BadAddress as error:
        raise refuse("address", str(error)) from error
    email = render_preview(template, contact)
    sender = Sender.objects.filter(channel=Channel.EMAIL, is_default=True).first()
    outgoing = Outgoing(
        key=f"test:{template.pk}:{secrets.token_hex(6)}",
        channel=Channel.EMAIL,
        marketing=False,
        email=Email(f"[Test] {email.subject}", email.html, email.text),
        from_address=from_of(sender),
    )
    line = line_for(Channel.EMAIL)
    try:
        receipt = line.send(outgoing, to)
    finally:
        line.close()
    audit.record(actor, "template.tested", template.ref, outcome=receipt.outcome)
    if receipt.outcome != "sent":
        raise Refused(f"The test was not sent: {receipt.reason}", status=502)
    return receipt
