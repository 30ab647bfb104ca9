"""The generated files of the lab's format: a JSON Schema and a reference page.

`python -m secondsite.lab.reference [FOLDER]` writes them into the repository; a test keeps them
current.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from secondsite.lab.estate import LabEstate
from secondsite.lab.faults import FaultKind
from secondsite.plan.format_page import format_page
from secondsite.plan.json_schema import schema_text

__all__ = ["generated_files", "write_files"]

_INTRODUCTION = f"""\
The estate of a lab is one YAML file; `secondsite lab up --estate FILE` simulates it.
[lab/two-sites.yaml](../../lab/two-sites.yaml) is a complete example; for editors there is
[lab/lab-estate.schema.json](../../lab/lab-estate.schema.json). `secondsite lab generate` writes
one of any size, with the engine's estate and a plan for it.

- A key that is not in these tables is a fault, and so is a key that is written twice.
- Durations carry their unit (`500ms`, `30s`, `10m`, `1h30m`), memory too (`512MiB`, `4GiB`).
- Every duration is multiplied by `scale`; what a fault says in `seconds` about WinRM or PowerShell
  is real time, what it says about a VM (`vm-slow-boot`) is scaled.
- Guests answer on loopback: each network's IPv4 subnets lie 1:1 in blocks of 127.0.0.0/8 that the
  lab claims when it starts, so that two networks, or two labs, may have the same addresses.
- Passwords and keys are made anew whenever the lab starts, in `$SECONDSITE_HOME/lab/secrets/`.

Kinds of faults: {", ".join(f"`{kind.value}`" for kind in FaultKind)}.
"""


def generated_files() -> Mapping[str, str]:
    """Text of each generated file, by its path in the repository."""
    return {
        "lab/lab-estate.schema.json": schema_text(LabEstate, title="Secondsite lab estate"),
        "docs/reference/lab-estate.md": format_page(
            LabEstate,
            title="Lab estate format",
            introduction=_INTRODUCTION,
            command="python -m secondsite.lab.reference",
        ),
    }


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
