"""What Prefect's own tools and blocks do with ours."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import Machine

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]
REPOSITORY = Path(__file__).parents[2]

KEEP_AND_READ = """
import asyncio
from prefect.blocks.system import Secret

Secret(value="planted").save("osaka-operator", overwrite=True)
from flows.blocks import read_block

async def read() -> str:
    return read_block("osaka-operator")

print(asyncio.run(read()))
"""


def run(machine: Machine, *words: str) -> subprocess.CompletedProcess[str]:
    url = machine.ok("up", "--json").facts["api_url"]
    return subprocess.run(
        [sys.executable, *words],
        env=machine.environment
        | {"PREFECT_API_URL": url, "PREFECT_HOME": str(machine.home / "prefect")},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_prefects_own_deploy_takes_the_example_deployments(machine: Machine) -> None:
    file = "deployments/prefect.yaml"

    done = run(machine, "-m", "prefect", "--no-prompt", "deploy", "--all", "--prefect-file", file)

    assert done.returncode == 0, done.stdout + done.stderr
    for flow in ("test-failover", "clean-up"):
        assert f"{flow}/storefront" in done.stdout


def test_a_password_can_be_kept_in_a_secret_block(machine: Machine) -> None:
    done = run(machine, "-c", KEEP_AND_READ)

    assert done.stdout.strip() == "planted", done.stderr
