"""The generated files of the plan and estate formats: JSON Schemas and reference pages.

`python -m secondsite.plan.reference [FOLDER]` writes them into the repository; a test keeps them
current.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from secondsite.plan.estate import Estate
from secondsite.plan.format_page import format_page
from secondsite.plan.instruction_words import RUN_WORDS, VM_WORDS
from secondsite.plan.json_schema import schema_text
from secondsite.plan.model import Plan
from secondsite.plan.suite import Suite

__all__ = [
    "estate_schema_text",
    "generated_files",
    "plan_schema_text",
    "suite_schema_text",
    "write_files",
]

_COMMAND = "python -m secondsite.plan.reference"

_COMMON = """\
- Files are YAML 1.2: `on`, `yes` and `no` are words, and `010` is ten. A key that is not in these
  tables is a fault, and so is a key that is written twice.
- Durations carry their unit: `500ms`, `30s`, `10m`, `4h`, `2d`, `1h30m`.
- `secondsite validate` tells every fault of all files at once, as
  `file:line: what is wrong, and what to write instead`.
"""

_PLAN_INTRODUCTION = f"""\
A plan is one YAML file in the plans folder (`SECONDSITE_PLANS`, or `./plans`), beside the estate.
[plans/storefront.yaml](../../plans/storefront.yaml) is a complete example; for editors there is
[plans/plan.schema.json](../../plans/plan.schema.json).

{_COMMON}"""

_ESTATE_INTRODUCTION = f"""\
The estate is the file `estate.yaml` in the plans folder (`SECONDSITE_PLANS`, or `./plans`).
[plans/estate.yaml](../../plans/estate.yaml) is a complete example; for editors there is
[plans/estate.schema.json](../../plans/estate.schema.json).

{_COMMON}- Secrets never stand in it; it names where they are kept.
"""

_FACTS = """\
`instructions` of a gate are Markdown in which `{{ … }}` stands for a fact of the run, as it is when
the gate opens. What is not known by then reads "not known yet". Conditions, loops and filters are
those of [Jinja](https://jinja.palletsprojects.com/en/stable/templates/); a template reaches nothing
but these facts. `secondsite validate` tells of every other name, with file and line.

```
instructions: |
  {% for vm in vms.values() %}
  - {{ vm.name }} on {{ vm.host }}: {{ vm.addresses }}
  {% endfor %}
```"""


_SUITE_INTRODUCTION = f"""\
A suite is one YAML file in `suites` of the plans folder (`SECONDSITE_PLANS`, or `./plans`): several
plans that are rehearsed one after the other, with one report. For editors there is
[plans/suite.schema.json](../../plans/suite.schema.json).

{_COMMON}"""


def plan_schema_text() -> str:
    """The JSON Schema of plans."""
    return schema_text(Plan, title="Secondsite recovery plan")


def suite_schema_text() -> str:
    """JSON Schema of a suite."""
    return schema_text(Suite, title="Secondsite rehearsal suite")


def estate_schema_text() -> str:
    """The JSON Schema of estates."""
    return schema_text(Estate, title="Secondsite estate")


def generated_files() -> Mapping[str, str]:
    """Text of each generated file, by its path in the repository."""
    return {
        "plans/plan.schema.json": plan_schema_text(),
        "plans/estate.schema.json": estate_schema_text(),
        "plans/suite.schema.json": suite_schema_text(),
        "docs/reference/suite-format.md": format_page(
            Suite, title="Suite format", introduction=_SUITE_INTRODUCTION, command=_COMMAND
        ),
        "docs/reference/plan-format.md": format_page(
            Plan, title="Plan format", introduction=_PLAN_INTRODUCTION, command=_COMMAND
        ),
        "docs/reference/gate-facts.md": _gate_facts_page(),
        "docs/reference/estate-format.md": format_page(
            Estate, title="Estate format", introduction=_ESTATE_INTRODUCTION, command=_COMMAND
        ),
    }


def _gate_facts_page() -> str:
    tables = [
        f"| {what} | meaning |\n| --- | --- |\n"
        + "\n".join(f"| `{word}` | {meaning} |" for word, meaning in words.items())
        for what, words in (("fact of the run", RUN_WORDS), ("fact of a VM", VM_WORDS))
    ]
    return (
        "\n\n".join(
            [
                "# Facts in the instructions of gates",
                f"<!-- Generated: {_COMMAND} -->",
                _FACTS,
                *tables,
            ]
        )
        + "\n"
    )


def write_files(root: Path) -> list[Path]:
    """Write the generated files below `root`; gives their paths."""
    written = []
    for name, text in generated_files().items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        written.append(path)
    return written


if __name__ == "__main__":
    for file in write_files(Path(sys.argv[1] if len(sys.argv) > 1 else ".")):
        sys.stdout.write(f"{file}\n")
