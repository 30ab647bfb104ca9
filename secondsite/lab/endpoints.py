"""Where a running lab is: the files in its home that the engine and the command line read.

Layout of `<home>/lab/`: `process.json` (which process it is, and its control socket),
`endpoints.json` (servers, name servers, masquerade: there once the lab is ready), `secrets/`,
`certificates/`, `log.jsonl`, `daemon.log`.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["LabFolder"]

_SOCKET_PATH_LIMIT = 100  # sun_path has 108 bytes on Linux, 104 elsewhere


@dataclass(frozen=True, slots=True)
class LabFolder:
    """The lab's folder in a home."""

    home: Path

    @property
    def path(self) -> Path:
        """The folder itself."""
        return self.home / "lab"

    @property
    def endpoints(self) -> Path:
        """Where everything answers; exists while the lab is ready."""
        return self.path / "endpoints.json"

    @property
    def process(self) -> Path:
        """Which process the lab is."""
        return self.path / "process.json"

    @property
    def lock(self) -> Path:
        """Locked by the lab process as long as it lives."""
        return self.path / "lock"

    @property
    def secrets(self) -> Path:
        """Passwords and keys, one file each."""
        return self.path / "secrets"

    @property
    def certificates(self) -> Path:
        """The certificate authority and the servers' certificate."""
        return self.path / "certificates"

    @property
    def log(self) -> Path:
        """The lab's own log of requests and changes."""
        return self.path / "log.jsonl"

    @property
    def daemon_log(self) -> Path:
        """What the process prints."""
        return self.path / "daemon.log"

    def make(self) -> None:
        """Make the folder, for its owner only."""
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path.chmod(0o700)

    def new_socket_path(self) -> Path:
        """Where the control socket goes: here, or in a short folder if this path is too long."""
        path = self.path / "control.sock"
        if len(os.fsencode(path)) <= _SOCKET_PATH_LIMIT:
            return path
        return Path(tempfile.mkdtemp(prefix="secondsite-lab-")) / "control.sock"

    def remove_socket(self, path: Path) -> None:
        """Remove the control socket, and the folder that was made for it."""
        path.unlink(missing_ok=True)
        if path.parent != self.path:
            with suppress(OSError):
                path.parent.rmdir()

    def read_process(self) -> dict[str, Any] | None:
        """`{pid, started_at_s, socket, lab}`; None if no lab is recorded."""
        return _read(self.process)

    def read_endpoints(self) -> dict[str, Any] | None:
        """`{lab, pid, servers, dns, masquerade}`; None if no lab is ready."""
        return _read(self.endpoints)

    def write(self, path: Path, values: Mapping[str, Any]) -> None:
        """Write a file of this folder so that nobody sees half of it."""
        part = path.with_suffix(".part")
        part.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
        part.replace(path)

    def forget(self) -> None:
        """Remove what says that a lab is up; the log stays."""
        for path in (self.endpoints, self.process):
            path.unlink(missing_ok=True)
        if self.secrets.is_dir():
            for secret in self.secrets.iterdir():
                secret.unlink(missing_ok=True)


def _read(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
