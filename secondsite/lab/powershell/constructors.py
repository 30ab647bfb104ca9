"""`[type]::new(...)` and New-Object."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from secondsite.lab.powershell.conversion import as_array, convert, to_bool
from secondsite.lab.powershell.encodings import encoding
from secondsite.lab.powershell.failures import unsupported
from secondsite.lab.powershell.method_call import MethodFailure, expect_count, text, whole
from secondsite.lab.powershell.moments import from_ticks
from secondsite.lab.powershell.native import (
    PsDictionary,
    PsQueue,
    PsRegex,
    PsSet,
    Stopwatch,
    TextBuilder,
)
from secondsite.lab.powershell.patterns import regex
from secondsite.lab.powershell.secure_text import Credential, SecureText
from secondsite.lab.powershell.text_form import to_text
from secondsite.lab.powershell.values import (
    CUSTOM_OBJECT,
    ErrorRecord,
    PsException,
    PsHashtable,
    PsList,
    PsObject,
    PsVersion,
)

if TYPE_CHECKING:
    from secondsite.lab.powershell.runspace import Runspace

Construct = Callable[[list[object], Any], object]


def _custom(arguments: list[object], _: object) -> object:
    if arguments:
        raise unsupported("a PSObject around another object")
    return PsObject((CUSTOM_OBJECT,), {})


def _hashtable(arguments: list[object], _: object) -> object:
    if arguments and isinstance(arguments[0], PsHashtable):
        return arguments[0].copy()
    return PsHashtable()


def _array_list(arguments: list[object], _: object) -> object:
    return PsList(as_array(arguments[0]) if arguments and not isinstance(arguments[0], int) else ())


def _date(arguments: list[object], runspace: Any) -> object:
    if len(arguments) == 1:
        return from_ticks(whole(arguments, 0))
    expect_count("DateTime", arguments, 3, 6, 7)
    numbers = [whole(arguments, index) for index in range(min(len(arguments), 6))]
    kind = to_text(arguments[6]).lower() if len(arguments) == 7 else "unspecified"
    zone = {"utc": UTC, "local": runspace.zone, "unspecified": None}.get(kind)
    try:
        return datetime(*numbers, tzinfo=zone)  # type: ignore[arg-type,misc]
    except ValueError:
        raise MethodFailure(
            "System.ArgumentOutOfRangeException",
            "Year, Month, and Day parameters describe an un-representable DateTime.",
        ) from None


def _span(arguments: list[object], _: object) -> object:
    numbers = [whole(arguments, index) for index in range(len(arguments))]
    if len(numbers) == 1:
        return timedelta(microseconds=numbers[0] // 10)
    if len(numbers) == 3:
        return timedelta(hours=numbers[0], minutes=numbers[1], seconds=numbers[2])
    expect_count("TimeSpan", arguments, 4)
    return timedelta(days=numbers[0], hours=numbers[1], minutes=numbers[2], seconds=numbers[3])


def _string(arguments: list[object], _: object) -> object:
    expect_count("String", arguments, 2)
    return text(arguments, 0) * whole(arguments, 1)


def _version(arguments: list[object], _: object) -> object:
    if len(arguments) == 1:
        return convert(arguments[0], "System.Version")
    return PsVersion(*(whole(arguments, index) for index in range(len(arguments))))


def _record(arguments: list[object], _: object) -> object:
    expect_count("ErrorRecord", arguments, 4)
    exception, error_id, category, target = arguments
    if not isinstance(exception, PsException):
        raise unsupported("an ErrorRecord of anything but an exception")
    return ErrorRecord(
        exception.type_name,
        exception.message,
        to_text(error_id),
        to_text(category),
        target,
        exception=exception,
    )


def _builder(arguments: list[object], _: object) -> object:
    return TextBuilder([text(arguments, 0)] if arguments and isinstance(arguments[0], str) else [])


def _regex(arguments: list[object], _: object) -> object:
    ignores = len(arguments) > 1 and to_text(arguments[1]).lower() == "ignorecase"
    return PsRegex(regex(text(arguments, 0), case=not ignores), text(arguments, 0))


def _credential(arguments: list[object], _: object) -> object:
    expect_count("PSCredential", arguments, 2)
    password = arguments[1]
    if not isinstance(password, SecureText):
        raise MethodFailure(
            "System.Management.Automation.PSArgumentException",
            'Cannot process argument because the value of argument "password" is not valid.',
        )
    return Credential(text(arguments, 0), password)


def _utf8(arguments: list[object], _: object) -> object:
    if arguments and to_bool(arguments[0]):
        raise unsupported("a UTF8Encoding that writes a byte order mark")
    return encoding("utf8")


_CONSTRUCTORS: Final[Mapping[str, Construct]] = {
    CUSTOM_OBJECT: _custom,
    "System.Management.Automation.PSObject": _custom,
    "System.Object": lambda _arguments, _runspace: PsObject(("System.Object",), {}),
    "System.Collections.Hashtable": _hashtable,
    "System.Collections.Specialized.OrderedDictionary": lambda _arguments, _runspace: PsHashtable(
        ordered=True
    ),
    "System.Collections.ArrayList": _array_list,
    "System.DateTime": _date,
    "System.TimeSpan": _span,
    "System.Guid": lambda arguments, _runspace: (
        uuid.UUID(text(arguments, 0)) if arguments else uuid.UUID(int=0)
    ),
    "System.String": _string,
    "System.Version": _version,
    "System.Management.Automation.ErrorRecord": _record,
    "System.Management.Automation.PSCredential": _credential,
    "System.Security.SecureString": lambda _arguments, _runspace: SecureText(),
    "System.Text.StringBuilder": _builder,
    "System.Text.UTF8Encoding": _utf8,
    "System.Text.UnicodeEncoding": lambda _arguments, _runspace: encoding("unicode"),
    "System.Text.RegularExpressions.Regex": _regex,
    "System.Diagnostics.Stopwatch": lambda _arguments, runspace: Stopwatch(runspace.clock),
}


def construct(type_name: str, arguments: list[object], runspace: Runspace) -> object:
    """A new object of a type.

    Raises:
        PsError: the lab cannot make it.
        MethodFailure: the constructor refuses the arguments.
    """
    maker = _CONSTRUCTORS.get(type_name)
    if maker is not None:
        return maker(arguments, runspace)
    if type_name.endswith("Exception"):
        return _exception(type_name, arguments)
    if type_name.startswith("System.Collections.Generic."):
        return _generic(type_name, arguments)
    raise unsupported(f"a new [{type_name}]")


def _exception(type_name: str, arguments: list[object]) -> PsException:
    inner = arguments[1] if len(arguments) > 1 else None
    message = text(arguments, 0) if arguments else f"Exception of type '{type_name}' was thrown."
    return PsException(type_name, message, inner if isinstance(inner, PsException) else None)


def _generic(type_name: str, arguments: list[object]) -> object:
    outer, _, inner = type_name.removesuffix("]").partition("[")
    kinds = inner.split(",")
    kind = outer.rpartition(".")[2]
    given = [each for each in arguments if not isinstance(each, int)]
    if kind == "Dictionary" and len(kinds) == 2:
        if arguments:
            raise unsupported("a Dictionary made from something")
        return PsDictionary(type_name, kinds[0], kinds[1])
    if len(kinds) != 1:
        raise unsupported(f"a new [{type_name}]")
    if kind == "List":
        items = [convert(each, inner) for each in as_array(given[0])] if given else []
        return PsList(items, type_name=type_name, element_type=inner)
    if kind == "HashSet":
        ignores = any("ignorecase" in to_text(each).lower() for each in given)
        made = PsSet(type_name, inner, ignores)
        for each in given:
            for item in as_array(each) if isinstance(each, list | PsList) else []:
                made.entries.setdefault(made.key(convert(item, inner)), convert(item, inner))
        return made
    if kind == "Queue":
        return PsQueue(type_name, as_array(given[0]) if given else [])
    raise unsupported(f"a new [{type_name}]")
