"""Prefect's server as a process of its own, as `prefect server start` is, but for one thing.

On SQLite its writing transactions begin as readers. Where somebody else has written in between,
SQLite refuses them at once, whatever time it may wait, and the UI shows *503 Service Unavailable*
to whoever has just filled in a form. Here they begin as writers, and wait for their turn.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from prefect.cli import app
from prefect.server.database.configurations import AioSqliteConfiguration

__all__ = ["main"]


def _begin_as_writer() -> None:
    begin = AioSqliteConfiguration.begin_transaction

    @asynccontextmanager
    async def begin_transaction(
        self: AioSqliteConfiguration, session: Any, with_for_update: bool = False
    ) -> AsyncIterator[Any]:
        async with begin(self, session, with_for_update=True) as transaction:
            yield transaction

    AioSqliteConfiguration.begin_transaction = begin_transaction  # type: ignore[method-assign]


def main() -> None:
    """Start the server with the arguments of `prefect server start`."""
    _begin_as_writer()
    sys.argv[1:1] = ["server", "start"]
    app()


if __name__ == "__main__":
    main()
