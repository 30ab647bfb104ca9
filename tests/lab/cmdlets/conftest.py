"""A console on a simulated server: script text in, output and errors out."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from secondsite.lab.builder import build_world
from secondsite.lab.cmdlets import host_registry
from secondsite.lab.estate import LabEstate
from secondsite.lab.powershell.console import NoInput
from secondsite.lab.powershell.runspace import Runspace
from secondsite.lab.world import HyperVHost, LabClock, World

ESTATE: dict[str, Any] = {
    "name": "tiny",
    "credentials": {"op": {"username": "op"}},
    "sites": {
        "east": {
            "vmm": {"name": "vmm-east"},
            "credential": "op",
            "hosts": [{"name": "hv-east"}],
            "clouds": ["gold"],
            "networks": [{"name": "net-east", "switch": "vs", "subnets": ["10.1.0.0/24"]}],
        },
        "west": {
            "vmm": {"name": "vmm-west"},
            "credential": "op",
            "hosts": [{"name": "hv-west"}],
            "clouds": ["silver"],
            "networks": [
                {
                    "name": "net-west",
                    "switch": "vs",
                    "subnets": ["10.2.0.0/24"],
                    "pools": [{"name": "pool", "first": "10.2.0.50", "last": "10.2.0.59"}],
                }
            ],
        },
    },
    "defaults": {"adapters": [{"network": "net-east", "ipv4": "10.1.0.5/24"}]},
    "vms": [
        {"name": "a01", "host": "hv-east", "replica": "hv-west"},
        {"name": "a02", "host": "hv-east", "replica": "hv-west"},
        {"name": "solo", "host": "hv-west", "running": False, "adapters": []},
    ],
}


class Hours:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self._now = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._now.timestamp()

    def sleep(self, seconds: float, interrupt: threading.Event) -> None:
        del interrupt
        self._now += timedelta(seconds=seconds)


@dataclass
class Console:
    """Runs scripts on one server."""

    server: object
    kind: Any
    hours: Hours
    zone: Any = None
    seen: list[str] = field(default_factory=list)

    def run(self, script: str) -> list[str]:
        """Lines of output; whatever goes wrong is a line `ERROR <id>: <text>`."""
        out, err = io.StringIO(), io.StringIO()
        runspace = Runspace(
            host_registry(self.kind),
            self.server,
            self.hours,
            NoInput(),
            out,
            err,
            on_cmdlet=lambda name, _: self.seen.append(name),
            time_zone=self.zone,
        )
        runspace.run(
            "$ErrorActionPreference = 'Stop'\n"
            f'try {{ foreach ($item in @({script})) {{ "$item" }} }}\n'
            'catch { "ERROR $($_.FullyQualifiedErrorId): $($_.Exception.Message)" }'
        )
        return [line for line in (out.getvalue() + err.getvalue()).splitlines() if line]


@pytest.fixture
def hours() -> Hours:
    return Hours()


@pytest.fixture
def world(hours: Hours) -> World:
    return build_world(LabEstate.model_validate(ESTATE), clock=LabClock(now=hours.now))


@pytest.fixture
def west(world: World) -> HyperVHost:
    return world.sites["west"].hosts["hv-west"]


@pytest.fixture
def on(world: World, hours: Hours) -> Callable[[str], Console]:
    """A console on a server, by name."""

    def make(name: str, **facts: Any) -> Console:
        for site in world.sites.values():
            if site.vmm.name == name:
                return Console(site.vmm, "vmm", hours, **facts)
            if name in site.hosts:
                return Console(site.hosts[name], "hyper-v", hours, **facts)
        raise LookupError(name)

    return make
