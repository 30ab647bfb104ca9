"""What one simulated computer allows a user."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Quotas"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quotas:
    """Limits of a WinRM service. Defaults: MS-WSMV 2.2.4.10, 2.2.4.36 and 2.2.4.42 (WinRM 3.0)."""

    shells_per_user: int = 30
    processes_per_shell: int = 25
    envelope_kb: int = 500
    operation_timeout_s: float = 60.0
    idle_timeout_s: float = 7200.0
