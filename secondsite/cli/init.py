"""`secondsite init DIR`: a starter estate, plan and script that validate as they are."""

from __future__ import annotations

import argparse
from pathlib import Path

from secondsite.errors import UsageError

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="where to write; made if absent")


def run(arguments: argparse.Namespace) -> int:
    """Write the files; never over one that is there."""
    from secondsite.plan.starter import starter_files

    folder: Path = arguments.folder
    files = starter_files()
    there = [name for name in files if (folder / name).exists()]
    if there:
        raise UsageError(
            f"{folder} already has {', '.join(there)}; nothing was written.",
            next_step="Give another folder, or move these files away.",
        )
    try:
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"{folder} cannot be written: {error.strerror or error}.",
            next_step="Give a folder that this account may write to.",
        ) from error
    for name in files:
        print(f"  {folder / name}")
    print("Replace what they say by your own, then:")
    print(f"  secondsite validate {folder}")
    return 0
