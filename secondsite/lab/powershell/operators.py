"""Binary and unary operators. The left operand decides what the right one becomes."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from secondsite.lab.powershell.conversion import (
    INT32,
    INT64,
    Number,
    as_array,
    convert,
    enumerate_value,
    is_number,
    to_bool,
    to_number,
)
from secondsite.lab.powershell.failures import (
    ConversionFailure,
    PsError,
    runtime_error,
    unsupported,
)
from secondsite.lab.powershell.moments import face, plain
from secondsite.lab.powershell.patterns import join, wildcard
from secondsite.lab.powershell.text_form import format_items, to_text
from secondsite.lab.powershell.type_names import type_name_of
from secondsite.lab.powershell.values import (
    Int64,
    PsEnum,
    PsException,
    PsHashtable,
    PsList,
    PsVersion,
)

# Arithmetic


def fit(result: int, left: object, right: object) -> Number:
    """An integer result in the type of its operands, or a double where it does not fit."""
    is_long = any(isinstance(each, Int64) or not _is_int32(each) for each in (left, right))
    low, high = INT64 if is_long else INT32
    if not low <= result <= high:
        return float(result)
    return Int64(result) if is_long else result


def _is_int32(value: object) -> bool:
    return isinstance(value, int) and INT32[0] <= value <= INT32[1]


def _no_operator(name: str, left: object) -> PsError:
    return runtime_error(
        f"Method invocation failed because [{type_name_of(left)}] does not contain a method named "
        f"'op_{name}'.",
        "MethodNotFound",
    )


def add(left: object, right: object) -> object:
    """`left + right`."""
    if isinstance(left, str):
        return left + to_text(right)
    if isinstance(left, bool) or is_number(left):
        if isinstance(right, PsList | list):
            raise _no_operator("Addition", right)
        return _calculate("+", to_number(left), to_number(right))
    if isinstance(left, list):
        return left + as_array(right) if right is not None else [*left, None]
    if left is None:
        return right
    if isinstance(left, PsList):
        return left.items + as_array(right)
    if isinstance(left, PsHashtable) and isinstance(right, PsHashtable):
        return _merge(left, right)
    if isinstance(left, datetime) and isinstance(right, timedelta):
        return plain(left) + right
    if isinstance(left, timedelta) and isinstance(right, timedelta):
        return left + right
    raise _no_operator("Addition", left)


def _merge(left: PsHashtable, right: PsHashtable) -> PsHashtable:
    merged = left.copy()
    for key, value in right.insertion_items():
        if key in merged:
            raise runtime_error(
                f"Item has already been added. Key in dictionary: '{to_text(key)}'  Key being "
                f"added: '{to_text(key)}'",
                "System.ArgumentException",
            )
        merged[key] = value
    return merged


def subtract(left: object, right: object) -> object:
    """`left - right`."""
    if isinstance(left, datetime):
        if isinstance(right, datetime):
            return face(left) - face(right)
        if isinstance(right, timedelta):
            return plain(left) - right
    if isinstance(left, timedelta) and isinstance(right, timedelta):
        return left - right
    if isinstance(left, list | PsHashtable | datetime | timedelta):
        raise _no_operator("Subtraction", left)
    return _calculate("-", to_number(left), to_number(right))


def multiply(left: object, right: object) -> object:
    """`left * right`; text and arrays are repeated."""
    if isinstance(left, str):
        return str(left) * int(to_number(right))
    if isinstance(left, list):
        return left * int(to_number(right))
    return _calculate("*", to_number(left), to_number(right))


def divide(left: object, right: object) -> object:
    """`left / right`; an integer only if nothing remains."""
    return _calculate("/", to_number(left), to_number(right))


def remainder(left: object, right: object) -> object:
    """`left % right`, with the sign of the left operand."""
    return _calculate("%", to_number(left), to_number(right))


def _calculate(operator: str, left: Number, right: Number) -> Number:
    if isinstance(left, int) and isinstance(right, int):
        return _calculate_whole(operator, left, right)
    if isinstance(left, Decimal) or isinstance(right, Decimal):
        one, other = Decimal(str(left)), Decimal(str(right))
        return _exact(operator, one, other)
    one_f, other_f = float(left), float(right)
    if operator == "+":
        return one_f + other_f
    if operator == "-":
        return one_f - other_f
    if operator == "*":
        return one_f * other_f
    if other_f == 0:
        return (
            float("nan")
            if one_f == 0 or operator == "%"
            else float("inf") * (1 if one_f > 0 else -1)
        )
    if operator == "/":
        return one_f / other_f
    return one_f - other_f * int(one_f / other_f)


def _exact(operator: str, left: Decimal, right: Decimal) -> Decimal:
    if operator in "/%" and right == 0:
        raise _divided_by_zero()
    results: Mapping[str, Callable[[], Decimal]] = {
        "+": lambda: left + right,
        "-": lambda: left - right,
        "*": lambda: left * right,
        "/": lambda: left / right,
        "%": lambda: left % right,
    }
    return results[operator]()


def _divided_by_zero() -> PsError:
    message = "Attempted to divide by zero."
    return runtime_error(
        message,
        "RuntimeException",
        category="NotSpecified",
        inner=PsException("System.DivideByZeroException", message),
    )


def _calculate_whole(operator: str, left: int, right: int) -> Number:
    if operator == "+":
        return fit(left + right, left, right)
    if operator == "-":
        return fit(left - right, left, right)
    if operator == "*":
        return fit(left * right, left, right)
    if right == 0:
        raise _divided_by_zero()
    if operator == "%":
        whole = abs(left) % abs(right)
        return fit(-whole if left < 0 else whole, left, right)
    if left % right == 0:
        return fit(left // right, left, right)
    return left / right


def make_range(left: object, right: object) -> object:
    """`left .. right`, both ends included, downwards too."""
    first, last = (round(to_number(each)) for each in (left, right))
    step = 1 if last >= first else -1
    return list(range(first, last + step, step))


# Comparison


def _equal_numbers(left: Number, right: object) -> bool:
    try:
        return left == to_number(right)
    except PsError:
        return False


def equals(left: object, right: object, *, case: bool = False) -> bool:
    """Whether two single values are equal; the right one is converted to the left one's type."""
    if left is None or right is None:
        return left is right
    if isinstance(left, str):
        other = to_text(right)
        return left == other if case else left.lower() == other.lower()
    if isinstance(left, bool):
        return left == to_bool(right)
    if isinstance(left, int | float | Decimal):
        return _equal_numbers(left, right)
    if isinstance(left, PsEnum):
        if isinstance(right, PsEnum):
            return left == right
        if isinstance(right, str):
            return left.name.lower() == right.lower() or right == str(left.number)
        return _equal_numbers(left.number, right)
    converted = right
    if isinstance(left, datetime | timedelta | uuid.UUID | PsVersion) and isinstance(right, str):
        try:
            converted = convert(right, type_name_of(left))
        except (ConversionFailure, PsError):
            return False
    if isinstance(left, datetime) and isinstance(converted, datetime):
        return face(left) == face(converted)
    return bool(left is converted or (type(left) is type(converted) and left == converted))


