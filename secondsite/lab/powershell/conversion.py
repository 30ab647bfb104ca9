"""Conversions: truth, numbers, and casts to a named type."""

from __future__ import annotations

import math
import re
import uuid
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from ipaddress import ip_address
from typing import Final

from secondsite.lab.powershell.failures import (
    ConversionFailure,
    PsError,
    runtime_error,
    unsupported,
)
from secondsite.lab.powershell.moments import LocalZone, from_ticks, parse_date
from secondsite.lab.powershell.text_form import to_text
from secondsite.lab.powershell.type_names import TypeRef, is_instance, resolve, type_name_of
from secondsite.lab.powershell.values import (
    CUSTOM_OBJECT,
    Char,
    Int64,
    PsEnum,
    PsException,
    PsHashtable,
    PsList,
    PsObject,
    PsVersion,
    custom_object,
    ps_object,
)

INT32: Final = (-(2**31), 2**31 - 1)
INT64: Final = (-(2**63), 2**63 - 1)
INTEGER_RANGES: Final[Mapping[str, tuple[int, int]]] = {
    "System.Byte": (0, 255),
    "System.SByte": (-128, 127),
    "System.Int16": (-(2**15), 2**15 - 1),
    "System.UInt16": (0, 2**16 - 1),
    "System.Int32": INT32,
    "System.UInt32": (0, 2**32 - 1),
    "System.Int64": INT64,
    "System.UInt64": (0, 2**64 - 1),
}
_DEFAULT_ZONE: Final = LocalZone(UTC)
_INTEGER: Final = re.compile(r"[+-]?\d+")
_HEX: Final = re.compile(r"([+-]?)0x([0-9a-f]+)", re.IGNORECASE)
_BAD_NUMBER: Final = "Input string was not in a correct format."
Number = int | float | Decimal


def is_number(value: object) -> bool:
    """Whether arithmetic takes the value as it is."""
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def to_bool(value: object) -> bool:
    """Whether a condition holds: empty, zero and null do not."""
    if isinstance(value, bool):
        return value
    if isinstance(value, list):
        return to_bool(value[0]) if len(value) == 1 else bool(value)
    if isinstance(value, PsList):
        return to_bool(value.items[0]) if len(value.items) == 1 else bool(value.items)
    if isinstance(value, PsEnum):
        return value.number != 0
    if isinstance(value, PsHashtable | timedelta):
        return True
    return bool(value)


def parse_number(text: str) -> Number:
    """A number from text; empty text is zero, as PowerShell has it.

    Raises:
        ConversionFailure: it is no number.
    """
    text = text.strip()
    if not text:
        return 0
    if _INTEGER.fullmatch(text):
        return int(text)
    match = _HEX.fullmatch(text)
    if match:
        return int(match[1] + match[2], 16)
    try:
        number = float(text.replace(",", ""))
    except ValueError:
        raise ConversionFailure(_BAD_NUMBER, error_id="InvalidCastFromStringToInteger") from None
    if math.isnan(number) or math.isinf(number):
        raise ConversionFailure(_BAD_NUMBER, error_id="InvalidCastFromStringToInteger")
    return number


def to_number(value: object) -> Number:
    """A value as an operand of arithmetic.

    Raises:
        PsError: it cannot be one.
    """
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int | float | Decimal):
        return value
    if value is None:
        return 0
    if isinstance(value, PsEnum):
        return value.number
    if isinstance(value, Char):
        return ord(value)
    if isinstance(value, str):
        try:
            return parse_number(value)
        except ConversionFailure as failure:
            raise cast_error(value, "System.Int32", failure) from None
    raise runtime_error(
        f'Cannot convert the "{to_text(value)}" value of type "{type_name_of(value)}" to type '
        '"System.Int32".',
        "ConvertToFinalInvalidCastException",
        category="InvalidArgument",
    )


