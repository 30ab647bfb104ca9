"""What every hypervisor connector promises, whatever it is reached over.

Run over a lane without wire, and over real WinRM (NTLM, sealed) against the simulated host.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

import pytest
from pydantic import SecretStr

from secondsite.connectors.base import (
    ActionResult,
    ConnectRequest,
    Hypervisor,
    TestCleanupRequest,
    TestFailoverRequest,
    VmManager,
    VmObservation,
)
from secondsite.connectors.hyperv import HyperVHost
from secondsite.connectors.vmm import VmmServer
from secondsite.connectors.winrm import Endpoint, Lane, LaneLimits
from secondsite.errors import NotFoundError, SiteError, UnknownOutcomeError
from secondsite.lab.builder import build_world
from secondsite.lab.cmdlets import host_registry
from secondsite.lab.estate import LabEstate
from secondsite.lab.faults import Fault, Faults
from secondsite.lab.powershell.clock import RealClock
from secondsite.lab.powershell.process import PowerShellProcess
from secondsite.lab.world import LabClock, World
from secondsite.lab.wsman import ShellInfo, WsmanServer

LIMIT_S = 60.0
USER, PASSWORD = "op", "a password"


class Wire:
    """A simulated host and VMM server behind real WinRM, and lanes to them."""

    def __init__(self, estate: dict[str, Any]) -> None:
        self.faults = Faults()
        self.world: World = build_world(
            LabEstate.model_validate(estate), clock=LabClock(scale=0.001), faults=self.faults
        )
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._servers: list[WsmanServer] = []
        self._lanes: list[Lane] = []

    def lane(self, name: str) -> Lane:
        site = self.world.sites["osaka"]
        is_vmm = site.vmm.name == name
        server = site.vmm if is_vmm else site.hosts[name]

        def start(command_line: str, info: ShellInfo) -> PowerShellProcess:
            return PowerShellProcess(
                command_line,
                registry=host_registry("vmm" if is_vmm else "hyper-v"),
                host=server,
                clock=RealClock(),
                computer_name=info.host.upper(),
            )

        wsman = WsmanServer(
            name=name,
            credentials={USER: PASSWORD},
            process_factory=start,
            auth=["ntlm"],
            faults=self.faults,
        )
        asyncio.run_coroutine_threadsafe(wsman.start(), self._loop).result(10)
        self._servers.append(wsman)
        endpoint = Endpoint(
            name=name,
            username=USER,
            password=SecretStr(PASSWORD),
            address="127.0.0.1",
            port=wsman.port,
            scheme="http",
            transport="ntlm",
            modules=("VirtualMachineManager",) if is_vmm else ("Hyper-V",),
        )
        lane = Lane(endpoint, limits=LaneLimits(ask_every_s=0.2, backoff_s=0.01, poll_s=1.0))
        self._lanes.append(lane)
        return lane

    def test_vms(self) -> list[str]:
        host = self.world.sites["osaka"].hosts["hv-osaka-1"]
        return [vm.name for vm in host.get_vm() if vm.is_test]

    def close(self) -> None:
        for lane in self._lanes:
            lane.close()
        for server in self._servers:
            asyncio.run_coroutine_threadsafe(server.stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


@pytest.fixture
def wire(small_estate: dict[str, Any]) -> Iterator[Wire]:
    wire = Wire(small_estate)
    yield wire
    wire.close()


@pytest.fixture(params=["direct", "wire"])
def hypervisor(request: pytest.FixtureRequest) -> HyperVHost:
    if request.param == "direct":
        lane = request.getfixturevalue("lane_to")("hv-osaka-1")
    else:
        lane = request.getfixturevalue("wire").lane("hv-osaka-1")
    return HyperVHost(name="hv-osaka-1", lane=lane)


@pytest.fixture(params=["direct", "wire"])
def manager(request: pytest.FixtureRequest) -> VmmServer:
    if request.param == "direct":
        lane = request.getfixturevalue("lane_to")("vmm-osaka")
    else:
        lane = request.getfixturevalue("wire").lane("vmm-osaka")
    return VmmServer(name="vmm-osaka", lane=lane)


TEST_VM = "sql01 - Test"
ACTIONS: dict[str, tuple[str, Callable[[Hypervisor, str], Any]]] = {
    "start_test_failovers": (
        "sql01",
        lambda host, vm: host.start_test_failovers(
            [TestFailoverRequest(vm=vm, mark="run-1")], timeout_s=LIMIT_S
        ),
    ),
    "connect": (
        TEST_VM,
        lambda host, vm: host.connect(
            [ConnectRequest(vm=vm, switch="vs-test", vlan=290)], timeout_s=LIMIT_S
        ),
    ),
    "start_vms": (TEST_VM, lambda host, vm: host.start_vms([vm], timeout_s=LIMIT_S)),
    "stop_vms": (
        TEST_VM,
        lambda host, vm: host.stop_vms([vm], turn_off=True, timeout_s=LIMIT_S),
    ),
    "end_test_failovers": (
        "sql01",
        lambda host, vm: host.end_test_failovers([TestCleanupRequest(vm=vm)], timeout_s=LIMIT_S),
    ),
}


def test_the_connectors_fulfil_their_protocols(lane_to: Any) -> None:
    host: Hypervisor = HyperVHost(name="h", lane=lane_to("hv-osaka-1"))
    server: VmManager = VmmServer(name="v", lane=lane_to("vmm-osaka"))

    assert host is not None
    assert server is not None


def test_every_action_converges_and_its_evidence_is_plain_json(hypervisor: HyperVHost) -> None:
    for name, (vm, act) in ACTIONS.items():
        first, again = act(hypervisor, vm)[vm], act(hypervisor, vm)[vm]

        assert isinstance(first, ActionResult), (name, first)
        assert isinstance(again, ActionResult), (name, again)
        assert (first.changed, again.changed) == (True, False), name
        assert json.loads(json.dumps(first.evidence)) == first.evidence


@pytest.mark.parametrize("name", ACTIONS)
def test_an_unknown_vm_is_named_with_host_and_next_step(hypervisor: HyperVHost, name: str) -> None:
    outcome = ACTIONS[name][1](hypervisor, "no such vm")["no such vm"]

    assert isinstance(outcome, NotFoundError)
    assert (outcome.vm, outcome.host) == ("no such vm", "hv-osaka-1")
    assert "no such vm on hv-osaka-1" in outcome.message
    assert outcome.next_step


def test_a_boot_can_be_followed(hypervisor: HyperVHost) -> None:
    for name in ("start_test_failovers", "connect", "start_vms"):
        vm, act = ACTIONS[name]
        act(hypervisor, vm)
    seen: VmObservation | None = None

    for _ in range(10):
        found = hypervisor.observe(
            {TEST_VM: seen}, wait_s=60, timeout_s=LIMIT_S + 30, interval_s=0.1
        )[TEST_VM]
        assert isinstance(found, VmObservation)
        seen = found
        if seen.addresses:
            break

    assert seen is not None
    assert seen.has_heartbeat
    assert seen.addresses[0].startswith("10.2.0.1")


def test_survey_and_inventory_agree(request: pytest.FixtureRequest, hypervisor: HyperVHost) -> None:
    survey = hypervisor.survey(timeout_s=LIMIT_S)

    assert json.dumps(asdict(survey))
    assert {vm.name for vm in survey.vms} >= {"sql01", "sql02"}


def test_the_manager_answers(manager: VmmServer) -> None:
    inventory = manager.inventory(timeout_s=LIMIT_S)
    vm = next(vm for vm in inventory.vms if vm.name == "sql01")

    assert manager.addresses([vm.id], timeout_s=LIMIT_S) == {vm.id: ()}
    assert manager.run_script(
        'param($A) "got $A"', arguments={"A": "ü 'x'"}, context={}, timeout_s=LIMIT_S
    ).evidence["output"] == ["got ü 'x'"]
    assert manager.run_script("exit 0", arguments={}, context={}, timeout_s=LIMIT_S).changed
    with pytest.raises(SiteError, match="exit code 3"):
        manager.run_script("exit 3", arguments={}, context={}, timeout_s=LIMIT_S)


@pytest.mark.parametrize(
    ("kind", "action"),
    [("lose-reply", "Send"), ("lose-reply", "Receive"), ("lose-output", "Receive")],
)
def test_a_lost_reply_of_a_test_failover_is_survived_without_a_second_one(
    wire: Wire, kind: str, action: str
) -> None:
    host = HyperVHost(name="hv-osaka-1", lane=wire.lane("hv-osaka-1"))
    host.survey(timeout_s=LIMIT_S)
    wire.faults.add(Fault.model_validate({"kind": kind, "action": action, "times": 1}))

    outcome = ACTIONS["start_test_failovers"][1](host, "sql01")["sql01"]

    assert isinstance(outcome, ActionResult)
    assert outcome.changed
    assert wire.test_vms() == [TEST_VM]


def test_after_an_unknown_outcome_the_next_try_finds_its_own_test_vm(wire: Wire) -> None:
    host = HyperVHost(name="hv-osaka-1", lane=wire.lane("hv-osaka-1"))
    host.survey(timeout_s=LIMIT_S)
    wire.faults.add(Fault.model_validate({"kind": "kill-process-after", "times": 1}))
    act = ACTIONS["start_test_failovers"][1]

    with pytest.raises(UnknownOutcomeError):
        act(host, "sql01")
    outcome = act(host, "sql01")["sql01"]

    assert isinstance(outcome, ActionResult)
    assert not outcome.changed
    assert wire.test_vms() == [TEST_VM]


def test_a_warm_call_for_many_vms_costs_two_http_requests(wire: Wire) -> None:
    lane = wire.lane("hv-osaka-1")
    host = HyperVHost(name="hv-osaka-1", lane=lane)
    host.survey(timeout_s=LIMIT_S)
    before = lane.requests_count

    host.start_test_failovers(
        [TestFailoverRequest(vm=vm) for vm in ("sql01", "sql02", "web [1]")], timeout_s=LIMIT_S
    )

    assert lane.requests_count - before == 2
