"""A small simulated estate, and lanes into it without WinRM: only the wire is left out."""

from __future__ import annotations

import io
import threading
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any

import pytest

from secondsite.connectors.hyperv import HyperVHost
from secondsite.connectors.vmm import VmmServer
from secondsite.connectors.winrm.framing import Answer, FrameReader, encode_request
from secondsite.connectors.winrm.script import Json, Script
from secondsite.errors import ActionFailedError
from secondsite.lab.builder import build_world
from secondsite.lab.cmdlets import ServerKind, host_registry
from secondsite.lab.dns.windows import WindowsDns
from secondsite.lab.estate import LabEstate
from secondsite.lab.powershell.registry import CmdletError
from secondsite.lab.powershell.runspace import Runspace
from secondsite.lab.powershell.values import ErrorRecord
from secondsite.lab.world import HyperVHost as WorldHost
from secondsite.lab.world import LabClock, World
from secondsite.lab.world import VmmServer as WorldVmm

ESTATE: dict[str, Any] = {
    "name": "small",
    "credentials": {"op": {"username": "op"}},
    "sites": {
        "tokyo": {
            "vmm": {"name": "vmm-tokyo"},
            "credential": "op",
            "clouds": ["tokyo-gold"],
            "hosts": [{"name": "hv-tokyo-1"}],
            "networks": [
                {
                    "name": "tokyo-prod",
                    "switch": "vs-prod",
                    "vlan": 110,
                    "subnets": ["10.1.0.0/24"],
                    "dhcp": {"first": "10.1.0.100", "last": "10.1.0.199"},
                }
            ],
        },
        "osaka": {
            "vmm": {"name": "vmm-osaka"},
            "credential": "op",
            "clouds": ["osaka-gold"],
            "host_memory": "16GiB",
            "hosts": [{"name": "hv-osaka-1"}],
            "networks": [
                {
                    "name": "osaka-prod",
                    "switch": "vs-prod",
                    "vlan": 210,
                    "subnets": ["10.2.0.0/24"],
                },
                {
                    "name": "osaka-test",
                    "switch": "vs-test",
                    "vlan": 290,
                    "purpose": "test",
                    "subnets": ["10.2.0.0/24"],
                    "dhcp": {"first": "10.2.0.100", "last": "10.2.0.199"},
                    "pools": [
                        {
                            "name": "test-pool",
                            "first": "10.2.0.200",
                            "last": "10.2.0.201",
                            "gateway": "10.2.0.1",
                            "dns": ["10.2.0.10"],
                        }
                    ],
                },
            ],
        },
    },
    "defaults": {
        "adapters": [{"network": "tokyo-prod"}],
        "guest": {"boot": "40s", "addresses_after": "6s", "shutdown": "20s"},
    },
    "vms": [
        {"name": "sql01", "host": "hv-tokyo-1", "replica": "hv-osaka-1"},
        {"name": "sql02", "host": "hv-tokyo-1", "replica": "hv-osaka-1"},
        {"name": "web [1]", "host": "hv-tokyo-1", "replica": "hv-osaka-1"},
        {"name": "big01", "host": "hv-tokyo-1", "replica": "hv-osaka-1", "memory": "32GiB"},
        {"name": "hr01", "host": "hv-tokyo-1"},
        {"name": "local01", "host": "hv-osaka-1", "running": False, "adapters": []},
    ],
}


class Hours:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self._now = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)
        self.slept_s = 0.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._now.timestamp()

    def sleep(self, seconds: float, interrupt: threading.Event) -> None:
        del interrupt
        self.slept_s += seconds
        self._now += timedelta(seconds=seconds)

    def pass_by(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)


class _Lines:
    def __init__(self, *lines: str) -> None:
        self._lines = list(lines)

    def read_line(self, interrupt: threading.Event) -> str | None:
        del interrupt
        return self._lines.pop(0) if self._lines else None


_KINDS: dict[type, tuple[ServerKind, str]] = {
    WorldHost: ("hyper-v", "Hyper-V"),
    WorldVmm: ("vmm", "VirtualMachineManager"),
    WindowsDns: ("dns", "DnsServer"),
}


