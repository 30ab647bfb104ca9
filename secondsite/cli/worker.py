"""`secondsite worker`: carries runs, in the foreground, as service managers want it."""

from __future__ import annotations

import argparse
import os
import socket
import sys

from secondsite.cli.pools import pools_of
from secondsite.cli.services import prefect_environment, services
from secondsite.errors import UnreachableError, UsageError
from secondsite.home import plans_folder

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--site", help="serve the work pool of this site")
    parser.add_argument("--pool", help="serve this work pool, whatever the estate says")
    parser.add_argument("--name", help="name in Prefect's UI (default: host and process id)")


def run(arguments: argparse.Namespace) -> int:
    """Become a worker: this process is nothing else from then on.

    Raises:
        UsageError: several pools, and it is not said which; or no such site.
        UnreachableError: no Prefect server is known.
        CredentialError: its auth string cannot be had.
    """
    pool = arguments.pool or _pool(arguments.site)
    url = os.environ.get("PREFECT_API_URL") or services().api_url
    if not url:
        raise UnreachableError(
            "No Prefect server is known on this machine; nothing was started.",
            next_step="Set PREFECT_API_URL to the server's API, as in http://127.0.0.1:4200/api.",
        )
    name = arguments.name or f"{socket.gethostname()}-{os.getpid()}"
    sys.stdout.flush()
    os.execve(  # noqa: S606 - our own program, by list
        sys.executable,
        [sys.executable, "-m", "secondsite.cli.worker_process", name, pool],
        prefect_environment(url),
    )


def _pool(site: str | None) -> str:
    from secondsite.plan.loader import load_estate

    pools = pools_of(load_estate(plans_folder()), site)
    if len(pools) > 1:
        raise UsageError(
            f"The estate has several work pools ({', '.join(pools)}). Nothing was started.",
            next_step="Say which site this worker stands in: --site NAME",
        )
    return pools[0]
