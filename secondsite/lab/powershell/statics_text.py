"""Static members that make or take text: String, Convert, Math, Regex, encodings, Guid."""

from __future__ import annotations

import base64
import binascii
import math
import re
import uuid
from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from typing import Any, Final

from secondsite.lab.powershell.conversion import as_array, convert, to_number
from secondsite.lab.powershell.encodings import ENCODING_FIELDS
from secondsite.lab.powershell.failures import unsupported
from secondsite.lab.powershell.members import call_method
from secondsite.lab.powershell.method_call import MethodFailure, expect_count, text
from secondsite.lab.powershell.native import PsRegex
from secondsite.lab.powershell.operators import fit, order
from secondsite.lab.powershell.patterns import regex
from secondsite.lab.powershell.text_form import format_items, to_text

Static = Callable[[list[object], Any], object]


def _join(arguments: list[object], _: object) -> object:
    values = as_array(arguments[1]) if len(arguments) == 2 else arguments[1:]
    return text(arguments, 0).join(to_text(each) for each in values)


def _format(arguments: list[object], _: object) -> object:
    values = arguments[1:]
    if len(values) == 1 and isinstance(values[0], list):
        values = values[0]
    return format_items(text(arguments, 0), values)


def _compare(arguments: list[object], _: object) -> object:
    expect_count("Compare", arguments, 2, 3)
    ignores = len(arguments) > 2 and bool(arguments[2])
    return order(text(arguments, 0), text(arguments, 1), case=not ignores)


def _string_equals(arguments: list[object], _: object) -> object:
    one, other = text(arguments, 0), text(arguments, 1)
    if len(arguments) > 2 and "ignorecase" in to_text(arguments[2]).lower():
        return one.lower() == other.lower()
    return one == other


def _from_base64(arguments: list[object], _: object) -> object:
    given = re.sub(r"\s", "", text(arguments, 0))
    try:
        return base64.b64decode(given, validate=True)
    except binascii.Error:
        raise MethodFailure(
            "System.FormatException",
            "The input is not a valid Base-64 string as it contains a non-base 64 character, more "
            "than two padding characters, or an illegal character among the padding characters. ",
        ) from None


def _to_base64(arguments: list[object], _: object) -> object:
    data = convert(arguments[0], "System.Byte[]")
    if not isinstance(data, bytes):
        raise MethodFailure("System.ArgumentNullException", "Value cannot be null.")
    return base64.b64encode(data).decode("ascii")


def _convert_to(type_name: str) -> Static:
    def call(arguments: list[object], runspace: Any) -> object:
        if len(arguments) == 2 and type_name != "System.String":
            return int(text(arguments, 0), round(to_number(arguments[1])))
        expect_count("To...", arguments, 1)
        return convert(arguments[0], type_name, runspace.zone)

    return call


# Math


def _both(choose: Callable[..., Any]) -> Static:
    def call(arguments: list[object], _: object) -> object:
        expect_count("Max/Min", arguments, 2)
        one, other = (to_number(each) for each in arguments)
        if isinstance(one, float) or isinstance(other, float):
            one, other = float(one), float(other)
        result = choose(one, other)
        return fit(result, one, other) if isinstance(result, int) else result

    return call


def _round(arguments: list[object], _: object) -> object:
    number = to_number(arguments[0])
    places = round(to_number(arguments[1])) if len(arguments) > 1 else 0
    away = len(arguments) > 2 and to_text(arguments[2]).lower() in {"awayfromzero", "1"}
    exact = number if isinstance(number, Decimal) else Decimal(repr(float(number)))
    rounded = exact.quantize(
        Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP if away else ROUND_HALF_EVEN
    )
    return rounded if isinstance(number, Decimal) else float(rounded)


def _one(function: Callable[[float], float]) -> Static:
    def call(arguments: list[object], _: object) -> object:
        expect_count("Math", arguments, 1)
        return float(function(float(to_number(arguments[0]))))

    return call


