"""Where this machine keeps Secondsite's state, and where its plans are."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["home", "journal_url", "plans_folder"]


def home() -> Path:
    """The folder of this machine's state: SECONDSITE_HOME, or one in the user's data directory."""
    configured = os.environ.get("SECONDSITE_HOME")
    if configured:
        return Path(configured).expanduser().absolute()
    data = os.environ.get("XDG_DATA_HOME")
    base = Path(data) if data else Path.home() / ".local" / "share"
    return base / "secondsite"


def plans_folder() -> Path:
    """The folder of plans: SECONDSITE_PLANS, or `plans` in the current directory."""
    return Path(os.environ.get("SECONDSITE_PLANS") or "plans").expanduser().absolute()


def journal_url() -> str:
    """SQLAlchemy URL of the journal: SECONDSITE_JOURNAL, or a SQLite file in the home."""
    return os.environ.get("SECONDSITE_JOURNAL") or f"sqlite:///{home() / 'journal.db'}"