def cast_error(value: object, full_name: str, failure: ConversionFailure) -> PsError:
    """The error of a cast that failed."""
    cannot = f'Cannot convert value "{to_text(value)}" to type "{full_name}".'
    return runtime_error(
        f'{cannot} Error: "{failure.message}"',
        failure.error_id,
        category="InvalidArgument",
        exception_type="System.Management.Automation.PSInvalidCastException",
        inner=PsException("System.FormatException", failure.message),
    )


def enumerate_value(value: object) -> Iterable[object] | None:
    """The elements that a pipeline would be fed; None for a value that is fed whole."""
    if isinstance(value, list):
        return value
    if isinstance(value, PsList):
        return list(value.items)
    if isinstance(value, bytes):
        return list(value)
    items = getattr(value, "enumerate_items", None)
    return list(items()) if items is not None else None


def as_array(value: object) -> list[object]:
    """`@(value)`."""
    items = enumerate_value(value)
    if items is not None:
        return list(items)
    return [] if value is None else [value]


# Casts


def _to_integer(value: object, full_name: str) -> object:
    low, high = INTEGER_RANGES[full_name]
    if isinstance(value, str) and not isinstance(value, Char):
        number = parse_number(value)
    else:
        try:
            number = to_number(value)
        except PsError as error:
            raise ConversionFailure(error.record.message) from None
    if isinstance(number, float) and (math.isnan(number) or math.isinf(number)):
        raise ConversionFailure("Value was either too large or too small.")
    whole = round(number)
    if not low <= whole <= high:
        short = full_name.rpartition(".")[2]
        raise ConversionFailure(
            f"Value was either too large or too small for an {short}.",
            error_id="InvalidCastIConvertible",
        )
    return Int64(whole) if full_name == "System.Int64" else int(whole)


def _to_double(value: object) -> object:
    if isinstance(value, str):
        return float(parse_number(value))
    try:
        return float(to_number(value))
    except PsError as error:
        raise ConversionFailure(error.record.message) from None


def _to_char(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool):
        return Char(chr(value))
    text = to_text(value)
    if len(text) != 1:
        raise ConversionFailure("String must be exactly one character long.")
    return Char(text)


def _to_guid(value: object) -> object:
    if isinstance(value, uuid.UUID):
        return value
    try:
        return uuid.UUID(to_text(value).strip())
    except ValueError:
        raise ConversionFailure(
            "Guid should contain 32 digits with 4 dashes (xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx)."
        ) from None


def _to_timespan(value: object) -> object:
    if isinstance(value, timedelta):
        return value
    if isinstance(value, int):
        return timedelta(microseconds=value / 10)
    match = re.fullmatch(
        r"(-)?(?:(\d+)\.)?(\d+):(\d+)(?::(\d+)(?:\.(\d{1,7}))?)?", to_text(value).strip()
    )
    if not match:
        if isinstance(value, str) and value.strip().isdigit():
            return timedelta(days=int(value))
        raise ConversionFailure("String was not recognized as a valid TimeSpan.")
    sign, days, hours, minutes, seconds, ticks = match.groups()
    span = timedelta(
        days=int(days or 0),
        hours=int(hours),
        minutes=int(minutes),
        seconds=int(seconds or 0),
        microseconds=int((ticks or "").ljust(7, "0")) // 10,
    )
    return -span if sign else span


def _to_version(value: object) -> object:
    if isinstance(value, PsVersion):
        return value
    parts = to_text(value).split(".")
    if not 2 <= len(parts) <= 4 or not all(part.isdigit() for part in parts):
        raise ConversionFailure("Version string portion was too short or too long.")
    return PsVersion(*(int(part) for part in parts))


def to_custom_object(value: object) -> object:
    """`[pscustomobject] value`; a hashtable's entries become properties as they were written."""
    if isinstance(value, PsHashtable):
        return custom_object({to_text(key): held for key, held in value.insertion_items()})
    return value


def _to_hashtable(value: object) -> object:
    if isinstance(value, PsHashtable):
        return value
    raise ConversionFailure(f"a {type_name_of(value)} is no hashtable")