def order(left: object, right: object, *, case: bool = False) -> int:
    """-1, 0 or 1.

    Raises:
        PsError: the two cannot be ordered.
    """
    try:
        one, other = _comparable(left, right, case=case)
        return int(one > other) - int(one < other)  # type: ignore[operator]
    except (TypeError, ConversionFailure, PsError) as error:
        if isinstance(error, PsError) and not isinstance(left, list):
            reason = error.record.message
        else:
            reason = (
                f'Cannot convert to type "{type_name_of(left) if left is not None else "null"}".'
            )
        raise runtime_error(
            f'Could not compare "{to_text(left)}" to "{to_text(right)}". Error: "{reason}"',
            "ComparisonFailure",
        ) from None


def _comparable(left: object, right: object, *, case: bool) -> tuple[object, object]:
    if left is None:
        if right is None:
            return 0, 0
        return (0, to_number(right)) if is_number(right) else ("", to_text(right))
    if isinstance(left, str):
        one, other = str(left), to_text(right)
        if case:
            return (one.lower(), one.swapcase()), (other.lower(), other.swapcase())
        return one.lower(), other.lower()
    if isinstance(left, PsEnum):
        if isinstance(right, str):
            raise unsupported("ordering an enumeration against a name")
        return left.number, to_number(right)
    if isinstance(left, bool | int | float | Decimal):
        return to_number(left), to_number(right)
    converted = convert(right, type_name_of(left)) if isinstance(right, str) else right
    if isinstance(left, datetime) and isinstance(converted, datetime):
        return face(left), face(converted)
    if isinstance(left, PsVersion) and isinstance(converted, PsVersion):
        return (
            (left.major, left.minor, left.build, left.revision),
            (converted.major, converted.minor, converted.build, converted.revision),
        )
    if isinstance(left, uuid.UUID | timedelta) and type(left) is type(converted):
        return left, converted
    raise TypeError


