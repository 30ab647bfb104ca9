from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from secondsite.lab.builder import build_world
from secondsite.lab.estate import LabEstate
from secondsite.lab.faults import Faults
from secondsite.lab.world import HyperVHost, LabClock, VirtualMachine, World

_ESTATE = {
    "name": "small",
    "credentials": {"operator": {"username": "operator"}},
    "sites": {
        "tokyo": {
            "vmm": {"name": "vmm-tokyo"},
            "credential": "operator",
            "clouds": ["gold"],
            "host_memory": "32GiB",
            "hosts": [{"name": "hv-tokyo-1"}],
            "networks": [
                {
                    "name": "tokyo-prod",
                    "switch": "vs-prod",
                    "subnets": ["10.1.0.0/24"],
                    "dhcp": {"first": "10.1.0.100", "last": "10.1.0.109"},
                }
            ],
        },
        "osaka": {
            "vmm": {"name": "vmm-osaka"},
            "credential": "operator",
            "clouds": ["silver"],
            "host_memory": "16GiB",
            "hosts": [{"name": "hv-osaka-1"}],
            "networks": [
                {
                    "name": "osaka-prod",
                    "switch": "vs-prod",
                    "subnets": ["10.2.0.0/24"],
                    "dhcp": {"first": "10.2.0.100", "last": "10.2.0.109"},
                    "pools": [
                        {
                            "name": "pool",
                            "first": "10.2.0.200",
                            "last": "10.2.0.201",
                            "gateway": "10.2.0.1",
                        }
                    ],
                },
                {
                    "name": "osaka-test",
                    "switch": "vs-test",
                    "vlan": 290,
                    "purpose": "test",
                    "subnets": ["10.2.0.0/24"],
                    "dhcp": {"first": "10.2.0.100", "last": "10.2.0.109"},
                },
            ],
        },
    },
    "defaults": {
        "memory": "4GiB",
        "adapters": [{"network": "tokyo-prod"}],
        "guest": {"boot": "60s", "addresses_after": "5s", "shutdown": "20s"},
        "replication": {"frequency": "5m", "recovery_points": 3},
    },
    "vms": [
        {
            "name": "sql01",
            "host": "hv-tokyo-1",
            "replica": "hv-osaka-1",
            "adapters": [{"network": "tokyo-prod", "ipv4": "10.1.0.21/24"}],
            "services": [
                {"port": 1433, "name": "database", "after": "10s"},
                {"port": 8080, "name": "page", "http": True},
            ],
        },
        {"name": "web01", "host": "hv-tokyo-1", "replica": "hv-osaka-1"},
        {"name": "hr01", "host": "hv-tokyo-1"},
    ],
}


@dataclass
class Stage:
    """A small world whose time moves only when a test says so."""

    moment: datetime = field(default_factory=lambda: datetime(2026, 3, 1, tzinfo=UTC))
    changes: list[dict[str, Any]] = field(default_factory=list)
    faults: Faults = field(default_factory=Faults)
    world: World = field(init=False)

    def __post_init__(self) -> None:
        clock = LabClock(scale=1.0, now=lambda: self.moment)
        self.world = build_world(
            LabEstate.model_validate(_ESTATE),
            clock=clock,
            faults=self.faults,
            record=self.changes.append,
        )

    def wait(self, **duration: float) -> None:
        self.moment += timedelta(**duration)
        with self.world.settled():
            pass

    def host(self, name: str) -> HyperVHost:
        host = self.world.host(name)
        assert host is not None
        return host

    @property
    def primary(self) -> HyperVHost:
        return self.host("hv-tokyo-1")

    @property
    def recovery(self) -> HyperVHost:
        return self.host("hv-osaka-1")

    def vm(self, host: HyperVHost, name: str) -> VirtualMachine:
        return host.get_vm(name)[0]

    def fresh(self) -> Stage:
        return Stage()


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
def new_stage() -> Callable[[], Stage]:
    return Stage
