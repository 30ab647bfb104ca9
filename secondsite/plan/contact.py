"""How to reach somebody, as a person wrote it: a mail address, a telephone number, a channel."""

from __future__ import annotations

import re

__all__ = ["fault_of_contact", "is_mail_address"]

_MAIL = re.compile(r"[^\s@<>,;]+@[^\s@<>,;]+")
_TELEPHONE = re.compile(r"\+?[0-9][0-9 ()./-]*")
_FEWEST_DIGITS = 3


def is_mail_address(contact: str) -> bool:
    """Whether mail can be sent there."""
    return _MAIL.fullmatch(contact.strip()) is not None


def fault_of_contact(contact: str) -> str:
    """What is wrong with its form, in words; empty if nothing is."""
    text = contact.strip()
    if "@" in text and not text.startswith("@") and not is_mail_address(text):
        return "is no mail address: write it alone, as in aiko@corp.example"
    if _TELEPHONE.fullmatch(text) and sum(each.isdigit() for each in text) < _FEWEST_DIGITS:
        return "is too short for a telephone number"
    return ""
