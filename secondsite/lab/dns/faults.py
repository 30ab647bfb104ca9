"""What can go wrong at a lab DNS server: the questions that it asks whoever injects faults."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

__all__ = [
    "BREAKS_DISK",
    "DROPS_REPLY",
    "ECHOES_MAC",
    "REFUSES",
    "SILENT",
    "STALE",
    "FaultQuestion",
    "no_faults",
]

REFUSES: Final = "dns-refuses"
"""Updates are answered REFUSED (the key has lost its rights)."""
DROPS_REPLY: Final = "dns-drops-reply"
"""An update is applied, and its reply never sent."""
ECHOES_MAC: Final = "dns-echoes-mac"
"""The reply to an update carries the request's own signature, as Samba and Windows do it."""
STALE: Final = "dns-stale"
"""A secondary stops following its primary."""
SILENT: Final = "dns-silent"
"""Nothing is answered, and no update applied; the sockets stay open."""
BREAKS_DISK: Final = "dns-breaks-disk"
"""Updates are answered SERVFAIL, as BIND does with a journal that it cannot write."""

FaultQuestion = Callable[[str, str, str | None], bool]
"""(kind, server name, record name or None) → whether that fault applies now. May count."""


def no_faults(kind: str, server: str, name: str | None) -> bool:
    """Nothing ever goes wrong."""
    del kind, server, name
    return False
