"""The process that `up` starts as the worker: it gets ready while Prefect's server comes up.

Loading Prefect takes as long as the server needs to answer; done side by side, `up` takes the
longer of the two and not both. Then this process is nothing but `prefect worker start`.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time

from secondsite.cli.services import SERVER_START_LIMIT_S, is_healthy

__all__ = ["main"]

_PAUSE_S = 0.2


def main(name: str, pool: str) -> None:
    """Wait for the server of PREFECT_API_URL, then work for it until ended."""
    from prefect.cli import app
    from prefect.workers import process

    from flows.work_pool import ensure_work_pool

    print(f"{name}: {process.__name__} is loaded; waiting for the server.", flush=True)
    url = os.environ["PREFECT_API_URL"]
    give_up_at = time.monotonic() + SERVER_START_LIMIT_S
    while not is_healthy(url):
        if time.monotonic() > give_up_at:
            sys.exit(f"{url} does not answer: nothing to work for.")
        time.sleep(_PAUSE_S)
    # Of two that make the pool at once, Prefect's own worker would be the one to fail.
    asyncio.run(ensure_work_pool(pool))
    sys.argv[1:] = ["worker", "start", "--pool", pool, "--type", "process", "--name", name]
    app()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