def _abs(arguments: list[object], _: object) -> object:
    number = to_number(arguments[0])
    return fit(abs(number), number, 0) if isinstance(number, int) else abs(number)


def _sign(arguments: list[object], _: object) -> object:
    number = to_number(arguments[0])
    return (number > 0) - (number < 0)


def _pow(arguments: list[object], _: object) -> object:
    return float(to_number(arguments[0])) ** float(to_number(arguments[1]))


# Regex


def _options(arguments: list[object]) -> bool:
    """Whether case matters: a static call has no other options here."""
    if not arguments:
        return True
    option = to_text(arguments[0]).lower()
    if option == "ignorecase":
        return False
    if option == "none":
        return True
    raise unsupported(f"the regex option {option}")


def _regex(name: str, count: int) -> Static:
    def call(arguments: list[object], runspace: Any) -> object:
        case = _options(arguments[count:])
        pattern = PsRegex(regex(text(arguments, 1), case=case), text(arguments, 1))
        given = [arguments[0], *arguments[2:count]]
        return call_method(pattern, name, given, runspace)

    return call


def _escape(arguments: list[object], _: object) -> object:
    return re.sub(r"([\\*+?|{\[()^$.# \t])", r"\\\1", text(arguments, 0)).replace("\n", r"\n")


TEXT_STATICS: Final[Mapping[tuple[str, str], Static]] = {
    ("System.String", "join"): _join,
    ("System.String", "format"): _format,
    ("System.String", "compare"): _compare,
    ("System.String", "equals"): _string_equals,
    ("System.String", "concat"): lambda arguments, _: "".join(to_text(each) for each in arguments),
    ("System.String", "isnullorempty"): lambda arguments, _: not to_text(arguments[0]),
    ("System.String", "isnullorwhitespace"): lambda arguments, _: not to_text(arguments[0]).strip(),
    ("System.Convert", "frombase64string"): _from_base64,
    ("System.Convert", "tobase64string"): _to_base64,
    ("System.Convert", "toint32"): _convert_to("System.Int32"),
    ("System.Convert", "toint64"): _convert_to("System.Int64"),
    ("System.Convert", "todouble"): _convert_to("System.Double"),
    ("System.Convert", "toboolean"): _convert_to("System.Boolean"),
    ("System.Convert", "tostring"): _convert_to("System.String"),
    ("System.Convert", "todatetime"): _convert_to("System.DateTime"),
    ("System.Math", "max"): _both(max),
    ("System.Math", "min"): _both(min),
    ("System.Math", "round"): _round,
    ("System.Math", "floor"): _one(math.floor),
    ("System.Math", "ceiling"): _one(math.ceil),
    ("System.Math", "truncate"): _one(math.trunc),
    ("System.Math", "sqrt"): _one(math.sqrt),
    ("System.Math", "abs"): _abs,
    ("System.Math", "sign"): _sign,
    ("System.Math", "pow"): _pow,
    ("System.Text.RegularExpressions.Regex", "match"): _regex("Match", 2),
    ("System.Text.RegularExpressions.Regex", "matches"): _regex("Matches", 2),
    ("System.Text.RegularExpressions.Regex", "ismatch"): _regex("IsMatch", 2),
    ("System.Text.RegularExpressions.Regex", "replace"): _regex("Replace", 3),
    ("System.Text.RegularExpressions.Regex", "split"): _regex("Split", 2),
    ("System.Text.RegularExpressions.Regex", "escape"): _escape,
    ("System.Guid", "newguid"): lambda _arguments, _runspace: uuid.uuid4(),
}
TEXT_FIELDS: Final[Mapping[tuple[str, str], Callable[[Any], object]]] = {
    ("System.String", "empty"): lambda _: "",
    ("System.Guid", "empty"): lambda _: uuid.UUID(int=0),
    ("System.Globalization.CultureInfo", "invariantculture"): lambda _: None,
    **ENCODING_FIELDS,
}
