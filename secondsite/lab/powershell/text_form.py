"""What values look like as text: string conversion, `-f`, ToString with a format.

Strings are made in the invariant culture, as Windows PowerShell does when it converts.
"""

from __future__ import annotations

import math
import re
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from secondsite.lab.powershell.failures import ConversionFailure
from secondsite.lab.powershell.type_names import type_name_of
from secondsite.lab.powershell.values import (
    ErrorRecord,
    PsException,
    PsHashtable,
    PsList,
    PsObject,
    ScriptBlock,
    _Nothing,
)

_SIGNIFICANT_DIGITS: Final = 15


def double_text(number: float) -> str:
    """A double as .NET Framework prints it: 15 significant digits, exponent from 1E+15 on."""
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    text = f"{number:.{_SIGNIFICANT_DIGITS}g}"
    mantissa, marker, exponent = text.partition("e")
    if not marker:
        return text if text != "-0" else "0"
    power = int(exponent)
    if -5 <= power < 0:
        return f"{number:.{_SIGNIFICANT_DIGITS - power - 1}f}".rstrip("0")
    return f"{mantissa}E{'-' if power < 0 else '+'}{abs(power):02d}"


def timespan_text(span: timedelta) -> str:
    """`[d.]hh:mm:ss[.fffffff]`."""
    micros = span // timedelta(microseconds=1)
    sign, micros = ("-", -micros) if micros < 0 else ("", micros)
    seconds, micros = divmod(micros, 1_000_000)
    days, seconds = divmod(seconds, 86400)
    text = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return f"{sign}{f'{days}.' if days else ''}{text}{f'.{micros:06d}0' if micros else ''}"


def to_text(value: object) -> str:
    """`[string] value`."""
    if type(value) is str:
        return value
    if value is None or isinstance(value, _Nothing):
        return ""
    if isinstance(value, bool):
        return "True" if value else "False"
    if isinstance(value, float):
        return double_text(value)
    if isinstance(value, str | int | uuid.UUID):
        return str(value)
    if isinstance(value, list | bytes):
        return " ".join(to_text(each) for each in value)
    if isinstance(value, PsList):
        return " ".join(to_text(each) for each in value.items)
    if isinstance(value, datetime):
        return value.strftime("%m/%d/%Y %H:%M:%S")
    if isinstance(value, timedelta):
        return timespan_text(value)
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, PsObject):
        return object_text(value)
    if isinstance(value, ScriptBlock):
        return value.ast.text
    if isinstance(value, ErrorRecord):
        return value.message
    if isinstance(value, PsException):
        return f"{value.type_name}: {value.message}"
    if isinstance(value, PsHashtable):
        return type_name_of(value)
    full_name = getattr(value, "full_name", None)
    return full_name if isinstance(full_name, str) else str(value)


def object_text(value: PsObject) -> str:
    """What an object prints as inside a string."""
    if value.text is not None:
        return value.text
    if not value.is_custom:
        return value.type_name
    shown = (f"{name}={to_text(held)}" for name, held in value.properties.items())
    return f"@{{{'; '.join(shown)}}}"


# Formats

_NUMERIC: Final = re.compile(r"(?P<kind>[A-Za-z])(?P<digits>\d{0,2})")
_ITEM: Final = re.compile(r"\{\{|\}\}|\{(\d+)(?:,\s*(-?\d+))?(?::((?:[^{}]|\{\{|\}\})*))?\}|[{}]")


def format_items(pattern: str, values: Sequence[object]) -> str:
    """`pattern -f values`.

    Raises:
        ConversionFailure: the pattern is wrong or names a value that is not there.
    """

    def replace(match: re.Match[str]) -> str:
        token = match.group()
        if token in {"{{", "}}"}:
            return token[0]
        if len(token) == 1:
            raise ConversionFailure("Input string was not in a correct format.")
        index = int(match.group(1))
        if index >= len(values):
            raise ConversionFailure(
                "Index (zero based) must be greater than or equal to zero and less than the size "
                "of the argument list."
            )
        text = format_value(values[index], match.group(3) or "")
        width = int(match.group(2) or 0)
        return text.ljust(-width) if width < 0 else text.rjust(width)

    return _ITEM.sub(replace, pattern)


