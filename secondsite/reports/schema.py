"""The JSON Schema of the object that reports show, made from its Python shape."""

from __future__ import annotations

import json

from pydantic import TypeAdapter

from secondsite.reports.shape import RunFacts

__all__ = ["schema_text"]


def schema_text() -> str:
    """The text of `docs/reference/report.schema.json`."""
    schema = TypeAdapter(RunFacts).json_schema()
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":  # `make docs` writes the file with it
    import sys

    sys.stdout.write(schema_text())
