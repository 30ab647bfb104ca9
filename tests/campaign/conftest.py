from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of the world that commands of this process look at; it has no Prefect server."""
    home = tmp_path / "world"
    monkeypatch.setenv("SECONDSITE_HOME", str(home))
    monkeypatch.setenv("SECONDSITE_PLANS", str(home / "plans"))
    monkeypatch.delenv("SECONDSITE_JOURNAL", raising=False)
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    return home
