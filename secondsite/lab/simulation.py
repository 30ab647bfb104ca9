"""A whole lab in one event loop: world, WinRM servers, DNS servers, guests, control channel."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from datetime import timedelta
from typing import Any

import psutil
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from secondsite.errors import UsageError
from secondsite.lab.builder import build_world
from secondsite.lab.building_networks import subnets_by_name
from secondsite.lab.cmdlets import host_registry
from secondsite.lab.computers import KINDS, make_computers
from secondsite.lab.control import ControlServer
from secondsite.lab.endpoints import LabFolder
from secondsite.lab.estate import LabEstate
from secondsite.lab.events import EventLog
from secondsite.lab.faults import Fault, Faults
from secondsite.lab.listeners import GuestListeners
from secondsite.lab.masquerade import Masquerade, claim_masquerade
from secondsite.lab.nameservers import NameServers
from secondsite.lab.passwords import make_secrets
from secondsite.lab.snapshot import snapshot
from secondsite.lab.world import LabClock, World, move_vm
from secondsite.lab.world.refusal import LabRefusal
from secondsite.lab.wsman import Certificate, WsmanServer
from secondsite.plan.wording import say

__all__ = ["Simulation"]

_FOLLOW_INTERVAL_S = 0.02
_LOOPBACK = "127.0.0.1"


class Simulation:
    """A lab from `start` to `stop`."""

    def __init__(self, estate: LabEstate, folder: LabFolder) -> None:
        self.estate = estate
        self.folder = folder
        self.stopping = asyncio.Event()
        folder.make()
        self.events = EventLog(folder.log)
        self.faults = Faults(log=self.events.fault)
        self.world: World = build_world(
            estate,
            clock=LabClock(scale=estate.scale),
            faults=self.faults,
            record=self.events.write,
        )
        self.events.site_of = self.world.site_of
        self._masquerade: Masquerade | None = None
        self._computers: dict[str, WsmanServer] = {}
        self._nameservers: NameServers | None = None
        self._listeners: GuestListeners | None = None
        self._control: ControlServer | None = None
        self._following: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()

    async def start(self) -> None:
        """Bring everything up; afterwards all of it answers, and `endpoints.json` says where.

        Raises:
            UnreachableError: this machine has no loopback addresses left.
            OSError: a port cannot be bound.
        """
        socket_path = self.folder.new_socket_path()
        self._control = ControlServer(socket_path, self.answer)
        await self._control.start()
        self.folder.write(
            self.folder.process,
            {
                "pid": os.getpid(),
                "started_at_s": psutil.Process().create_time(),
                "socket": str(socket_path),
                "lab": self.estate.name,
            },
        )
        made = make_secrets(self.estate, self.folder.secrets)
        self.world.may_log_on = made.is_account_of(self.estate)
        ca, certificates = self._certificates()
        self._nameservers = NameServers(
            self.estate, secrets=made.keys, events=self.events, faults=self.faults
        )
        for name, site in self._nameservers.sites.items():
            self.world.other_servers[name.casefold()] = site
        self._computers = make_computers(
            self.world,
            self.estate,
            passwords=made.passwords,
            registries={kind: host_registry(kind) for kind in KINDS},
            events=self.events,
            certificates=certificates,
            nameservers=self._nameservers.windows,
        )
        for computer in self._computers.values():
            await computer.start()
        await self._nameservers.start(
            lag_s=self.world.clock.scaled_s(self.estate.dns.secondary_lag)
        )
        self._masquerade = claim_masquerade(subnets_by_name(self.world))
        self._listeners = GuestListeners(self.world, self._masquerade)
        await self._listeners.follow()
        loop = asyncio.get_running_loop()

        def wake() -> None:
            with suppress(RuntimeError):  # the loop is closed: nobody follows any more
                loop.call_soon_threadsafe(self._wake.set)

        self.world.watch(wake)
        self._following = asyncio.create_task(self._follow())
        self.folder.write(self.folder.endpoints, self._endpoints(ca))

    async def stop(self) -> None:
        """Take everything down again; nothing is left but the log."""
        self.folder.endpoints.unlink(missing_ok=True)
        if self._following is not None:
            self._following.cancel()
            with suppress(asyncio.CancelledError):
                await self._following
        if self._listeners is not None:
            self._listeners.close()
        await asyncio.gather(*(computer.stop() for computer in self._computers.values()))
        if self._nameservers is not None:
            await self._nameservers.stop()
        if self._masquerade is not None:
            self._masquerade.release()
        if self._control is not None:
            self._control.stop()
            self.folder.remove_socket(self._control.path)
        self.events.close()
        self.folder.forget()

    def answer(self, request: dict[str, Any]) -> Any:
        """Carry out one request of the control channel.

        Raises:
            UsageError: the request is not understood, or names what there is not.
        """
        match request:
            case {"do": "ping"}:
                return {"lab": self.estate.name, "pid": os.getpid()}
            case {"do": "state"}:
                stable = bool(request.get("stable"))
                zones = self._nameservers.snapshot(stable=stable) if self._nameservers else {}
                return {
                    **snapshot(self.world, dns=zones, stable=stable),
                    "faults": [fault.model_dump(mode="json") for fault in self.faults.list()],
                }
            case {"do": "log"}:
                text, offset = self.events.read(offset=int(request.get("offset", 0)))
                return {"text": text, "offset": offset}
            case {"do": "break", "fault": dict(written)}:
                return self._break(written)
            case {"do": "move", "vm": str(vm), "host": str(host)}:
                return self._move(vm, host)
            case {"do": "mend"}:
                return self._mend(request.get("id"))
            case {"do": "down"}:
                self.stopping.set()
                return {"lab": self.estate.name, "pid": os.getpid()}
            case _:
                raise UsageError(f"The lab does not know the request {request.get('do')!r}.")

    def _break(self, written: dict[str, Any]) -> dict[str, Any]:
        try:
            fault = self.faults.add(Fault.model_validate(written))
        except ValidationError as error:
            raise UsageError(
                f"Not a fault: {'; '.join(_wording(each) for each in error.errors())}."
            ) from error
        except ValueError as error:
            raise UsageError(f"{error}.") from error
        self._tell("break", fault.model_dump(mode="json", exclude_defaults=True))
        return fault.model_dump(mode="json")

    def _move(self, vm: str, host: str) -> dict[str, str]:
        try:
            return {"vm": vm, "host": move_vm(self.world, vm, host).name}
        except LabRefusal as refusal:
            raise UsageError(
                f"{refusal.message}", next_step="secondsite lab state shows what is where."
            ) from refusal

    def _mend(self, fault_id: str | None) -> list[str]:
        ids = [fault.id for fault in self.faults.list()]
        if fault_id is not None:
            if fault_id not in ids:
                raise UsageError(
                    f"No fault {fault_id!r} is armed.",
                    next_step=f"Armed: {', '.join(ids) or 'none'}",
                )
            ids = [fault_id]
        for each in ids:
            self.faults.remove(each)
            self._tell("mend", {"id": each})
        return ids

    def _tell(self, verb: str, detail: dict[str, Any]) -> None:
        self.events.write({"kind": "fault", "detail": {"event": verb, **detail}})

    def _certificates(self) -> tuple[str | None, dict[str, Certificate]]:
        if not self.estate.https:
            return None, {}
        from secondsite.lab.certificates import make_certificates  # noqa: PLC0415 - slow to import

        servers = {
            host.name: host.certificate_valid
            for site in self.estate.sites.values()
            for host in site.hosts
        }
        servers |= {site.vmm.name: timedelta(days=90) for site in self.estate.sites.values()}
        ca, certificates = make_certificates(servers, self.folder.certificates)
        return str(ca), certificates

    def _endpoints(self, ca: str | None) -> dict[str, Any]:
        return {
            "lab": self.estate.name,
            "pid": os.getpid(),
            "servers": {
                name: {
                    "address": _LOOPBACK,
                    "port": computer.port,
                    "https": self.estate.https,
                    "transport": self.estate.transports[0],
                    **({"ca": ca} if ca else {}),
                }
                for name, computer in self._computers.items()
            },
            "dns": {
                name: {"address": _LOOPBACK, "port": port}
                for name, port in (self._nameservers.ports if self._nameservers else {}).items()
            },
            "masquerade": self._masquerade.as_dict() if self._masquerade else {},
        }

    async def _follow(self) -> None:
        """Let happen what is due, when it is due, and keep the guests' listeners up to date."""
        assert self._listeners is not None  # noqa: S101 - `start` made it
        seen = -1
        while True:
            self._wake.clear()
            with self.world.settled() as now:
                due = self.world.timetable.next_due
                reachability = self.world.reachability
            if reachability != seen:
                seen = reachability
                await self._listeners.follow()
            wait_s = max(0.0, (due - now).total_seconds()) if due else None
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), wait_s)
            await asyncio.sleep(_FOLLOW_INTERVAL_S)


def _wording(error: ErrorDetails) -> str:
    """What is wrong with a fault that somebody asked for, and what to write instead."""
    place = ".".join(str(part) for part in error["loc"])
    wrong, instead = say(
        error["type"], value=error["input"], context=error.get("ctx", {}), path=error["loc"]
    )
    return f"{place}: {wrong}{f': write {instead}' if instead else ''}"