def format_operator(left: object, right: object) -> str:
    """`pattern -f values`."""
    values = right if isinstance(right, list) else [right]
    try:
        return format_items(to_text(left), values)
    except ConversionFailure as failure:
        raise runtime_error(
            f"Error formatting a string: {failure.message}.",
            "FormatError",
            category="InvalidOperation",
        ) from None


def bitwise(operator: str, left: object, right: object) -> object:
    """`-band`, `-bor`, `-bxor`."""
    one, other = round(to_number(left)), round(to_number(right))
    result = {"-band": one & other, "-bor": one | other, "-bxor": one ^ other}[operator]
    return fit(result, one, other)


# Families: with case or without, on one value or filtering an array

Test = Callable[[object, object, bool], bool]

_TESTS: Final[Mapping[str, Test]] = {
    "eq": lambda left, right, case: equals(left, right, case=case),
    "ne": lambda left, right, case: not equals(left, right, case=case),
    "gt": lambda left, right, case: order(left, right, case=case) > 0,
    "ge": lambda left, right, case: order(left, right, case=case) >= 0,
    "lt": lambda left, right, case: order(left, right, case=case) < 0,
    "le": lambda left, right, case: order(left, right, case=case) <= 0,
    "like": lambda left, right, case: bool(
        wildcard(to_text(right), case=case).fullmatch(to_text(left))
    ),
    "notlike": lambda left, right, case: (
        not wildcard(to_text(right), case=case).fullmatch(to_text(left))
    ),
}


def contains(values: object, wanted: object, *, case: bool = False) -> bool:
    """`values -contains wanted`."""
    return any(equals(each, wanted, case=case) for each in as_array(values))


def compare(name: str, left: object, right: object, *, case: bool) -> object:
    """An operator of `_TESTS` on one value, or on each element of an array as a filter."""
    test = _TESTS[name]
    items = enumerate_value(left)
    if items is None:
        return test(left, right, case)
    return [each for each in items if test(each, right, case)]


def split_case(operator: str) -> tuple[str, bool]:
    """`-ceq` → `("eq", True)`, `-ieq` and `-eq` → `("eq", False)`."""
    name = operator[1:]
    if name in _FAMILY:
        return name, False
    return name[1:], name[0] == "c"


_FAMILY: Final = frozenset(
    [*_TESTS, "match", "notmatch", "contains", "notcontains", "in", "notin", "replace", "split"]
)

ARITHMETIC: Final[Mapping[str, Callable[[object, object], object]]] = {
    "+": add,
    "-": subtract,
    "*": multiply,
    "/": divide,
    "%": remainder,
    "..": make_range,
    "-f": format_operator,
    "-join": join,
}


def negate(value: object) -> object:
    """`-value`."""
    return subtract(0, value)
