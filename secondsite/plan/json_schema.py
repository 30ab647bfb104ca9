"""The JSON Schema of a model, with what its docstrings say, for editors that complete and check."""

from __future__ import annotations

import json
import types
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from secondsite.plan.quantities import format_duration
from secondsite.plan.schema_walk import field_docs, summary_of

__all__ = ["json_schema", "models_under", "schema_text"]


def schema_text(model: type[BaseModel], *, title: str) -> str:
    """The JSON Schema of `model` as the text of a file; always the same for the same model."""
    return json.dumps(json_schema(model, title=title), indent=2, ensure_ascii=False) + "\n"


def json_schema(model: type[BaseModel], *, title: str) -> dict[str, Any]:
    """The JSON Schema of what a person may write for `model`."""
    schema = model.model_json_schema(mode="validation")
    definitions = schema.get("$defs", {})
    for each in models_under(model):
        _describe(definitions.get(each.__name__, schema if each is model else {}), each)
    _drop_titles(schema)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        **schema,
    }


def models_under(model: type[BaseModel]) -> list[type[BaseModel]]:
    """`model` and every model inside it, in the order in which a reader meets them."""
    found: dict[type[BaseModel], None] = {}
    pending = [model]
    while pending:
        current = pending.pop(0)
        if current in found:
            continue
        found[current] = None
        inner = [
            each for field in current.model_fields.values() for each in _models_in(field.annotation)
        ]
        pending = [*dict.fromkeys(inner), *pending]
    return list(found)


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        return
    if get_origin(annotation) in (Annotated, Union, types.UnionType) or get_args(annotation):
        for argument in get_args(annotation):
            if not isinstance(argument, str | bytes | int):
                yield from _models_in(argument)


def _describe(definition: dict[str, Any], model: type[BaseModel]) -> None:
    if not definition:
        return
    definition["description"] = summary_of(model)
    docs = field_docs(model)
    for name, described in definition.get("properties", {}).items():
        if name in docs:
            described["description"] = docs[name]
        default = model.model_fields[name].default
        if isinstance(default, timedelta):  # pydantic would write it as ISO 8601
            described["default"] = format_duration(default)


def _drop_titles(schema: Any) -> None:
    """Titles that pydantic makes of names (`Boot Timeout`) only stand in the way in editors."""
    match schema:
        case Mapping():
            if isinstance(schema, dict) and isinstance(schema.get("title"), str):
                del schema["title"]
            for key, value in schema.items():
                if key == "default":
                    continue
                _drop_titles(value)
        case list():
            for value in schema:
                _drop_titles(value)