def format_value(value: object, pattern: str) -> str:
    """`value.ToString(pattern)`; an empty pattern means plain text."""
    if isinstance(value, datetime):
        return format_date(value, pattern or "G")
    if not pattern:
        return to_text(value)
    if isinstance(value, timedelta):
        return _format_timespan(value, pattern)
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return _format_number(value, pattern)
    if isinstance(value, uuid.UUID):
        return _format_guid(value, pattern)
    return to_text(value)


def _format_guid(value: uuid.UUID, pattern: str) -> str:
    forms = {"D": str(value), "N": value.hex, "B": f"{{{value}}}", "P": f"({value})"}
    try:
        return forms[pattern.upper()]
    except KeyError:
        raise ConversionFailure(f"lab: the Guid format {pattern!r} is not in the subset") from None


def _format_number(value: int | float | Decimal, pattern: str) -> str:
    match = _NUMERIC.fullmatch(pattern)
    if not match:
        return _format_picture(value, pattern)
    kind, digits = match["kind"].upper(), match["digits"]
    if kind in {"D", "X"} and not isinstance(value, int):
        raise ConversionFailure("Format specifier was invalid.")
    if kind == "D":
        return f"{'-' if value < 0 else ''}{str(abs(int(value))).rjust(int(digits or 0), '0')}"
    if kind == "X":
        bits = 0xFFFFFFFF if -(2**31) <= value < 2**31 else 0xFFFFFFFFFFFFFFFF
        text = f"{int(value) & bits:X}"
        text = text if match["kind"] == "X" else text.lower()
        return text.rjust(int(digits or 0), "0")
    places = int(digits or 2)
    rounded = _round_half_away(value, places + (2 if kind == "P" else 0))
    if kind == "N":
        return f"{rounded:,.{places}f}"
    if kind == "F":
        return f"{rounded:.{places}f}"
    if kind == "P":
        return f"{rounded * 100:,.{places}f} %"
    if kind == "G" and not digits:
        return to_text(value)
    raise ConversionFailure(f"lab: the number format {pattern!r} is not in the subset")


def _round_half_away(value: int | float | Decimal, places: int) -> Decimal:
    exact = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    return exact.quantize(Decimal(1).scaleb(-places), rounding="ROUND_HALF_UP")


def _format_picture(value: int | float | Decimal, pattern: str) -> str:
    match = re.fullmatch(
        r"(?P<whole>[#,]*0*)(?:\.(?P<zeros>0*)(?P<hashes>#*))?(?P<tail>%?)", pattern
    )
    if not match:
        raise ConversionFailure(f"lab: the number format {pattern!r} is not in the subset")
    if match["tail"]:
        value = value * 100
    zeros, hashes = len(match["zeros"] or ""), len(match["hashes"] or "")
    rounded = _round_half_away(value, zeros + hashes)
    text = f"{abs(rounded):.{zeros + hashes}f}"
    whole, _, fraction = text.partition(".")
    whole = whole.lstrip("0").rjust(match["whole"].count("0"), "0")
    if "," in match["whole"]:
        whole = f"{int(whole or 0):,}".rjust(match["whole"].count("0"), "0")
    if hashes:
        fraction = fraction[:zeros] + fraction[zeros:].rstrip("0")
    sign = "-" if rounded < 0 else ""
    return f"{sign}{whole}{f'.{fraction}' if fraction else ''}{match['tail']}"


