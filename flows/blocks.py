"""What the estate keeps in blocks of the Prefect server: secrets, and ways to tell people."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar, cast

import prefect.blocks.notifications  # noqa: F401 - Prefect knows its own kinds of blocks then
from prefect.blocks.abstract import NotificationBlock
from prefect.blocks.core import Block
from prefect.blocks.system import Secret

__all__ = ["keep_secret", "notify_through", "read_block"]

T = TypeVar("T")


def read_block(name: str) -> str:
    """The value of the Secret block of that name.

    Raises:
        ValueError: there is no such block.
    """
    return _outside_the_loop(lambda: str(cast("Secret[str]", Secret.load(name)).get()))


def keep_secret(name: str, value: str) -> None:
    """Make the Secret block of that name, or give it another value."""
    _outside_the_loop(lambda: Secret(value=value).save(name, overwrite=True))


def notify_through(slug: str, *, title: str, text: str) -> None:
    """Send a message through the notification block `TYPE/NAME`.

    Raises:
        ValueError: there is no such block, or it is none that can notify.
        NotificationError: it could not be delivered.
    """
    _outside_the_loop(lambda: _notify(slug, title, text))


def _notify(slug: str, title: str, text: str) -> None:
    block = Block.load(slug)
    if not isinstance(block, NotificationBlock):
        raise ValueError(f"{slug} is no notification block")  # noqa: TRY004 - a wrong name
    with block.raise_on_failure():
        # Outside of an event loop it has sent when it returns, whatever its type says.
        cast("Callable[[str, str], None]", block.notify)(text, title)


def _outside_the_loop(work: Callable[[], T]) -> T:
    """Do `work` in a thread of its own.

    Flows run in an event loop, in which Prefect's blocking calls are not to be had.
    """
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(work).result()
