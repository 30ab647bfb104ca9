"""What lives that `up` has not started: workers that Prefect hears of, and the watch."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import httpx

from secondsite.cli.server_auth import auth_header
from secondsite.errors import CredentialError
from secondsite.home import home

__all__ = ["forget_watch", "show_that_watch_lives", "watch_lives", "workers_online"]

_WATCH_IS_SILENT_AFTER_S = 120.0
"""Taking one run up may hold it up for a while."""
_PATIENCE_S = 5.0


def workers_online(api_url: str) -> Sequence[str]:
    """Names of the workers that the server at the API URL hears of, as `NAME in POOL`."""
    try:
        with httpx.Client(
            base_url=api_url, headers=dict(auth_header()), timeout=_PATIENCE_S, trust_env=False
        ) as client:
            pools = client.post("/work_pools/filter", json={}).raise_for_status().json()
            return [
                f"{worker['name']} in {pool['name']}"
                for pool in pools
                for worker in client.post(f"/work_pools/{pool['name']}/workers/filter", json={})
                .raise_for_status()
                .json()
                if worker["status"] == "ONLINE"
            ]
    except (httpx.HTTPError, CredentialError):
        return []


def show_that_watch_lives() -> None:
    """Leave a trace for `watch_lives`."""
    _trace().parent.mkdir(parents=True, exist_ok=True)
    _trace().touch()


def watch_lives() -> bool:
    """Whether a watch of this home has looked lately, whoever started it."""
    try:
        return time.time() - _trace().stat().st_mtime < _WATCH_IS_SILENT_AFTER_S
    except FileNotFoundError:
        return False


def forget_watch() -> None:
    """The watch of this home has ended."""
    _trace().unlink(missing_ok=True)


def _trace() -> Path:
    return home() / "watch.alive"
