"""The id of a run: readable, sortable, and its own."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

__all__ = ["new_run_id"]


def new_run_id(*, plan: str, operation: str, at: datetime, token: str | None = None) -> str:
    """`{plan}-{operation}-{YYYYMMDD-HHMMSS}-{token}`, in UTC.

    Args:
        plan: Name of the plan.
        operation: What the run carries out.
        at: When it is created.
        token: Tells it from others of the same second; random if not given.
    """
    stamp = at.astimezone(UTC).strftime("%Y%m%d-%H%M%S")
    return f"{plan}-{operation}-{stamp}-{token or secrets.token_hex(2)}"
