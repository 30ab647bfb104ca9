"""`secondsite deploy`: the deployments of the plans, into a file and onto Prefect's server."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from secondsite.cli.services import api_url, use_prefect
from secondsite.errors import UsageError
from secondsite.home import plans_folder

__all__ = ["add_arguments", "run"]

_FILE = "deployments/prefect.yaml"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "--file",
        type=Path,
        default=Path(_FILE),
        help="the file for Prefect's own `prefect deploy`, written anew (default: %(default)s)",
    )
    parser.add_argument("--no-file", action="store_true", help="write no file")
    parser.add_argument(
        "--file-only", action="store_true", help="write the file; ask no server, register nothing"
    )
    parser.add_argument(
        "--keep", action="store_true", help="leave deployments whose plan is gone on the server"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="tell what would be done, and do nothing"
    )
    parser.add_argument("--json", action="store_true", help="print facts as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Write the file, register, remove what is obsolete; gives 0. Twice is as once.

    Raises:
        PlanError: a plan or the estate is wrong; nothing was done.
        UnreachableError: Prefect's server does not answer; nothing was done.
        UsageError: the file cannot be written.
    """
    from secondsite.plan.loader import load_folder

    folder = load_folder(plans_folder())
    if not arguments.file_only:
        use_prefect(api_url())
    from flows.deployment import deployments_of, obsolete, register, remove
    from flows.deployment_file import prefect_yaml

    deployments = deployments_of(folder.plans.values(), folder.estate, folder.suites.values())
    gone = [] if arguments.file_only or arguments.keep else obsolete(deployments)
    if not arguments.dry_run:
        if not arguments.no_file:
            _write(arguments.file, prefect_yaml(deployments, file=str(arguments.file)))
        if not arguments.file_only:
            register(deployments)
            remove(gone)
    _tell(
        {
            "dry_run": arguments.dry_run,
            "file": None if arguments.no_file else str(arguments.file),
            "registered": not arguments.file_only,
            "deployments": [
                {
                    "name": each.full_name,
                    "work_pool": each.work_pool,
                    "schedules": [schedule.cron for schedule in each.schedules],
                }
                for each in deployments
            ],
            "removed": gone,
        },
        as_json=arguments.json,
    )
    return 0


def _write(file: Path, text: str) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"{file} cannot be written ({error.strerror}); nothing was registered.",
            next_step="Name another one with --file, or leave it out with --no-file.",
        ) from error


def _tell(facts: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(facts, indent=2))
        return
    would = "would be " if facts["dry_run"] else ""
    deployments = facts["deployments"]
    if facts["file"]:
        print(f"{facts['file']}: {would}written, with {len(deployments)} deployments")
    if facts["registered"]:
        for each in deployments:
            schedules = "".join(f", at {cron}" for cron in each["schedules"])
            print(f"  {each['name']} in the pool {each['work_pool']}{schedules}: {would}registered")
        for name in facts["removed"]:
            print(f"  {name}: {would}removed: its plan is gone")
