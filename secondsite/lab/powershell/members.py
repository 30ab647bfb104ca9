"""Members of values: properties read and written, methods called."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from secondsite.lab.powershell.conversion import enumerate_value, to_bool
from secondsite.lab.powershell.failures import (
    ConversionFailure,
    PsError,
    runtime_error,
    unsupported,
)
from secondsite.lab.powershell.members_collections import COLLECTION_METHODS, COLLECTION_PROPERTIES
from secondsite.lab.powershell.members_objects import OBJECT_METHODS, OBJECT_PROPERTIES
from secondsite.lab.powershell.members_text import TEXT_METHODS
from secondsite.lab.powershell.members_time import (
    DATE_METHODS,
    DATE_PROPERTIES,
    SPAN_METHODS,
    SPAN_PROPERTIES,
)
from secondsite.lab.powershell.method_call import MethodFailure
from secondsite.lab.powershell.native import PsDictionary
from secondsite.lab.powershell.operators import equals, order
from secondsite.lab.powershell.text_form import format_value, to_text
from secondsite.lab.powershell.type_names import TypeRef, type_name_of, types_of
from secondsite.lab.powershell.values import (
    PsEnum,
    PsException,
    PsHashtable,
    PsList,
    PsObject,
    ps_object,
)

if TYPE_CHECKING:
    from secondsite.lab.powershell.runspace import Runspace

Reader = Callable[[Any], object]
Caller = Callable[[Any, list[object], Any], object]

_MISSING: Final = object()


def _tables(value: object) -> tuple[Mapping[str, Reader], Mapping[str, Caller]]:
    if isinstance(value, str):
        return _TEXT_PROPERTIES, TEXT_METHODS
    if isinstance(value, datetime):
        return DATE_PROPERTIES, DATE_METHODS
    if isinstance(value, timedelta):
        return SPAN_PROPERTIES, SPAN_METHODS
    for kind in type(value).__mro__:
        if kind in COLLECTION_PROPERTIES:
            return COLLECTION_PROPERTIES[kind], COLLECTION_METHODS.get(kind, {})
        if kind in OBJECT_PROPERTIES:
            return OBJECT_PROPERTIES[kind], OBJECT_METHODS.get(kind, {})
    return {}, {}


_TEXT_PROPERTIES: Final[Mapping[str, Reader]] = {"length": len}


@dataclass(frozen=True, slots=True)
class PropertyList:
    """`$object.PSObject.Properties`."""

    target: object
    type_name: str = "System.Management.Automation.PSMemberInfoCollection"

    def enumerate_items(self) -> list[object]:
        """One object per property."""
        return [self.item(name) for name in property_names(self.target)]

    def item(self, name: str) -> PsObject:
        """Name and value of one property."""
        return ps_object(
            "System.Management.Automation.PSNoteProperty",
            Name=name,
            Value=read_own(self.target, name),
            MemberType=PsEnum("System.Management.Automation.PSMemberTypes", "NoteProperty", 8),
        )

    def get(self, name: str) -> PsObject | None:
        """The property of that name; None if there is none."""
        for each in property_names(self.target):
            if each.lower() == name.lower():
                return self.item(each)
        return None


def property_names(value: object) -> list[str]:
    """Names of the properties that an object shows."""
    if isinstance(value, PsObject):
        return value.all_names()
    if isinstance(value, PsHashtable):
        return [
            "IsReadOnly",
            "IsFixedSize",
            "IsSynchronized",
            "Keys",
            "Values",
            "SyncRoot",
            "Count",
        ]
    return [_DISPLAY_NAMES.get(name, name.capitalize()) for name in _tables(value)[0]]


_DISPLAY_NAMES: Final = {
    "dayofweek": "DayOfWeek",
    "dayofyear": "DayOfYear",
    "timeofday": "TimeOfDay",
    "totaldays": "TotalDays",
    "totalhours": "TotalHours",
    "totalmilliseconds": "TotalMilliseconds",
    "totalminutes": "TotalMinutes",
    "totalseconds": "TotalSeconds",
    "fullyqualifiederrorid": "FullyQualifiedErrorId",
    "categoryinfo": "CategoryInfo",
    "targetobject": "TargetObject",
    "invocationinfo": "InvocationInfo",
    "scriptstacktrace": "ScriptStackTrace",
    "innerexception": "InnerException",
}


def read_own(value: object, name: str) -> object:
    """A property of the value itself; `_MISSING` when it has none of that name."""
    if isinstance(value, PsObject):
        key = value.resolve(name)
        return value.get(key, _MISSING) if key is not None else _MISSING
    if isinstance(value, PsHashtable) and name in value:
        return value[name]
    if isinstance(value, PsDictionary) and name in value.entries:
        return value.entries[name]
    if isinstance(value, PsException):
        for each, held in value.properties.items():
            if each.lower() == name.lower():
                return held
    reader = _tables(value)[0].get(name.lower())
    return _MISSING if reader is None else reader(value)


def read_member(value: object, name: str, runspace: Runspace) -> object:
    """`value.name`; null for a missing property unless strict mode is on."""
    found = read_or_missing(value, name)
    if found is not _MISSING:
        return found
    lowered = name.lower()
    if lowered in {"count", "length"} and not runspace.strict and not isinstance(value, PsObject):
        return 0 if value is None else 1
    if lowered in {"count", "length"} and isinstance(value, PsObject) and not runspace.strict:
        return 1
    if runspace.strict:
        raise runtime_error(
            f"The property '{name}' cannot be found on this object. Verify that the property "
            "exists.",
            "PropertyNotFoundStrict",
            exception_type="System.Management.Automation.PropertyNotFoundException",
        )
    return None


def read_or_missing(value: object, name: str) -> object:
    """`value.name`, member enumeration included; `_MISSING` if there is no such property."""
    found = read_own(value, name) if value is not None else _MISSING
    if found is not _MISSING:
        return found
    lowered = name.lower()
    if value is not None and lowered == "psobject":
        return psobject_of(value)
    if value is not None and lowered == "pstypenames":
        return [each for each in types_of(value) if not each.startswith("System.Management.Aut")]
    items = enumerate_value(value)
    if items is None or isinstance(value, PsDictionary):
        return _MISSING
    held = [read_or_missing(each, name) for each in items if each is not None]
    gathered: list[object] = []
    for each in held:
        if each is not _MISSING:
            inner = enumerate_value(each)
            gathered += [each] if inner is None else inner
    if not any(each is not _MISSING for each in held):
        return _MISSING
    return gathered[0] if len(gathered) == 1 else gathered


def is_missing(found: object) -> bool:
    """Whether `read_or_missing` found nothing."""
    return found is _MISSING


def psobject_of(value: object) -> PsObject:
    """`value.PSObject`."""
    return ps_object(
        "System.Management.Automation.PSObject",
        Properties=PropertyList(value),
        TypeNames=list(value.type_names) if isinstance(value, PsObject) else types_of(value),
        BaseObject=value,
        Members=PropertyList(value),
    )


def write_member(target: object, name: str, value: object) -> None:
    """`target.name = value`."""
    if isinstance(target, PsHashtable):
        target[name] = value
        return
    if isinstance(target, PsDictionary):
        target.entries[name] = value
        return
    if isinstance(target, PsObject) and target.has(name):
        target.set(name, value)
        return
    if target is None:
        raise runtime_error(
            f"The property '{name}' cannot be found on this object. Verify that the property "
            "exists and can be set.",
            "PropertyNotFound",
        )
    if isinstance(target, list | PsList) and name.lower() not in {"count", "length", "capacity"}:
        items = target if isinstance(target, list) else target.items
        for each in items:
            write_member(each, name, value)
        return
    if not isinstance(target, PsObject) and name.lower() in _tables(target)[0]:
        raise runtime_error(f"'{name}' is a ReadOnly property.", "PropertyAssignmentException")
    raise runtime_error(
        f"The property '{name}' cannot be found on this object. Verify that the property exists "
        "and can be set.",
        "PropertyNotFound",
    )


# Methods


def call_method(value: object, name: str, arguments: list[object], runspace: Runspace) -> object:
    """`value.name(arguments)`."""
    if value is None:
        raise runtime_error(
            "You cannot call a method on a null-valued expression.", "InvokeMethodOnNull"
        )
    lowered = name.lower()
    caller = _find_method(value, lowered)
    if caller is None:
        items = enumerate_value(value)
        if items is not None and not isinstance(value, bytes | PsDictionary):
            results: list[object] = []
            for each in items:
                found = call_method(each, name, arguments, runspace)
                inner = enumerate_value(found)
                results += [found] if inner is None else inner
            return results[0] if len(results) == 1 else (results or None)
        raise _no_method(value, name)
    return guarded_call(caller, value, name, arguments, runspace)


def guarded_call(
    caller: Caller, value: object, name: str, arguments: list[object], runspace: Runspace
) -> object:
    """Call a method; what it raises becomes the error that PowerShell makes of it."""
    try:
        return caller(value, arguments, runspace)
    except MethodFailure as failure:
        inner = PsException(failure.exception_type, failure.message)
    except ConversionFailure as failure:
        inner = PsException("System.FormatException", failure.message)
    raise runtime_error(
        f'Exception calling "{name}" with "{len(arguments)}" argument(s): "{inner.message}"',
        inner.type_name.rpartition(".")[2],
        category="NotSpecified",
        exception_type="System.Management.Automation.MethodInvocationException",
        inner=inner,
    )


def _find_method(value: object, lowered: str) -> Caller | None:
    if isinstance(value, PsObject):
        for each, method in value.methods.items():
            if each.lower() == lowered:
                return _adapt(method)
    return _tables(value)[1].get(lowered) or _UNIVERSAL.get(lowered)


def _adapt(method: Callable[..., object]) -> Caller:
    return lambda _value, arguments, _runspace: method(*arguments)


def _no_method(value: object, name: str) -> PsError:
    known = isinstance(value, PsObject | PsHashtable)
    if not known:
        return unsupported(f"the method {name} of [{type_name_of(value)}]")
    return runtime_error(
        f"Method invocation failed because [{type_name_of(value)}] does not contain a method named "
        f"'{name}'.",
        "MethodNotFound",
    )


def _to_string(value: object, arguments: list[object], runspace: Runspace) -> object:
    pattern = to_text(arguments[0]) if arguments else ""
    if isinstance(value, datetime) and not pattern:
        return runspace.culture_date(value)
    if isinstance(value, PsEnum) and pattern.lower() == "d":
        return str(value.number)
    return format_value(value, pattern)


def _get_type(value: object, arguments: list[object], runspace: Runspace) -> object:
    del arguments, runspace
    return TypeRef(type_name_of(value))


def _equals(value: object, arguments: list[object], runspace: Runspace) -> object:
    del runspace
    other = arguments[0] if arguments else None
    same_kind = type_name_of(value) == type_name_of(other) if other is not None else False
    return same_kind and equals(value, other, case=True)


def _compare_to(value: object, arguments: list[object], runspace: Runspace) -> object:
    del runspace
    return order(value, arguments[0] if arguments else None)


def _for_each(value: object, arguments: list[object], runspace: Runspace) -> object:
    return runspace.for_each_method(value, arguments)


def _where(value: object, arguments: list[object], runspace: Runspace) -> object:
    items = enumerate_value(value)
    kept = [
        each
        for each in ([value] if items is None else items)
        if to_bool(runspace.first(runspace.invoke(arguments[0], underscore=each)))  # type: ignore[arg-type]
    ]
    mode = to_text(arguments[1]).lower() if len(arguments) > 1 else "default"
    if mode == "first":
        return kept[:1]
    if mode != "default":
        raise unsupported(f"the mode {mode} of the method Where")
    return kept


def _has_flag(value: object, arguments: list[object], runspace: Runspace) -> object:
    del runspace
    flag = arguments[0]
    if not isinstance(value, PsEnum) or not isinstance(flag, PsEnum):
        raise unsupported("HasFlag with anything but enumerations")
    return value.number & flag.number == flag.number


_UNIVERSAL: Final[Mapping[str, Caller]] = {
    "tostring": _to_string,
    "gettype": _get_type,
    "equals": _equals,
    "compareto": _compare_to,
    "foreach": _for_each,
    "where": _where,
    "hasflag": _has_flag,
}
