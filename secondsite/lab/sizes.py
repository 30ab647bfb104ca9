"""Amounts of memory as people write them (`4GiB`, `512 MiB`); mebibytes inside."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer

__all__ = ["MemoryMib", "format_memory", "parse_memory"]

_FORM = re.compile(r"(\d+(?:\.\d+)?)\s*(MiB|GiB|TiB)", re.IGNORECASE)
_UNITS_MIB = {"mib": 1, "gib": 1024, "tib": 1024 * 1024}


def parse_memory(text: object) -> int:
    """Mebibytes.

    Raises:
        ValueError: no unit, an unknown unit, or nothing at all.
    """
    if isinstance(text, int):
        # pydantic turns a ValueError into a fault; a TypeError would get through
        raise ValueError(f"memory needs a unit: write {text}MiB or {text}GiB, not {text}")  # noqa: TRY004
    match = _FORM.fullmatch(text.strip()) if isinstance(text, str) else None
    if match is None:
        raise ValueError(f"{text!r} is not an amount of memory: write 512MiB, 4GiB or 1TiB")
    amount = round(float(match[1]) * _UNITS_MIB[match[2].lower()])
    if amount < 1:
        raise ValueError(f"{text!r} is less than 1MiB")
    return amount


def format_memory(mib: int) -> str:
    """`mib` in the form that `parse_memory` reads."""
    for unit, factor in (("TiB", 1024 * 1024), ("GiB", 1024)):
        if mib % factor == 0:
            return f"{mib // factor}{unit}"
    return f"{mib}MiB"


def _parse_or_keep(value: object) -> int:
    return parse_memory(value)


MemoryMib = Annotated[
    int,
    BeforeValidator(_parse_or_keep, json_schema_input_type=str),
    PlainSerializer(format_memory, return_type=str),
]
