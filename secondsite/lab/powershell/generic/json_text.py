"""JSON as Windows PowerShell 5.1 writes and reads it (not as PowerShell 7 does).

Sources: ConvertTo-Json and ConvertFrom-Json pages of PowerShell-Docs 5.1; the traps of the lab's
reference: depth 2 by default, enumerations as numbers, dates as `/Date(ms)/`, a single object not
wrapped, `'`, `<` and `>` escaped; JavaScriptSerializer's rules for text and numbers.
"""

from __future__ import annotations

import json
import re
import uuid
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Final

from secondsite.lab.powershell.conversion import enumerate_value
from secondsite.lab.powershell.failures import ConversionFailure
from secondsite.lab.powershell.members import property_names, read_own
from secondsite.lab.powershell.members_time import long_date
from secondsite.lab.powershell.moments import EPOCH, ShownDate, face, to_utc
from secondsite.lab.powershell.native import PsDictionary
from secondsite.lab.powershell.text_form import to_text
from secondsite.lab.powershell.type_names import TypeRef
from secondsite.lab.powershell.values import (
    ErrorRecord,
    PsEnum,
    PsException,
    PsHashtable,
    PsObject,
    PsVersion,
    ScriptBlock,
    custom_object,
)
from secondsite.lab.powershell.wording import words

_ESCAPES: Final = {
    '"': '\\"',
    "\\": "\\\\",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
}
_ESCAPED: Final = re.compile("[\x00-\x1f\"\\\\'<>\x85\u2028\u2029&]")
_INDENT: Final = "    "


def quote(text: str) -> str:
    """A string literal with JavaScriptSerializer's escapes."""

    def escape(match: re.Match[str]) -> str:
        char = match.group()
        return _ESCAPES.get(char) or f"\\u{ord(char):04x}"

    return f'"{_ESCAPED.sub(escape, text)}"'


class _Writer:
    """Turns values into dictionaries, lists and literals, down to a depth."""

    def __init__(self, *, depth: int, zone: tzinfo, enums_as_strings: bool) -> None:
        self.depth = depth
        self.zone = zone
        self.enums_as_strings = enums_as_strings

    def literal(self, value: object) -> str | None:
        """A value that needs no structure; None if it does."""
        if value is None:
            return "null"
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, PsEnum):
            return quote(value.name) if self.enums_as_strings else str(value.number)
        if isinstance(value, str):
            return quote(value)
        if isinstance(value, int | float | Decimal):
            return to_text(value)
        if isinstance(value, uuid.UUID):
            return quote(str(value))
        if isinstance(value, datetime):
            return self._date(value)
        return None

    def _date(self, value: datetime) -> str:
        millis = (face(to_utc(value, self.zone)) - EPOCH) // timedelta(milliseconds=1)
        return f'"\\/Date({millis})\\/"'

    def prepare(self, value: object, level: int, *, piped: bool = False) -> object:
        """Nested dictionaries and lists of JSON literals."""
        if isinstance(value, datetime) and (piped or isinstance(value, ShownDate)):
            return self._shown_date(value)
        literal = self.literal(value)
        if literal is not None:
            return literal
        if level > self.depth:
            return quote(to_text(value))
        if isinstance(value, PsHashtable):
            return {to_text(key): self.prepare(each, level + 1) for key, each in value.items()}
        if isinstance(value, PsDictionary):
            return {
                to_text(key): self.prepare(each, level + 1) for key, each in value.entries.items()
            }
        items = enumerate_value(value)
        if items is not None:
            return [self.prepare(each, level + 1) for each in items]
        return {
            name: self.prepare(each, level + 1) for name, each in self._properties(value).items()
        }

    def _shown_date(self, value: datetime) -> dict[str, object]:
        shown: dict[str, object] = {"value": self._date(value)}
        if isinstance(value, ShownDate):
            shown["DisplayHint"] = "2"
        shown["DateTime"] = quote(long_date(value))
        return shown

    def _properties(self, value: object) -> dict[str, object]:
        if isinstance(value, PsObject):
            return {name: value.get(name) for name in value.all_names()}
        if isinstance(value, PsVersion):
            names = ("Major", "Minor", "Build", "Revision", "MajorRevision", "MinorRevision")
            return {name: read_own(value, name) for name in names}
        if isinstance(value, ScriptBlock):
            return {"Ast": value.ast.text}
        if isinstance(value, timedelta):
            return {name: read_own(value, name) for name in _SPAN_NAMES}
        if isinstance(value, ErrorRecord | PsException | TypeRef):
            return {name: read_own(value, name) for name in property_names(value)}
        raise ConversionFailure(f"lab: a {type(value).__name__} cannot be written as JSON")


