"""The deployments as a file for Prefect's own `prefect deploy`."""

from __future__ import annotations

import os
from collections.abc import Iterable
from io import StringIO
from typing import Any

from ruamel.yaml import YAML

from flows.deployment import Deployment

__all__ = ["prefect_yaml"]

_HEAD = """\
# Written by `secondsite deploy`, which registers these deployments, too. With Prefect's own tool:
#
#   prefect work-pool create --type process POOL       # for each pool that is named below
#   prefect deploy --all --prefect-file {file}
#
# Flows are loaded by module path: the packages must be installed where the worker runs. No
# deployment has a concurrency limit: the journal sees to one run per plan, and with a limit Prefect
# would end a failover when its server cannot be reached for a while.
"""


def prefect_yaml(deployments: Iterable[Deployment], *, file: str) -> str:
    """The text of the file, which is to be called `file`."""
    yaml = YAML()
    yaml.width = 100
    yaml.allow_unicode = True
    yaml.indent(mapping=2, sequence=4, offset=2)
    stream = StringIO()
    whole = {
        "name": "secondsite",
        "pull": [],
        "deployments": [_entry(each) for each in deployments],
    }
    yaml.dump(whole, stream)
    return _HEAD.format(file=file) + stream.getvalue()


def _entry(deployment: Deployment) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "name": deployment.name,
        "entrypoint": deployment.entrypoint,
        "description": deployment.description,
        "tags": list(deployment.tags),
        "parameters": dict(deployment.parameters),
        "work_pool": {
            "name": deployment.work_pool,
            "job_variables": {"working_dir": os.sep},
        },
    }
    if deployment.schedules:
        entry["schedules"] = [
            {"cron": each.cron, "timezone": each.timezone} for each in deployment.schedules
        ]
    return entry
