"""Which model stands at a place that pydantic names, and what is said about its fields. Pure."""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Mapping, Sequence
from functools import cache
from inspect import cleandoc
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, Tag

__all__ = ["field_docs", "keys_of", "model_at", "summary_of"]

_ENTRY = re.compile(r"^(\w+): (.*)$")


def model_at(model: type[BaseModel], place: Sequence[str | int]) -> type[BaseModel] | None:
    """The model class at `place` (as pydantic's errors name it, with names of union members)."""
    return _descend(model, tuple(place))


def keys_of(model: type[BaseModel]) -> tuple[str, ...]:
    """The keys that a person may write in `model`."""
    return tuple(field.alias or name for name, field in model.model_fields.items())


def summary_of(model: type[BaseModel]) -> str:
    """The first paragraph of the model's docstring, in one line."""
    return " ".join(cleandoc(model.__doc__ or "").split("\n\n")[0].split())


@cache
def field_docs(model: type[BaseModel]) -> Mapping[str, str]:
    """What the docstring's `Attributes:` say of each field, inherited ones included."""
    found: dict[str, str] = {}
    for each in reversed(model.__mro__):
        if isinstance(each, type) and issubclass(each, BaseModel):
            found.update(_attributes(each.__dict__.get("__doc__") or ""))
    return {name: text for name, text in found.items() if name in model.model_fields}


def _attributes(docstring: str) -> dict[str, str]:
    _, _, section = cleandoc(docstring).partition("\nAttributes:\n")
    found: dict[str, str] = {}
    name = ""
    for line in section.splitlines():
        entry = _ENTRY.match(line[4:]) if line.startswith("    ") else None
        if entry and not line.startswith("     "):
            name = entry[1]
            found[name] = entry[2].strip()
        elif line.startswith("     ") and name:
            found[name] = f"{found[name]} {line.strip()}"
        elif line.strip():
            break
    return found


def _descend(annotation: Any, place: tuple[str | int, ...]) -> type[BaseModel] | None:
    kind = _bare(annotation)
    if get_origin(kind) in (Union, types.UnionType):
        return _descend_union(get_args(kind), place)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        if not place:
            return kind
        for name, field in kind.model_fields.items():
            if (field.alias or name) == place[0]:
                return _descend(field.annotation, place[1:])
        return None
    arguments = get_args(kind)
    if not place or not arguments:
        return None
    item = arguments[1] if len(arguments) == 2 and arguments[1] is not Ellipsis else arguments[0]
    return _descend(item, place[1:])


def _descend_union(
    members: tuple[Any, ...], place: tuple[str | int, ...]
) -> type[BaseModel] | None:
    for member in members:
        if place and place[0] in _names(member):
            return _descend(member, place[1:])
    found = (_descend(member, place) for member in members)
    return next((each for each in found if each is not None), None)


def _names(member: Any) -> set[str]:
    tags = {
        each.tag
        for each in (get_args(member)[1:] if get_origin(member) is Annotated else ())
        if isinstance(each, Tag)
    }
    return tags | {getattr(_bare(member), "__name__", "")}


def _bare(annotation: Any) -> Any:
    while True:
        if get_origin(annotation) is Annotated:
            annotation = get_args(annotation)[0]
        elif isinstance(annotation, typing.TypeVar):
            annotation = annotation.__bound__
        elif hasattr(annotation, "__value__"):  # a `type` alias
            annotation = annotation.__value__
        else:
            return annotation