_SPAN_NAMES: Final = words(
    """
    Ticks Days Hours Milliseconds Minutes Seconds TotalDays TotalHours TotalMilliseconds
    TotalMinutes TotalSeconds
    """
)


def to_json(
    value: object,
    *,
    depth: int,
    compress: bool,
    zone: tzinfo,
    enums_as_strings: bool = False,
    piped: bool = False,
) -> str:
    """`ConvertTo-Json`."""
    writer = _Writer(depth=depth, zone=zone, enums_as_strings=enums_as_strings)
    prepared = writer.prepare(value, 0, piped=piped)
    return _compact(prepared) if compress else _spread(prepared, "")


def _compact(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ",".join(f"{quote(key)}:{_compact(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_compact(each) for each in value) + "]"
    return str(value)


def _spread(value: object, margin: str) -> str:
    """The layout of 5.1: two blanks after a colon, values indented under their key."""
    if isinstance(value, dict):
        if not value:
            return "{\r\n\r\n" + margin + "}"
        inner = margin + _INDENT
        lines = []
        for key, each in value.items():
            head = f"{inner}{quote(key)}:  "
            lines.append(head + _spread(each, " " * len(head)))
        return "{\r\n" + ",\r\n".join(lines) + "\r\n" + margin + "}"
    if isinstance(value, list):
        if not value:
            return "[\r\n\r\n" + margin + "]"
        inner = margin + _INDENT
        lines = [inner + _spread(each, inner) for each in value]
        return "[\r\n" + ",\r\n".join(lines) + "\r\n" + margin + "]"
    return str(value)


# Reading

_DATE: Final = re.compile(r"/Date\((-?\d+)(?:[+-]\d{4})?\)/")


def from_json(text: str) -> object:
    """`ConvertFrom-Json`: objects become custom objects, fractions decimals.

    Raises:
        ConversionFailure: it is no JSON, or an object has a key twice.
    """
    try:
        return (
            json.loads(
                text, object_pairs_hook=_object, parse_float=Decimal, parse_int=_whole, strict=False
            )
            if not text.isspace() and text
            else None
        )
    except json.JSONDecodeError as error:
        raise ConversionFailure(f"Invalid JSON primitive: {_word_at(text, error.pos)}.") from None


def _word_at(text: str, pos: int) -> str:
    match = re.compile(r"\w*").match(text, pos)
    return match.group() if match else ""


def _whole(text: str) -> object:
    number = int(text)
    return number if -(2**63) <= number < 2**63 else Decimal(number)


def _object(pairs: list[tuple[str, object]]) -> object:
    properties: dict[str, object] = {}
    seen: set[str] = set()
    for key, value in pairs:
        if key.lower() in seen:
            raise ConversionFailure(
                "Cannot convert the JSON string because a dictionary that was converted from the "
                f"string contains the duplicated keys '{key}' and '{key}'."
            )
        seen.add(key.lower())
        properties[key] = _value(value)
    return custom_object(properties)


def _value(value: object) -> object:
    if isinstance(value, str):
        match = _DATE.fullmatch(value)
        if match:
            return (EPOCH + timedelta(milliseconds=int(match[1]))).replace(tzinfo=UTC)
    return value
