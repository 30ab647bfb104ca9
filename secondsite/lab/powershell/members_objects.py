"""Properties and methods of errors, exceptions, types, versions and other single objects."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final

from secondsite.lab.powershell.ast_objects import ast_object
from secondsite.lab.powershell.method_call import text
from secondsite.lab.powershell.native import PsRegex, Stopwatch, TextBuilder, match_object
from secondsite.lab.powershell.patterns import replacement
from secondsite.lab.powershell.secure_text import Credential, SecureText
from secondsite.lab.powershell.type_names import TypeRef, exception_types
from secondsite.lab.powershell.values import (
    ERROR_CATEGORIES,
    ErrorRecord,
    Int64,
    PsEnum,
    PsException,
    PsObject,
    PsVersion,
    ScriptBlock,
    ps_object,
)

Reader = Callable[[Any], object]
Caller = Callable[[Any, list[object], Any], object]


def category_info(record: ErrorRecord) -> PsObject:
    """`$_.CategoryInfo`."""
    reason = record.exception.type_name.rpartition(".")[2]
    target = "" if record.target is None else str(_brief(record.target))
    shown = f"{record.category}: ({target}:) [{record.activity}], {reason}"
    number = ERROR_CATEGORIES.index(record.category)
    return ps_object(
        "System.Management.Automation.ErrorCategoryInfo",
        Category=PsEnum("System.Management.Automation.ErrorCategory", record.category, number),
        Activity=record.activity,
        Reason=reason,
        TargetName=target,
        TargetType="",
        text=shown,
    )


def _brief(target: object) -> object:
    return target.text or target.type_name if isinstance(target, PsObject) else target


def invocation_info(record: ErrorRecord) -> PsObject:
    """`$_.InvocationInfo`."""
    return ps_object(
        "System.Management.Automation.InvocationInfo",
        MyCommand=record.activity or None,
        ScriptLineNumber=record.line,
        OffsetInLine=record.column,
        Line=record.statement,
        PositionMessage=position_message(record),
        ScriptName=None,
    )


def position_message(record: ErrorRecord) -> str:
    """Where it happened, as Windows prints it."""
    if not record.line:
        return ""
    return (
        f"At line:{record.line} char:{record.column}\n+ {record.statement.strip()}\n"
        f"+ {'~' * max(len(record.statement.strip()), 1)}"
    )


def _base_exception(exception: PsException, arguments: list[object], runspace: object) -> object:
    del arguments, runspace
    while exception.inner is not None:
        exception = exception.inner
    return exception


def _is_subclass(value: TypeRef, arguments: list[object], runspace: object) -> object:
    del runspace
    other = arguments[0]
    return isinstance(other, TypeRef) and other.full_name in exception_types(value.full_name)[1:]


def _append(builder: TextBuilder, arguments: list[object], runspace: object) -> object:
    del runspace
    builder.parts.append(text(arguments, 0) if arguments else "")
    return builder


def _append_line(builder: TextBuilder, arguments: list[object], runspace: object) -> object:
    _append(builder, arguments, runspace)
    builder.parts.append("\r\n")
    return builder


def _append_secret(secret: SecureText, arguments: list[object], runspace: object) -> object:
    del runspace
    secret.append(arguments[0])
    return None


def _clear(builder: TextBuilder, arguments: list[object], runspace: object) -> object:
    del arguments, runspace
    builder.parts.clear()
    return builder


def _matches(value: PsRegex, arguments: list[object], runspace: object) -> object:
    del runspace
    return [match_object(found) for found in value.pattern.finditer(text(arguments, 0))]


def _regex_replace(value: PsRegex, arguments: list[object], runspace: object) -> object:
    if isinstance(arguments[1], ScriptBlock):
        block = arguments[1]

        def evaluate(found: Any) -> str:
            return str(runspace.text_of(runspace.invoke(block, match_object(found))))  # type: ignore[attr-defined]

        return value.pattern.sub(evaluate, text(arguments, 0))
    return value.pattern.sub(replacement(text(arguments, 1)), text(arguments, 0))


def _watch(action: Callable[[Stopwatch], None]) -> Caller:
    def call(value: Stopwatch, arguments: list[object], runspace: object) -> object:
        del arguments, runspace
        action(value)
        return None

    return call


def _restart(value: Stopwatch) -> None:
    value.reset()
    value.start()


OBJECT_PROPERTIES: Final[Mapping[type, Mapping[str, Reader]]] = {
    ErrorRecord: {
        "exception": lambda record: record.exception,
        "targetobject": lambda record: record.target,
        "categoryinfo": category_info,
        "fullyqualifiederrorid": lambda record: record.fully_qualified_id,
        "errordetails": lambda _: None,
        "invocationinfo": invocation_info,
        "scriptstacktrace": lambda record: f"at <ScriptBlock>, <No file>: line {record.line}",
    },
    PsException: {
        "message": lambda exception: exception.message,
        "innerexception": lambda exception: exception.inner,
        "hresult": lambda exception: exception.properties.get("HResult", -2146233087),
        "stacktrace": lambda _: "",
        "source": lambda _: "",
    },
    TypeRef: {
        "name": lambda value: value.name,
        "fullname": lambda value: value.full_name,
        "namespace": lambda value: value.full_name.rpartition(".")[0],
        "basetype": lambda value: (
            TypeRef(exception_types(value.full_name)[1])
            if value.full_name.endswith("Exception") and value.full_name != "System.Exception"
            else TypeRef("System.Object")
        ),
        "isarray": lambda value: value.full_name.endswith("[]"),
    },
    PsVersion: {
        "major": lambda value: value.major,
        "minor": lambda value: value.minor,
        "build": lambda value: value.build,
        "revision": lambda value: value.revision,
        "majorrevision": lambda value: value.revision >> 16 if value.revision >= 0 else -1,
        "minorrevision": lambda value: value.revision & 0xFFFF if value.revision >= 0 else -1,
    },
    PsEnum: {"value__": lambda value: value.number},
    uuid.UUID: {},
    ScriptBlock: {"ast": lambda value: ast_object(value.ast)},
    TextBuilder: {"length": lambda value: len(str(value))},
    Stopwatch: {
        "elapsed": lambda value: timedelta(seconds=value.elapsed_s()),
        "elapsedmilliseconds": lambda value: Int64(value.elapsed_s() * 1000),
        "elapsedticks": lambda value: Int64(value.elapsed_s() * 10_000_000),
        "isrunning": lambda value: value.is_running,
    },
    SecureText: {"length": len},
    Credential: {
        "username": lambda value: value.username,
        "password": lambda value: value.password,
    },
    PsRegex: {},
}
OBJECT_METHODS: Final[Mapping[type, Mapping[str, Caller]]] = {
    PsException: {"getbaseexception": _base_exception},
    TypeRef: {"issubclassof": _is_subclass},
    ScriptBlock: {
        "invoke": lambda block, arguments, runspace: runspace.invoke_method(block, arguments),
        "invokereturnasis": lambda block, arguments, runspace: runspace.collapse(
            runspace.invoke_method(block, arguments)
        ),
        "getnewclosure": lambda block, _arguments, runspace: runspace.close_over(block),
    },
    SecureText: {"appendchar": _append_secret},
    TextBuilder: {"append": _append, "appendline": _append_line, "clear": _clear},
    Stopwatch: {
        "start": _watch(Stopwatch.start),
        "stop": _watch(Stopwatch.stop),
        "reset": _watch(Stopwatch.reset),
        "restart": _watch(_restart),
    },
    PsRegex: {
        "match": lambda value, arguments, _runspace: match_object(
            value.pattern.search(text(arguments, 0))
        ),
        "matches": _matches,
        "ismatch": lambda value, arguments, _runspace: (
            value.pattern.search(text(arguments, 0)) is not None
        ),
        "replace": _regex_replace,
        "split": lambda value, arguments, _runspace: list(value.pattern.split(text(arguments, 0))),
    },
}
