"""A session on a simulated computer with a few made-up cmdlets of the Hyper-V module."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from secondsite.lab.powershell.registry import CmdletCall, CmdletError, CmdletRegistry
from secondsite.lab.powershell.runspace import Runspace
from secondsite.lab.powershell.values import ErrorRecord, Int64, PsEnum, PsObject, ps_object

STATES = {"Running": 2, "Off": 3}
VM_TYPE = "Microsoft.HyperV.PowerShell.VirtualMachine"


class StandingClock:
    """Three in the morning, until somebody sleeps."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 3, 1, 3, 0, 0, 123456, tzinfo=UTC)
        self.slept_s: list[float] = []

    def now(self) -> datetime:
        return self.moment

    def sleep(self, seconds: float, interrupt: threading.Event) -> None:
        self.slept_s.append(seconds)
        self.moment += timedelta(seconds=seconds)


class Lines:
    """Standard input from a list."""

    def __init__(self, *lines: str) -> None:
        self.lines = list(lines)

    def read_line(self, interrupt: threading.Event) -> str | None:
        return self.lines.pop(0) if self.lines else None


class Text:
    """Standard output into a string."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str, /) -> None:
        self.text += text.replace("\r\n", "\n")


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str


@dataclass
class Machines:
    """The computer: VMs by name, and what was done to them."""

    states: dict[str, str] = field(default_factory=lambda: {"sql01": "Off", "web01": "Running"})
    done: list[str] = field(default_factory=list)


def machine(name: str, state: str) -> PsObject:
    return ps_object(
        VM_TYPE,
        aliases={"VMName": "Name"},
        text=f"VirtualMachine (Name = '{name}')",
        Name=name,
        State=PsEnum("Microsoft.HyperV.PowerShell.VMState", state, STATES[state]),
        MemoryAssigned=Int64(1024),
    )


def _names(call: CmdletCall, parameter: str) -> list[str]:
    given = call.get(parameter)
    if isinstance(given, list):
        return [str(each) for each in given]
    found = call.get("VM")
    assert isinstance(found, list)
    return [each.get("Name") for each in found]


def not_found(name: str) -> ErrorRecord:
    return ErrorRecord(
        "Microsoft.HyperV.PowerShell.VirtualizationException",
        f'Hyper-V was unable to find a virtual machine with name "{name}".',
        "InvalidParameter,Microsoft.HyperV.PowerShell.Commands.GetVM",
        "InvalidArgument",
        name,
    )


def make_registry() -> CmdletRegistry:
    registry = CmdletRegistry()

    @registry.cmdlet("Get-VM", module="Hyper-V")
    def get_vm(call: CmdletCall) -> Iterator[object]:
        host = call.host
        assert isinstance(host, Machines)
        wanted = call.get("Name")
        names = wanted if isinstance(wanted, list) else list(host.states)
        for name in names:
            if name in host.states:
                yield machine(name, host.states[name])
            else:
                call.write_error(not_found(name))

    @registry.cmdlet("Start-VM", module="Hyper-V")
    def start_vm(call: CmdletCall) -> Iterator[object]:
        host = call.host
        assert isinstance(host, Machines)
        for name in _names(call, "Name"):
            if name not in host.states:
                raise CmdletError(not_found(name))
            host.states[name] = "Running"
            host.done.append(f"start {name}")
            if call.switch("Passthru"):
                yield machine(name, "Running")

    @registry.cmdlet("Start-VMFailover", module="Hyper-V", confirms=True)
    def start_failover(call: CmdletCall) -> None:
        host = call.host
        assert isinstance(host, Machines)
        host.done.append(f"failover {_names(call, 'VMName')[0]} {call.parameter_set}")

    @registry.cmdlet("Get-VMReplication", module="Hyper-V")
    def get_replication(call: CmdletCall) -> Iterator[object]:
        host = call.host
        assert isinstance(host, Machines)
        state = str(call.get("ReplicationState", "Replicating"))
        for name in call.get("VMName") or sorted(host.states):  # type: ignore[attr-defined]
            yield ps_object(
                "Microsoft.HyperV.PowerShell.VMReplication",
                aliases={"State": "ReplicationState", "Name": "VMName"},
                VMName=name,
                ReplicationState=PsEnum("Microsoft.HyperV.PowerShell.VMReplicationState", state, 4),
            )

    return registry


class Session:
    """Scripts in, what came out."""

    def __init__(self, *lines: str, **options: object) -> None:
        self.machines = Machines()
        self.clock = StandingClock()
        self.calls: list[tuple[str, Mapping[str, object]]] = []
        self.out, self.err = Text(), Text()
        options.setdefault("on_cmdlet", lambda name, given: self.calls.append((name, dict(given))))
        self.runspace = Runspace(
            make_registry(),
            self.machines,
            self.clock,
            Lines(*lines),
            self.out,
            self.err,
            computer_name="HV1",
            **options,  # type: ignore[arg-type]
        )

    def run(self, script: str) -> Result:
        self.out.text = self.err.text = ""
        code = self.runspace.run(script)
        return Result(code, self.out.text, self.err.text)


@pytest.fixture
def session() -> Session:
    return Session()


@pytest.fixture
def make_session() -> Callable[..., Session]:
    return Session


@pytest.fixture
def run(session: Session) -> Callable[[str], Result]:
    return session.run


@pytest.fixture
def output(session: Session) -> Callable[[str], str]:
    """The output of a script that must not report any error."""

    def check(script: str) -> str:
        result = session.run(script)
        assert result.err == ""
        return result.out

    return check
