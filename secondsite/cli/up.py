"""`secondsite up`: Prefect's server, a worker and all deployments, in the background."""

from __future__ import annotations

import argparse
import json
import os
import socket

from secondsite.cli.pools import pools_of
from secondsite.cli.server_auth import auth_environment
from secondsite.cli.services import api_url, services, use_prefect
from secondsite.home import plans_folder

__all__ = ["add_arguments", "bring_up", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--port", type=int, help="port of Prefect's server (default: a free one)")
    parser.add_argument(
        "--site", help="only the worker of this site (default: one for each work pool)"
    )
    parser.add_argument("--json", action="store_true", help="print facts as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Bring everything up; says where the UI is."""
    url, names = bring_up(port=arguments.port, site=arguments.site)
    ui = url.removesuffix("/api")
    if arguments.json:
        print(json.dumps({"api_url": url, "ui_url": ui, "deployments": names}, indent=2))
        return 0
    print(f"Prefect's UI: {ui}")
    print(f"For prefect's own commands: export PREFECT_API_URL={url}")
    if auth_environment():
        print("It asks for its auth string: in the browser, and of them in PREFECT_API_AUTH_STRING")
    for name in names:
        print(f"  deployment {name}")
    return 0


def bring_up(*, port: int | None = None, site: str | None = None) -> tuple[str, list[str]]:
    """Start what does not run yet and register the deployments.

    Gives the API URL and the names of the deployments.

    Raises:
        UnreachableError: the server does not come up.
        PlanError: a plan in the plans folder is wrong; nothing was started.
        UsageError: the estate has no such site, or what is up reads other plans; nothing was
            started.
    """
    from secondsite.plan.loader import load_folder

    folder = load_folder(plans_folder())
    pools = pools_of(folder.estate, site)
    mine = services()
    mine.check_plans()
    is_external = bool(os.environ.get("PREFECT_API_URL"))
    url = api_url() if is_external else mine.start_server(port=port)
    mine.start_workers(pools, name=f"{socket.gethostname()}-{os.getpid()}")
    use_prefect(url)
    # Loading Prefect takes seconds: this process and the worker do it while the server comes up.
    from flows.deployment import deployments_of, register

    if not is_external:
        mine.wait_for_server()
    names = register(deployments_of(folder.plans.values(), folder.estate, folder.suites.values()))
    mine.start_watch()
    return url, names
