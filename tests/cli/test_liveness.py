"""Whether a watch lives that somebody else has started (a service manager, another terminal)."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from secondsite.cli.liveness import (
    forget_watch,
    show_that_watch_lives,
    watch_lives,
    workers_online,
)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SECONDSITE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SECONDSITE_PLANS", str(tmp_path))
    return tmp_path / "home"


def test_a_watch_lives_while_it_looks(home: Path) -> None:
    before = watch_lives()
    show_that_watch_lives()
    now = watch_lives()
    long_ago = time.time() - 121
    os.utime(home / "watch.alive", (long_ago, long_ago))

    assert (before, now, watch_lives()) == (False, True, False)


def test_a_watch_that_was_ended_is_not_taken_for_alive() -> None:
    show_that_watch_lives()
    forget_watch()
    forget_watch()

    assert not watch_lives()


def test_a_server_that_does_not_answer_has_no_workers() -> None:
    assert workers_online("http://127.0.0.1:9/api") == []
