"""Secrets that the estate keeps in Prefect's Secret blocks."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import cast

from prefect.blocks.system import Secret

__all__ = ["read_block"]


def read_block(name: str) -> str:
    """The value of the Secret block of that name.

    It is asked for in a thread of its own, because flows run in an event loop, in which Prefect's
    blocking calls are not to be had.

    Raises:
        ValueError: there is no such block.
    """
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(_load, name).result()


def _load(name: str) -> str:
    secret = cast("Secret[str]", Secret.load(name))
    return str(secret.get())
