"""Erasing a contact: nothing more is said, and what was said is forgotten."""

import pytest

from contacts.models import Contact
from contacts.services import erase_contact
from tests.messaging.conftest import Queue
from workspace.audit import HOUSE

pytestmark = pytest.mark.django_db


def test_an_erased_contact_is_told_nothing_more_and_no_address_stays(maria: Contact, queued: Queue) -> None:
    message = queued(maria)
    erase_contact(contact=maria, actor=HOUSE)
    message.refresh_from_db()
    assert (message.status, message.gate) == ("refused", "erased")
    assert (message.address, message.content) == ("", {})
