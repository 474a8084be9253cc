"""The invariants: they hold on an empty base, and a row that breaks one is named."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from config.management.commands.check_invariants import APPS, checks, violations
from contacts.services import create_contact
from segmentation.evaluation import recompute
from tests.factories import did, person, segment
from workspace.audit import HOUSE

pytestmark = pytest.mark.django_db


def corrupt(*statements: str) -> None:
    """Do by hand what the house never does, past the guard of tables that are only added to."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('tributary.erasing', 'on', true)")
        for statement in statements:
            cursor.execute(statement)
        cursor.execute("SELECT set_config('tributary.erasing', '', true)")


def broken(word: str) -> bool:
    """Tell whether an invariant of this word is broken, and whether the command says so loudly."""
    names = [name for name in violations() if word in name]
    if names:
        out = StringIO()
        with pytest.raises(CommandError, match="do not hold"):
            call_command("check_invariants", stdout=out)
        assert f"BROKEN  {names[0]}" in out.getvalue()
    return bool(names)


def test_everything_holds_on_an_empty_base() -> None:
    out = StringIO()
    call_command("check_invariants", stdout=out)
    lines = out.getvalue().splitlines()
    assert len(lines) == len(list(checks())) >= 20
    assert all(line.startswith("holds") for line in lines)


def test_every_floor_that_has_facts_has_invariants() -> None:
    assert len({name for name, _ in checks()}) == len(list(checks()))
    assert {"contacts", "segmentation", "messaging", "flows"} <= set(APPS)


def test_an_event_of_nobody_is_named() -> None:
    anna = person("Anna")
    did(anna, "Order Completed")
    assert not broken("every event belongs to a contact")
    corrupt(f"UPDATE contacts_event SET contact_id = 999999999 WHERE contact_id = {anna.pk}")
    assert broken("every event belongs to a contact")


def test_a_change_of_nobody_is_named() -> None:
    segment("Buyers", {"type": "EVENT", "eventName": "Order Completed"})
    anna = person("Anna")
    did(anna, "Order Completed")
    assert not broken("every Change is of a contact")
    corrupt(f"UPDATE contacts_change SET contact_id = 999999999 WHERE contact_id = {anna.pk}")
    assert broken("every Change is of a contact")


def test_a_shown_user_id_that_is_no_identity_is_named() -> None:
    anna = create_contact(document={"userId": "anna"}, actor=HOUSE)
    assert violations() == {}
    corrupt(f"DELETE FROM contacts_identity WHERE contact_id = {anna.pk}")
    assert broken("the shown user id is one of its identities")


def test_a_switched_off_guard_is_named() -> None:
    corrupt("ALTER TABLE workspace_audit DISABLE TRIGGER append_only")
    assert broken("guarded by the database")


def test_a_member_without_a_transition_is_named() -> None:
    bought = {"type": "EVENT", "eventName": "Order Completed"}
    did(person("Anna", user_id=None), "Order Completed")
    buyers = segment("Buyers", bought)
    recompute(buyers.pk, cause="edited", fires="none")
    before = set(violations())
    corrupt(f"DELETE FROM segmentation_membership WHERE segment_id = {buyers.pk}")
    assert set(violations()) - before