def _to_type(value: object) -> object:
    if isinstance(value, TypeRef):
        return value
    name = resolve(to_text(value))
    if name is None:
        raise unsupported(f"the type [{to_text(value)}]")
    return TypeRef(name)


def _to_string(value: object) -> object:
    return str(value) if type(value) is str else to_text(value)


def _to_ip_address(value: object) -> object:
    if isinstance(value, PsObject) and value.type_name == "System.Net.IPAddress":
        return value
    try:
        parsed = str(ip_address(to_text(value)))
    except ValueError:
        raise ConversionFailure("An invalid IP address was specified.") from None
    return ps_object("System.Net.IPAddress", text=parsed, IPAddressToString=parsed)


_CASTS: Final[Mapping[str, Callable[[object], object]]] = {
    "System.Boolean": to_bool,
    "System.Management.Automation.SwitchParameter": to_bool,
    "System.String": _to_string,
    "System.Char": _to_char,
    "System.Double": _to_double,
    "System.Single": _to_double,
    "System.Decimal": lambda value: Decimal(to_text(value)),
    "System.Guid": _to_guid,
    "System.Net.IPAddress": _to_ip_address,
    "System.TimeSpan": _to_timespan,
    "System.Version": _to_version,
    "System.Collections.Hashtable": _to_hashtable,
    "System.Collections.IDictionary": _to_hashtable,
    "System.Type": _to_type,
    CUSTOM_OBJECT: to_custom_object,
    "System.Management.Automation.PSObject": to_custom_object,
    "System.Object": lambda value: value,
    "System.Void": lambda _: None,
}


def convert(value: object, full_name: str, zone: tzinfo = _DEFAULT_ZONE) -> object:
    """`[full_name] value`.

    Raises:
        ConversionFailure: the value cannot become that type.
        PsError: the lab does not know how.
    """
    if full_name in INTEGER_RANGES:
        return _to_integer(value, full_name)
    if full_name.endswith("[]"):
        return convert_array(value, full_name[:-2], zone)
    if full_name == "System.DateTime":
        return _to_date(value, zone)
    cast = _CASTS.get(full_name)
    if cast is not None:
        if value is None and full_name in {"System.Guid", "System.TimeSpan", "System.Version"}:
            raise ConversionFailure(f'Cannot convert null to type "{full_name}".')
        if value is None and "Hashtable" in full_name:
            return None
        return cast(value)
    if full_name == "System.Array":
        return as_array(value)
    if value is None:
        return None
    if is_instance(value, full_name):
        return value
    if full_name.startswith("System.Collections.") and isinstance(value, list | PsList):
        if full_name.startswith("System.Collections.Generic.List["):
            element = full_name[len("System.Collections.Generic.List[") : -1]
            items = [convert(each, element, zone) for each in as_array(value)]
            return PsList(items, type_name=full_name, element_type=element)
        if full_name == "System.Collections.ArrayList":
            return PsList(as_array(value))
    raise ConversionFailure(
        f'Cannot convert the "{to_text(value)}" value of type "{type_name_of(value)}" to type '
        f'"{full_name}".'
    )


def _to_date(value: object, zone: tzinfo) -> object:
    if isinstance(value, datetime):
        return value
    if isinstance(value, str):
        return parse_date(value, zone)
    if isinstance(value, int) and not isinstance(value, bool):
        return from_ticks(value)
    raise ConversionFailure(f'a "{type_name_of(value)}" is no DateTime')


def convert_array(value: object, element: str, zone: tzinfo = _DEFAULT_ZONE) -> object:
    """`[element[]] value`: a single value becomes an array of one; null stays null."""
    if value is None:
        return None
    if element == "System.Byte":
        if isinstance(value, bytes):
            return value
        return bytes(int(to_number(convert(each, element, zone))) for each in as_array(value))
    items = as_array(value)
    if isinstance(value, PsObject | PsHashtable):
        items = [value]
    return [convert(each, element, zone) for each in items]
