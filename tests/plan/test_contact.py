from __future__ import annotations

import pytest

from secondsite.plan.contact import fault_of_contact, is_mail_address

GOOD = ["aiko@corp.example", "root@localhost", "+81 6 5555 0100", "110", "#dr", "@aiko", "desk 4"]
BAD = ["Aiko <aiko@corp.example>", "a@b.c, d@e.f", "aiko@", "a b@c.d", "+8", "1"]


@pytest.mark.parametrize("contact", GOOD)
def test_what_people_can_be_reached_by_has_no_fault(contact: str) -> None:
    assert fault_of_contact(contact) == ""


@pytest.mark.parametrize("contact", BAD)
def test_what_cannot_be_one_is_told(contact: str) -> None:
    assert fault_of_contact(contact)
    assert not is_mail_address(contact)
