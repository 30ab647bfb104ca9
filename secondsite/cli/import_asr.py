"""`secondsite import-asr FILE`: a recovery plan of Azure Site Recovery as a plan of ours."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from secondsite.errors import Fault, PlanError, UsageError

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("file", type=Path, metavar="FILE", help="the exported plan (JSON)")
    parser.add_argument(
        "--protection",
        default="PROTECTION",
        metavar="NAME",
        help="the protection of the estate that takes the place of the two fabrics",
    )
    parser.add_argument(
        "--names",
        type=Path,
        metavar="FILE",
        help='VM names by id, as JSON ({"7655da1b-…": "sql01"}): exports have ids only',
    )
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="write the plan there; never over a file"
    )


def run(arguments: argparse.Namespace) -> int:
    """Print or write the plan; what needs a person's hand goes to stderr, too."""
    from secondsite.plan.asr_document import read_document
    from secondsite.plan.asr_import import import_plan

    names = _read(arguments.names) if arguments.names else {}
    if not isinstance(names, dict):
        raise _wrong(arguments.names, 'write names by id: {"7655da1b-…": "sql01"}')
    try:
        document = read_document(_read(arguments.file))
    except ValueError as error:
        raise _wrong(arguments.file, str(error)) from error
    imported = import_plan(
        document,
        protection=arguments.protection,
        names={str(key): str(name) for key, name in names.items()},
    )
    if arguments.output is None:
        print(imported.text, end="")
    else:
        _write(arguments.output, imported.text)
        print(f"{arguments.output}: {imported.plan.name}")
    for note in imported.notes:
        print(f"note: {note}", file=sys.stderr)
    return 0


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except json.JSONDecodeError as error:
        fault = Fault(file=str(path), line=error.lineno, message="this is not JSON")
        raise PlanError([fault]) from error
    except (OSError, UnicodeDecodeError) as error:
        raise _wrong(path, f"the file cannot be read ({type(error).__name__})") from error


def _wrong(path: Path, message: str) -> PlanError:
    return PlanError([Fault(file=str(path), line=0, message=message)])


def _write(path: Path, text: str) -> None:
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise UsageError(
            f"{path} is there already; nothing was written.", next_step="Give another file."
        ) from error
    except OSError as error:
        raise UsageError(
            f"{path} cannot be written: {error.strerror or error}.",
            next_step="Give a file in a folder that this account may write to.",
        ) from error
