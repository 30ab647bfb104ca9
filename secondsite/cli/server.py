"""`secondsite server`: Prefect's server in the foreground, as service managers want it."""

from __future__ import annotations

import argparse
import os
import sys

from secondsite.cli.services import prefect_environment, server_environment

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--host", default="127.0.0.1", help="address (default: %(default)s)")
    parser.add_argument("--port", type=int, default=4200, help="port (default: %(default)s)")
    parser.add_argument(
        "--no-services",
        action="store_true",
        help="only answer requests: schedules and clean-up are run by `prefect server services`",
    )


def run(arguments: argparse.Namespace) -> int:
    """Become Prefect's server: this process is nothing else from then on.

    Raises:
        CredentialError: the estate wants an auth string for it, and it cannot be had.
    """
    url = f"http://{arguments.host}:{arguments.port}/api"
    environment = prefect_environment(os.environ.get("PREFECT_API_URL") or url)
    words = ["prefect", "server", "start", "--host", arguments.host, "--port", str(arguments.port)]
    if arguments.no_services:
        words.append("--no-services")
    sys.stdout.flush()
    os.execve(  # noqa: S606 - our own program, by list
        sys.executable,
        [sys.executable, "-m", *words],
        environment | server_environment(),
    )
