"""A PowerShell script that a connector ships, or that a plan names."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

__all__ = ["Json", "Script"]

_SOURCED = re.compile(r'^\. "\$PSScriptRoot/(?P<path>[^"]+)"\n', re.MULTILINE)

Json = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]


@dataclass(frozen=True, slots=True)
class Script:
    """A script's name and text. Values never enter the text; they travel as parameters.

    A script answers by writing **one** object (an `[ordered]@{}` or a `[pscustomobject]`) to its
    output. `$ErrorActionPreference` is `Stop`: whatever it does not catch is its error. A shipped
    script never calls `exit`, which would end the resident PowerShell.

    Attributes:
        name: File name, for messages.
        text: The whole text.
        digest: SHA-256 of the text: a lane sends a text once and names it by this afterwards.
        own_process: Run in a PowerShell of its own, so that `exit` means what it says: a script
            that we did not write may exit, and that must not end the resident one.
    """

    name: str
    text: str
    digest: str
    own_process: bool = False

    @classmethod
    def from_text(cls, name: str, text: str, *, own_process: bool = False) -> Script:
        """A script from its text."""
        digest = hashlib.sha256(text.encode()).hexdigest()
        return cls(name=name, text=text, digest=digest, own_process=own_process)

    @classmethod
    def from_file(cls, path: Path, *, own_process: bool = False) -> Script:
        """A script from a file (UTF-8, with or without a byte order mark)."""
        return cls.from_text(path.name, path.read_text("utf-8-sig"), own_process=own_process)

    @classmethod
    def from_package(cls, package: str, filename: str) -> Script:
        """A script shipped as package data: `("secondsite.connectors.vmm", "scripts/a.ps1")`.

        What it dot-sources (`. "$PSScriptRoot/shared/machines.ps1"`) becomes part of its text: on
        the server there are no files of ours.
        """
        file = Path(str(files(package)), filename)

        def sourced(line: re.Match[str]) -> str:
            return (file.parent / line["path"]).read_text("utf-8-sig")

        return cls.from_text(file.name, _SOURCED.sub(sourced, file.read_text("utf-8-sig")))
