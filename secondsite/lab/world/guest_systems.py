"""Operating systems that a guest may have, and which of them PowerShell Direct leads into."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

__all__ = ["GuestSystem", "has_powershell_direct"]

GuestSystem: TypeAlias = Literal[
    "Windows Server 2012 R2",
    "Windows Server 2016",
    "Windows Server 2019",
    "Windows Server 2022",
    "Windows Server 2025",
    "Linux",
]

_WITHOUT: Final = frozenset({"Windows Server 2012 R2", "Linux"})


def has_powershell_direct(system: GuestSystem) -> bool:
    """Whether a host can open a session inside (Windows 10, Windows Server 2016, or later).

    Source: Microsoft's documentation of PowerShell Direct, operating system requirements.
    """
    return system not in _WITHOUT
