"""The lab's own log: every request that reached a simulated server, every change, every fault.

It is written by the lab process alone, in the order in which things happened, one JSON object a
line, so that anybody can check what really happened without asking the engine.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

__all__ = ["EventLog"]

_FIRST_KEYS = ("at", "site", "host", "kind", "cmdlet", "dns", "wsman", "vm", "detail")


class EventLog:
    """Appends to one file. Safe to use from any thread.

    Args:
        path: The file; emptied at the start.
        site_of: The site of a server.
    """

    def __init__(self, path: Path, *, site_of: Callable[[str], str] = lambda _: "") -> None:
        self.path = path
        self.site_of = site_of
        self._lock = threading.Lock()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("w", encoding="utf-8")

    def write(self, event: Mapping[str, Any]) -> None:
        """Append one event; its time is the time of writing, so that lines are in order of time."""
        entry = _in_order({"site": "", "host": "", "vm": "", "detail": {}, **event})
        if not entry["site"] and entry["host"]:
            entry["site"] = self.site_of(str(entry["host"]))
        with self._lock:
            if self._file.closed:
                return
            entry["at"] = datetime.now(UTC).isoformat()
            self._file.write(json.dumps(entry, ensure_ascii=False, default=str) + "\n")
            self._file.flush()

    def request(
        self,
        *,
        host: str,
        cmdlet: str = "",
        vm: str = "",
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        """A cmdlet was called on a simulated computer."""
        self.write(
            {
                "kind": "request",
                "host": host,
                "cmdlet": cmdlet,
                "vm": vm,
                "detail": dict(detail or {}),
            }
        )

    def fault(self, injection: Mapping[str, Any]) -> None:
        """A fault was injected."""
        facts = dict(injection)
        facts.pop("kind", None)
        self.write(
            {
                "kind": "fault",
                "site": facts.pop("site", ""),
                "host": facts.pop("host", ""),
                "cmdlet": facts.pop("cmdlet", ""),
                "vm": facts.pop("vm", ""),
                "detail": facts,
            }
        )

    def read(self, *, offset: int = 0) -> tuple[str, int]:
        """What was written since `offset` bytes, and the new offset."""
        with self._lock, self.path.open("rb") as file:
            file.seek(offset)
            data = file.read()
        return data.decode("utf-8"), offset + len(data)

    def close(self) -> None:
        """Write no more; what comes later is dropped."""
        with self._lock:
            self._file.close()


def _in_order(event: Mapping[str, Any]) -> dict[str, Any]:
    entry: dict[str, Any] = {"at": "", **{key: event[key] for key in _FIRST_KEYS if key in event}}
    entry.update((key, value) for key, value in event.items() if key not in entry)
    return entry
