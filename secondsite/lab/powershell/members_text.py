"""Methods of strings."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from secondsite.lab.powershell.conversion import as_array
from secondsite.lab.powershell.failures import unsupported
from secondsite.lab.powershell.method_call import (
    OUT_OF_RANGE,
    MethodFailure,
    expect_count,
    text,
    whole,
)
from secondsite.lab.powershell.text_form import to_text
from secondsite.lab.powershell.values import Char, PsEnum

_WHITE: Final = " \t\r\n\f\v\u00a0\u2028\u2029\ufeff"


def _ignores_case(name: str, arguments: list[object], index: int) -> bool:
    if len(arguments) <= index:
        return False
    option = to_text(arguments[index])
    if option.lower() in {"ordinalignorecase", "invariantcultureignorecase"}:
        return True
    if option.lower() in {"currentcultureignorecase"}:
        return True
    if option.lower() in {"ordinal", "invariantculture", "currentculture"}:
        return False
    raise unsupported(f"the method {name} with the argument {option!r}")


def _compare(
    name: str, test: Callable[[str, str], object]
) -> Callable[[str, list[object], Any], object]:
    def call(value: str, arguments: list[object], _: object) -> object:
        expect_count(name, arguments, 1, 2)
        other = text(arguments, 0)
        if _ignores_case(name, arguments, 1):
            return test(value.lower(), other.lower())
        return test(str(value), other)

    return call


def _substring(value: str, arguments: list[object], _: object) -> object:
    expect_count("Substring", arguments, 1, 2)
    start = whole(arguments, 0)
    length = whole(arguments, 1) if len(arguments) == 2 else len(value) - start
    if start < 0 or start > len(value):
        raise MethodFailure(
            OUT_OF_RANGE,
            "startIndex cannot be larger than length of string.\r\nParameter name: startIndex",
        )
    if length < 0 or start + length > len(value):
        raise MethodFailure(
            OUT_OF_RANGE,
            "Index and length must refer to a location within the string.\r\n"
            "Parameter name: length",
        )
    return str(value)[start : start + length]


def _replace(value: str, arguments: list[object], _: object) -> object:
    expect_count("Replace", arguments, 2)
    old = text(arguments, 0)
    if not old:
        raise MethodFailure("System.ArgumentException", "String cannot be of zero length.")
    return str(value).replace(old, text(arguments, 1))


def _split(value: str, arguments: list[object], _: object) -> object:
    """In .NET Framework every string argument is taken as a set of characters."""
    options = [each for each in arguments if isinstance(each, PsEnum)]
    words = [each for each in arguments if not isinstance(each, PsEnum)]
    count = 0
    if len(words) > 1 and isinstance(words[-1], int):
        count = int(words.pop())  # type: ignore[call-overload]
    whole_words = bool(words) and isinstance(words[0], list) and bool(options)
    if words and to_text(words[-1]).lower() in {"removeemptyentries", "none"} and len(words) > 1:
        options.append(PsEnum("System.StringSplitOptions", to_text(words.pop()), 1))
    separators = [to_text(item) for each in words for item in as_array(each)]
    if not whole_words:
        separators = [char for each in separators for char in each]
    pattern = "|".join(re.escape(each) for each in separators if each) or r"\s"
    pieces = re.split(pattern, str(value), maxsplit=max(count - 1, 0))
    if any(option.name.lower() == "removeemptyentries" for option in options):
        pieces = [piece for piece in pieces if piece]
    return list(pieces)


def _trim(strip: Callable[[str, str], str]) -> Callable[[str, list[object], Any], object]:
    def call(value: str, arguments: list[object], _: object) -> object:
        chars = "".join(to_text(item) for each in arguments for item in as_array(each))
        return strip(str(value), chars or _WHITE)

    return call


def _pad(pad: Callable[[str, int, str], str]) -> Callable[[str, list[object], Any], object]:
    def call(value: str, arguments: list[object], _: object) -> object:
        return pad(
            str(value), whole(arguments, 0), text(arguments, 1) if len(arguments) > 1 else " "
        )

    return call


def _index_of(find: Callable[[str, str, int], int]) -> Callable[[str, list[object], Any], object]:
    def call(value: str, arguments: list[object], _: object) -> object:
        if len(arguments) == 2 and isinstance(arguments[1], int):
            return find(value, text(arguments, 0), whole(arguments, 1))
        if _ignores_case("IndexOf", arguments, 1):
            return find(value.lower(), text(arguments, 0).lower(), 0)
        return find(value, text(arguments, 0), 0)

    return call


def _insert(value: str, arguments: list[object], _: object) -> object:
    place = whole(arguments, 0)
    return value[:place] + text(arguments, 1) + value[place:]


def _remove(value: str, arguments: list[object], _: object) -> object:
    start = whole(arguments, 0)
    end = start + whole(arguments, 1) if len(arguments) > 1 else len(value)
    if not 0 <= start <= end <= len(value):
        raise MethodFailure(
            OUT_OF_RANGE, "Index and count must refer to a location within the string."
        )
    return value[:start] + value[end:]


def _contains(value: str, arguments: list[object], _: object) -> object:
    expect_count("Contains", arguments, 1)
    return text(arguments, 0) in value


def _chars(value: str, arguments: list[object], _: object) -> object:
    if arguments:
        raise unsupported("the method ToCharArray with arguments")
    return [Char(char) for char in value]


Caller = Callable[[Any, list[object], Any], object]
TEXT_METHODS: Final[Mapping[str, Caller]] = {
    "substring": _substring,
    "replace": _replace,
    "split": _split,
    "trim": _trim(str.strip),
    "trimstart": _trim(str.lstrip),
    "trimend": _trim(str.rstrip),
    "padleft": _pad(str.rjust),
    "padright": _pad(str.ljust),
    "startswith": _compare("StartsWith", str.startswith),
    "endswith": _compare("EndsWith", str.endswith),
    "equals": _compare("Equals", str.__eq__),
    "contains": _contains,
    "indexof": _index_of(str.find),
    "lastindexof": _index_of(lambda value, wanted, _start: value.rfind(wanted)),
    "insert": _insert,
    "remove": _remove,
    "tochararray": _chars,
    "tolower": lambda value, _arguments, _runspace: value.lower(),
    "tolowerinvariant": lambda value, _arguments, _runspace: value.lower(),
    "toupper": lambda value, _arguments, _runspace: value.upper(),
    "toupperinvariant": lambda value, _arguments, _runspace: value.upper(),
}
"""By lower-case name."""
