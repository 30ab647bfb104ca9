"""Documents that commands write where the operator says."""

from __future__ import annotations

import sys
from pathlib import Path

from secondsite.errors import UsageError

__all__ = ["write_document"]


def write_document(text: str, target: str) -> None:
    """Write `text` into the file `target`, and say so; `-` is the standard output.

    Raises:
        UsageError: it cannot be written there.
    """
    if target == "-":
        sys.stdout.write(text)
        return
    path = Path(target).expanduser()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"The document cannot be written to {path}: {error.strerror}.",
            next_step="Name a file in a folder that you may write to.",
        ) from error
    print(f"Written: {path}")
