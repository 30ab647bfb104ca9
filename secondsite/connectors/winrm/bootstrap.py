"""The bootstrap as a command line that cmd.exe accepts."""

from __future__ import annotations

import base64
from functools import cache
from importlib.resources import files

__all__ = ["EXITED_BY_ITSELF", "POWERSHELL", "bootstrap_arguments", "condense"]

POWERSHELL = "powershell.exe"

EXITED_BY_ITSELF = 93
"""Exit code of a one-request process whose script did not call `exit`: the script's own codes are
thereby told from the end of the bootstrap."""

SCRIPT_LIMIT_CHARS = 3061
"""cmd.exe takes 8,191 characters; that many of UTF-16 in base64 fit beside the switches."""


def condense(text: str) -> str:
    """`text` without comment lines, indentation and blank lines."""
    lines = (line.strip() for line in text.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("#"))


@cache
def bootstrap_arguments() -> tuple[str, ...]:
    """Arguments for powershell.exe that start the bootstrap; they hold no value of any request."""
    text = condense((files("secondsite.connectors.winrm") / "bootstrap.ps1").read_text("utf-8"))
    if len(text) > SCRIPT_LIMIT_CHARS:
        raise AssertionError(f"bootstrap.ps1 has {len(text)} characters; cmd.exe would cut it")
    encoded = base64.b64encode(text.encode("utf-16-le")).decode("ascii")
    return (
        "-NoLogo",
        "-NoProfile",
        "-NonInteractive",
        "-ExecutionPolicy",
        "Bypass",
        "-EncodedCommand",
        encoded,
    )
