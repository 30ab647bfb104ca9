"""A model → the YAML text that a person would write for it; what is as by default is left out."""

from __future__ import annotations

from io import StringIO
from typing import Any

from pydantic import BaseModel
from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import DoubleQuotedScalarString, LiteralScalarString

__all__ = ["dump_model"]

_FIRST = frozenset({"script", "gate"})


def dump_model(model: BaseModel) -> str:
    """`model` as YAML; reading it back gives an equal model."""
    yaml = YAML()
    yaml.default_flow_style = None  # the innermost lists and mappings on one line
    yaml.width = 100
    yaml.allow_unicode = True
    yaml.indent(mapping=2, sequence=4, offset=2)
    stream = StringIO()
    yaml.dump(_readable(model.model_dump(mode="json", exclude_defaults=True)), stream)
    return stream.getvalue()


def _readable(value: Any, *, key: str = "") -> Any:
    """As a person would write it: short VMs, blocks of text, odd characters as escapes."""
    match value:
        case dict() if key == "vms" and set(value) == {"name"}:
            return value["name"]
        case dict():
            # What a hook is comes first, then when it applies.
            ordered = sorted(value, key=lambda each: each not in _FIRST)
            return {each: _readable(value[each], key=each) for each in ordered}
        case list():
            return [_readable(each, key=key) for each in value]
        case str() if not value.replace("\n", "").isprintable():
            return DoubleQuotedScalarString(value)  # control characters survive only as escapes
        case str() if value.endswith("\n") and value.strip():
            return LiteralScalarString(value)
    return value