def _format_timespan(span: timedelta, pattern: str) -> str:
    if pattern in {"c", "t", "T"}:
        return timespan_text(span)
    total = abs(span)
    seconds = int(total.total_seconds())
    fields: dict[str, tuple[int, int]] = {
        "d": (total.days, 1),
        "h": (seconds // 3600 % 24, 1),
        "m": (seconds // 60 % 60, 1),
        "s": (seconds % 60, 1),
    }

    def replace(match: re.Match[str]) -> str:
        token = match.group()
        if token[0] == "\\":
            return token[1:]
        if token[0] == "'":
            return token[1:-1]
        if token[0] == "f":
            return f"{total.microseconds:06d}0"[: len(token)]
        if token[0] in fields:
            return str(fields[token[0]][0]).rjust(len(token), "0")
        raise ConversionFailure("Input string was not in a correct format.")

    return re.sub(r"\\.|'[^']*'|([dhmsf])\1*|.", replace, pattern)


_STANDARD_DATES: Final = {
    "d": "MM/dd/yyyy",
    "D": "dddd, dd MMMM yyyy",
    "g": "MM/dd/yyyy HH:mm",
    "G": "MM/dd/yyyy HH:mm:ss",
    "s": "yyyy-MM-ddTHH:mm:ss",
    "t": "HH:mm",
    "T": "HH:mm:ss",
    "u": "yyyy-MM-dd HH:mm:ssZ",
    "o": "yyyy-MM-ddTHH:mm:ss.fffffffK",
    "O": "yyyy-MM-ddTHH:mm:ss.fffffffK",
    "r": "ddd, dd MMM yyyy HH:mm:ss 'GMT'",
    "R": "ddd, dd MMM yyyy HH:mm:ss 'GMT'",
}
_DATE_TOKEN: Final = re.compile(r"\\.|'[^']*'|\"[^\"]*\"|([dMyHhmsftzFK])\1*|.", re.DOTALL)


def _zone_text(value: datetime, width: int) -> str:
    offset = value.utcoffset() or timedelta()
    minutes = int(offset.total_seconds() // 60)
    sign, minutes = ("-", -minutes) if minutes < 0 else ("+", minutes)
    hours = f"{minutes // 60:02d}" if width > 1 else str(minutes // 60)
    return f"{sign}{hours}{f':{minutes % 60:02d}' if width > 2 else ''}"


def _kind_text(value: datetime) -> str:
    if value.tzinfo is None:
        return ""
    return "Z" if value.tzinfo is UTC else _zone_text(value, 3)


def format_date(value: datetime, pattern: str) -> str:
    """A date in a standard (`o`) or custom (`yyyy-MM-dd`) format, invariant culture."""
    if len(pattern) == 1 and pattern not in _STANDARD_DATES:
        raise ConversionFailure("Input string was not in a correct format.")
    pattern = _STANDARD_DATES.get(pattern, pattern)
    hour12 = value.hour % 12 or 12
    forms: dict[str, Callable[[int], str]] = {
        "y": lambda n: f"{value.year:04d}" if n > 2 else f"{value.year % 100:02d}",
        "M": lambda n: (
            value.strftime({3: "%b", 4: "%B"}.get(n, "%m")) if n > 1 else str(value.month)
        ),
        "d": lambda n: value.strftime({3: "%a", 4: "%A"}.get(n, "%d")) if n > 1 else str(value.day),
        "H": lambda n: str(value.hour).rjust(n, "0"),
        "h": lambda n: str(hour12).rjust(n, "0"),
        "m": lambda n: str(value.minute).rjust(n, "0"),
        "s": lambda n: str(value.second).rjust(n, "0"),
        "f": lambda n: f"{value.microsecond:06d}0"[:n],
        "F": lambda n: f"{value.microsecond:06d}0"[:n].rstrip("0"),
        "t": lambda n: ("AM" if value.hour < 12 else "PM")[:n],
        "z": lambda n: _zone_text(value, n),
        "K": lambda _: _kind_text(value),
    }

    def replace(match: re.Match[str]) -> str:
        token = match.group()
        if token[0] == "\\":
            return token[1:]
        if token[0] in "'\"":
            return token[1:-1]
        form = forms.get(token[0])
        return form(len(token)) if form else token

    return _DATE_TOKEN.sub(replace, pattern)
