"""A journal for each test: in SQLite, and in a PostgreSQL of our own where one is installed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from secondsite.run.journal import Journal
from tests.run.story import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'home' / 'journal.db'}"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.integration)])
def url(request: pytest.FixtureRequest) -> str:
    """The URL of an empty database of each kind."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
def journal(url: str, clock: Clock) -> Iterator[Journal]:
    with Journal.open(url, now=clock, is_gone=lambda holder: holder.startswith("gone")) as opened:
        yield opened
