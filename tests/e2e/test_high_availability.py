"""High availability as the compose file has it, without containers: two API servers, one database.

Four of Prefect's processes at once are much for a small machine: for `make ha-test` only.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from ruamel.yaml import YAML
from sqlalchemy import create_engine

from tests.e2e.conftest import LAB, Machine, hasty_plans, until

pytestmark = [
    pytest.mark.integration,
    pytest.mark.timeout(580),
    pytest.mark.skipif(
        not os.environ.get("SECONDSITE_HA_TEST"), reason="four servers at once: make ha-test"
    ),
]
REPOSITORY = Path(__file__).parents[2]
COMPOSE = REPOSITORY / "deployments" / "container" / "compose-ha.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """Two machines' worth of command lines, and the API servers that they ask."""

    first: Machine
    second: Machine
    apis: tuple[subprocess.Popen[bytes], ...]


@pytest.fixture
def stack(tmp_path: Path, postgresql_server: str) -> Iterator[Stack]:
    redis_program = shutil.which("redis-server")
    if redis_program is None:
        pytest.skip("redis-server is not installed (Debian: apt-get install redis-server)")
    for name in ("prefect", "journal"):
        engine = create_engine(f"{postgresql_server}/postgres", isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE ha_{name}")
        engine.dispose()
    redis, one, two = (free_port() for _ in range(3))
    plans = hasty_plans(tmp_path / "plans")
    shared = variables(redis) | {
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": (
            f"{postgresql_server.replace('psycopg', 'asyncpg')}/ha_prefect"
        ),
        "SECONDSITE_JOURNAL": f"{postgresql_server}/ha_journal",
    }
    first, second = (
        Machine(
            home=tmp_path / "home",
            plans=plans,
            variables=shared | {"PREFECT_API_URL": f"http://127.0.0.1:{port}/api"},
        )
        for port in (one, two)
    )
    with ExitStack() as running:

        def begin(machine: Machine, *words: str, name: str) -> subprocess.Popen[bytes]:
            log = running.enter_context((tmp_path / f"{name}.log").open("wb"))
            process = subprocess.Popen(
                list(words), env=machine.environment, cwd=tmp_path, stdout=log, stderr=log
            )
            running.callback(end, process)
            return process

        begin(first, redis_program, "--port", str(redis), "--save", "", name="redis")
        ours, prefect = [sys.executable, "-m", "secondsite"], [sys.executable, "-m", "prefect"]
        upgrade = [*prefect, "server", "database", "upgrade", "-y"]
        subprocess.run(upgrade, env=first.environment, cwd=tmp_path, check=True)
        apis = []
        # One after the other, as in the compose file: on a new database both would write the types
        # of blocks, and Prefect's server that comes second would end.
        for machine, port in ((first, one), (second, two)):
            words = ("server", "--port", str(port), "--no-services")
            apis.append(begin(machine, *ours, *words, name=f"api-{port}"))
            is_up = partial(answers, port, apis[-1], log=tmp_path / f"api-{port}.log")
            until(is_up, what=f"{port} answers", limit_s=180)
        begin(first, *prefect, "server", "services", "start", name="services")
        first.ok("lab", "up", "--estate", LAB, "--scale", "0.02")
        running.callback(first.run, "lab", "down")
        begin(first, *ours, "worker", "--name", "one", name="one")
        begin(second, *ours, "worker", "--name", "two", name="two")
        first.ok("deploy", "--no-file", "--json")
        yield Stack(first=first, second=second, apis=tuple(apis))


def variables(redis: int) -> dict[str, str]:
    """What the compose file tells the API servers, with the address of our Redis."""
    compose: Any = YAML(typ="safe").load(COMPOSE.read_text("utf-8"))
    told = compose["services"]["api-1"]["environment"]
    own = {
        "PREFECT_REDIS_MESSAGING_HOST": "127.0.0.1",
        "PREFECT_REDIS_MESSAGING_PORT": str(redis),
        "PREFECT_SERVER_DOCKET_URL": f"redis://127.0.0.1:{redis}/1",
    }
    return {name: str(told[name]) for name in told if name.startswith("PREFECT_")} | own


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process and all below it."""
    if process.poll() is None:
        family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(True)]
        for member in family:
            with suppress(psutil.NoSuchProcess):
                member.kill()
    process.wait()


def answers(port: int, server: subprocess.Popen[bytes], *, log: Path) -> bool:
    assert server.poll() is None, log.read_text("utf-8")[-4000:]
    try:
        return httpx.get(f"http://127.0.0.1:{port}/api/health", timeout=5).is_success
    except httpx.HTTPError:
        return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_with_one_of_two_api_servers_gone_runs_are_started_and_carried(stack: Stack) -> None:
    by_first = stack.first.run("run", "payroll", "--kind", "test", "--clean-up", "--json")
    end(stack.apis[0])
    by_second = stack.second.run("run", "payroll", "--kind", "test", "--clean-up", "--json")

    assert by_first.facts["state"] == "done", by_first.gist
    assert by_second.facts["state"] == "done", by_second.gist
    assert len(stack.second.ok("runs", "--json").facts) == 2
    assert stack.second.ok("runs", "verify").code == 0
