"""What `secondsite init` writes, as package data: a starter estate, plan, script and suite."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files

from secondsite.plan.reference import estate_schema_text, plan_schema_text, suite_schema_text

__all__ = ["starter_files"]

_NAMES = (
    "estate.yaml",
    "example.yaml",
    "scripts/check-applications.ps1",
    "suites/quarter.yaml",
)


def starter_files() -> Mapping[str, str]:
    """Text of each file, by its path in the new folder; the schemas help editors."""
    folder = files(__package__)
    texts = {name: folder.joinpath(name).read_text(encoding="utf-8") for name in _NAMES}
    return {
        **texts,
        "estate.schema.json": estate_schema_text(),
        "plan.schema.json": plan_schema_text(),
        "suite.schema.json": suite_schema_text(),
    }