class DirectLane:
    """Calls scripts the way a lane does, in a runspace of this process."""

    def __init__(self, server: WorldHost | WorldVmm | WindowsDns, hours: Hours) -> None:
        self._server = server
        self._hours = hours
        self._kind, self._module = _KINDS[type(server)]
        self.calls: list[str] = []
        self.cmdlets: list[tuple[str, dict[str, object]]] = []
        self.before_cmdlet: Callable[[str, dict[str, object]], None] = lambda _name, _given: None
        self.denied: set[str] = set()

    def call(self, script: Script, parameters: Mapping[str, Json], *, timeout_s: float) -> Json:
        assert timeout_s > 0
        self.calls.append(script.name)
        line = encode_request(
            uuid.uuid4().hex,
            modules=[self._module],
            script=script,
            parameters=parameters,
        )
        out, err = io.StringIO(), io.StringIO()
        runspace = Runspace(
            host_registry(self._kind),
            self._server,
            self._hours,
            _Lines(line.decode("ascii").strip()),
            out,
            err,
            on_cmdlet=self._notice,
            computer_name=self._server.name.upper(),
        )
        bootstrap = (files("secondsite.connectors.winrm") / "bootstrap.ps1").read_text("utf-8")
        code = runspace.run(bootstrap)
        answers = list(FrameReader().feed(out.getvalue().encode("ascii")))
        if script.own_process and code not in (0, 93):
            raise ActionFailedError(f"{script.name} ended with exit code {code}.")
        found = [answer for answer in answers if isinstance(answer, Answer)]
        if not found and script.own_process:
            return None
        assert found, (out.getvalue(), err.getvalue())
        if not found[0].ok:
            raise AssertionError(found[0].error)
        result = found[0].result
        assert len(result) == 1, result
        return result[0]  # type: ignore[no-any-return]

    def _notice(self, name: str, given: Mapping[str, object]) -> None:
        self.cmdlets.append((name, dict(given)))
        self.before_cmdlet(name, dict(given))
        if name in self.denied:
            raise CmdletError(
                ErrorRecord(
                    exception_type="Microsoft.Management.Infrastructure.CimException",
                    message="Access was denied.",
                    fully_qualified_id=f"WIN32 5,{name}",
                    category="PermissionDenied",
                    target=None,
                )
            )


@pytest.fixture
def small_estate() -> dict[str, Any]:
    """Two sites with one host each."""
    return ESTATE


@pytest.fixture
def hours() -> Hours:
    return Hours()


@pytest.fixture
def log() -> list[dict[str, Any]]:
    """What the world did, in order."""
    return []


@pytest.fixture
def world(hours: Hours, log: list[dict[str, Any]]) -> World:
    return build_world(
        LabEstate.model_validate(ESTATE), clock=LabClock(now=hours.now), record=log.append
    )


@pytest.fixture
def lane_to(world: World, hours: Hours) -> Callable[[str], DirectLane]:
    """A lane to a server of the small estate, by name."""

    def make(name: str) -> DirectLane:
        for site in world.sites.values():
            if site.vmm.name == name:
                return DirectLane(site.vmm, hours)
            if name in site.hosts:
                return DirectLane(site.hosts[name], hours)
        raise LookupError(name)

    return make


@pytest.fixture
def replica_host(lane_to: Callable[[str], DirectLane]) -> HyperVHost:
    """The Hyper-V host with the replicas."""
    return HyperVHost(name="hv-osaka-1", lane=lane_to("hv-osaka-1"))


@pytest.fixture
def primary_host(lane_to: Callable[[str], DirectLane]) -> HyperVHost:
    """The Hyper-V host with the primaries."""
    return HyperVHost(name="hv-tokyo-1", lane=lane_to("hv-tokyo-1"))


@pytest.fixture
def vmm(lane_to: Callable[[str], DirectLane]) -> VmmServer:
    """The VMM server of the site with the replicas."""
    return VmmServer(name="vmm-osaka", lane=lane_to("vmm-osaka"))


@pytest.fixture
def osaka(world: World) -> WorldHost:
    """The simulated host with the replicas, to look behind the scenes."""
    return world.sites["osaka"].hosts["hv-osaka-1"]


@pytest.fixture
def tokyo(world: World) -> WorldHost:
    """The simulated host with the primaries."""
    return world.sites["tokyo"].hosts["hv-tokyo-1"]
