"""The reference page of a file format, written from its models: one table for each of them."""

from __future__ import annotations

import types
from datetime import timedelta
from enum import Enum
from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Address,
    IPv6Interface,
    IPv6Network,
)
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from secondsite.plan.json_schema import models_under
from secondsite.plan.quantities import format_duration
from secondsite.plan.schema_walk import field_docs, summary_of

__all__ = ["format_page"]

_PLAIN = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "`true` or `false`",
    timedelta: "duration",
    IPv4Address: "IPv4 address",
    IPv6Address: "IPv6 address",
    IPv4Interface: "IPv4 address with prefix length",
    IPv6Interface: "IPv6 address with prefix length",
    IPv4Network: "IPv4 subnet",
    IPv6Network: "IPv6 subnet",
}


def format_page(model: type[BaseModel], *, title: str, introduction: str, command: str) -> str:
    """Markdown that describes everything that may be written for `model`.

    Args:
        model: The root of the format.
        title: Heading of the page.
        introduction: Markdown below the heading.
        command: What writes the page anew.
    """
    parts = [f"# {title}", f"<!-- Generated: {command} -->", introduction.strip()]
    for each in models_under(model):
        heading = "The file" if each is model else each.__name__
        parts += [f"## {heading}", summary_of(each), _table(each)]
    return "\n\n".join(parts) + "\n"


def _table(model: type[BaseModel]) -> str:
    docs = field_docs(model)
    rows = ["| key | value | if absent | meaning |", "| --- | --- | --- | --- |"]
    for name, field in model.model_fields.items():
        cells = (
            f"`{field.alias or name}`",
            type_in_words(field.annotation),
            _default(field),
            docs.get(name, ""),
        )
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows)


def type_in_words(annotation: Any) -> str:
    """What may be written there, in words, with links to the models' sections."""
    kind = annotation
    if get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return _union(arguments)
    if origin is Literal:
        return " or ".join(f"`{each}`" for each in arguments)
    if origin in (tuple, list):
        return f"list of {type_in_words(arguments[0])}"
    if origin is dict:
        return f"mapping: {type_in_words(arguments[0])} → {type_in_words(arguments[1])}"
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return f"[{kind.__name__}](#{kind.__name__.lower()})"
    if isinstance(kind, type) and issubclass(kind, Enum):
        return " or ".join(f"`{each.value}`" for each in kind)
    return _PLAIN.get(kind, str(getattr(kind, "__name__", kind)))


def _union(members: tuple[Any, ...]) -> str:
    given = [each for each in members if each is not type(None)]
    if set(given) == {IPv4Network, IPv6Network}:
        return "subnet"
    if set(given) == {IPv4Address, IPv6Address}:
        return "address"
    return ", or ".join(dict.fromkeys(type_in_words(each) for each in given))


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "**required**"
    value = field.get_default(call_default_factory=True)
    return _value(value)


def _value(value: Any) -> str:
    match value:
        case None | "" | ():
            return "nothing"
        case bool():
            return f"`{str(value).lower()}`"
        case timedelta():
            return f"`{format_duration(value)}`"
        case Enum():
            return f"`{value.value}`"
        case tuple() | list():
            return ", ".join(_value(each) for each in value)
        case dict() if not value:
            return "nothing"
        case BaseModel():
            return "its defaults"
        case _:
            return f"`{value}`"
