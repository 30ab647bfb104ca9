"""Simulated Windows computers: WinRM in front, PowerShell inside, the world behind the cmdlets."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from secondsite.lab.cmdlets import ServerKind, vm_of
from secondsite.lab.dns.windows import WindowsDns
from secondsite.lab.estate import LabEstate
from secondsite.lab.events import EventLog
from secondsite.lab.faults import FaultKind, Faults
from secondsite.lab.powershell.clock import RealClock
from secondsite.lab.powershell.process import PowerShellProcess
from secondsite.lab.powershell.registry import CmdletError, CmdletRegistry
from secondsite.lab.powershell.values import ErrorRecord, PsEnum, PsObject
from secondsite.lab.world import HyperVHost, LabClock, VmmServer, World
from secondsite.lab.wsman import (
    Certificate,
    HostProcess,
    ProcessFactory,
    ShellInfo,
    WsmanServer,
)

__all__ = ["KINDS", "CmdletGate", "PowerShellTiming", "make_computers"]

KINDS: tuple[ServerKind, ...] = ("hyper-v", "vmm", "dns")
_TEXT_LIMIT = 200


@dataclass(frozen=True, slots=True)
class PowerShellTiming:
    """Start-up and import times of one computer, in real seconds; faults make imports slower."""

    estate: LabEstate
    clock: LabClock
    faults: Faults
    host: str

    @property
    def process_start_s(self) -> float:
        """From the start of powershell.exe to the first statement."""
        return self.clock.scaled_s(self.estate.powershell.process_start)

    @property
    def module_import_s(self) -> Mapping[str, float]:
        """First import of a module, by module."""
        slow = self.faults.matches(FaultKind.SLOW_MODULE_IMPORT, host=self.host)
        extra_s = slow.seconds if slow else 0.0
        return {
            module: self.clock.scaled_s(duration) + extra_s
            for module, duration in self.estate.powershell.module_import.items()
        }


class CmdletGate:
    """Sees every cmdlet of one process before it runs: logs it, and injects what is armed."""

    def __init__(
        self, *, host: str, shell_id: str, events: EventLog, faults: Faults, clock: RealClock
    ) -> None:
        self.interrupt = threading.Event()
        self._host = host
        self._shell_id = shell_id
        self._events = events
        self._faults = faults
        self._clock = clock

    def __call__(self, name: str, parameters: Mapping[str, object]) -> None:
        """Before cmdlet `name` runs.

        Raises:
            CmdletError: a fault says that it fails.
        """
        vm = vm_of(parameters)
        self._events.request(host=self._host, cmdlet=name, vm=vm, detail=_plain(parameters))
        facts = {"host": self._host, "cmdlet": name, "vm": vm}
        slow = self._faults.matches(FaultKind.SLOW_CMDLET, **facts)
        if slow is not None:
            self._clock.sleep(slow.seconds, self.interrupt)
        if self._faults.matches(FaultKind.HUNG_CMDLET, **facts) is not None:
            self.interrupt.wait()
        fails = self._faults.matches(FaultKind.CMDLET_FAILS, **facts)
        if fails is not None:
            verb, _, noun = name.partition("-")
            raise CmdletError(
                ErrorRecord(
                    exception_type="Microsoft.HyperV.PowerShell.VirtualizationException",
                    message=fails.text or f"{name} failed: the lab was told to let it fail.",
                    fully_qualified_id=(
                        f"OperationFailed,Microsoft.HyperV.PowerShell.Commands.{verb}{noun}"
                    ),
                    category="NotSpecified",
                    target=vm,
                )
            )
        for each in vm.split(", "):
            self._faults.note_cmdlet(**{**facts, "vm": each}, shell_id=self._shell_id)


class _Process(PowerShellProcess):
    """A PowerShell process whose end also ends what its gate makes it wait for."""

    def __init__(self, command_line: str, *, gate: CmdletGate, **rest: Any) -> None:
        self._gate = gate
        super().__init__(command_line, on_cmdlet=gate, **rest)

    def terminate(self) -> None:
        """Kill it."""
        self._gate.interrupt.set()
        super().terminate()


def make_computers(
    world: World,
    estate: LabEstate,
    *,
    passwords: Mapping[str, str],
    registries: Mapping[ServerKind, CmdletRegistry],
    events: EventLog,
    certificates: Mapping[str, Certificate],
    nameservers: Mapping[str, Sequence[WindowsDns]],
) -> dict[str, WsmanServer]:
    """A WinRM server (not started yet) for every VMM, Hyper-V and DNS server, by name.

    Args:
        world: The simulated world.
        estate: What it was built from.
        passwords: By credential name.
        registries: The cmdlets of a computer, by kind.
        events: The lab's log.
        certificates: For https, by server; a server without one speaks http.
        nameservers: The DNS servers of each site, which are Windows servers too.
    """
    servers: dict[str, WsmanServer] = {}
    for name, site in world.sites.items():
        credential = estate.sites[name].credential
        account = {estate.credentials[credential].username: passwords[credential]}
        computers: list[tuple[ServerKind, HyperVHost | VmmServer | WindowsDns]] = [
            ("vmm", site.vmm),
            *(("hyper-v", host) for host in site.hosts.values()),
            *(("dns", server) for server in nameservers.get(name, ())),
        ]
        for kind, computer in computers:
            servers[computer.name] = WsmanServer(
                name=computer.name,
                credentials=account,
                process_factory=_factory(
                    computer, registries[kind], world=world, estate=estate, events=events
                ),
                auth=estate.transports,
                certificate=certificates.get(computer.name),
                faults=world.faults,
                log=_wsman_log(events),
            )
    return servers


def _factory(
    computer: HyperVHost | VmmServer | WindowsDns,
    registry: CmdletRegistry,
    *,
    world: World,
    estate: LabEstate,
    events: EventLog,
) -> ProcessFactory:
    clock = RealClock()
    timing = PowerShellTiming(estate, world.clock, world.faults, computer.name)

    def start(command_line: str, shell: ShellInfo) -> HostProcess:
        gate = CmdletGate(
            host=computer.name,
            shell_id=shell.shell_id,
            events=events,
            faults=world.faults,
            clock=clock,
        )
        return _Process(
            command_line,
            gate=gate,
            registry=registry,
            host=computer,
            clock=clock,
            timing=timing,
            computer_name=computer.name.upper(),
            environment=dict(shell.environment),
        )

    return start


def _wsman_log(events: EventLog) -> Callable[[dict[str, Any]], None]:
    def log(entry: dict[str, Any]) -> None:
        facts = dict(entry)
        facts.pop("kind", None)
        events.write(
            {
                "kind": "request",
                "host": facts.pop("host", ""),
                "wsman": facts.pop("action", "refused"),
                "detail": facts,
            }
        )

    return log


def _name(value: object) -> str:
    if isinstance(value, PsObject):
        return str(value.get("VMName") or value.get("Name") or value.type_name)
    return str(value)


def _plain(parameters: Mapping[str, object]) -> dict[str, object]:
    """Parameters as JSON values, without anything that might be secret."""
    return {
        key: _plain_value(value)
        for key, value in parameters.items()
        if not any(word in key.casefold() for word in ("password", "credential", "secret"))
    }


def _plain_value(value: object) -> object:
    match value:
        case None | bool() | int() | float():
            return value
        case list() | tuple():
            return [_plain_value(item) for item in value]
        case PsObject():
            return _name(value)
        case PsEnum():
            return value.name
        case _:
            return str(value)[:_TEXT_LIMIT]
