"""Faults that the lab injects: what is meant, when it applies, and the record that it did.

A fault is data (it comes from the lab's YAML or from `secondsite lab break`); the parts of the
lab ask `Faults.matches(kind, …)` at the places where reality could go wrong. This module knows
no server and no cmdlet. The families are those of the WinRM notes, section 6.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Fault", "FaultKind", "Faults", "Injection"]

Seconds = Annotated[float, Field(ge=0)]


class FaultKind(StrEnum):
    """What goes wrong. The first line of each group says who notices."""

    # The listener: no request is read.
    HOST_REFUSES = "host-refuses"  # connections are refused, existing ones are reset
    HOST_SILENT = "host-silent"  # connections are accepted and never answered
    PARTITION = "partition"  # the same for every server of a site
    # One WSMan request (selected by `action`).
    STALL = "stall"  # read, not executed, never answered
    RESET_BEFORE = "reset-before"  # connection reset before the request is executed
    LOSE_REPLY = "lose-reply"  # executed, then the connection is reset without a reply
    STALL_AFTER = "stall-after"  # executed, never answered
    HALF_BODY = "half-body"  # executed; half of the reply arrives, then a reset
    SLOW_REPLY = "slow-reply"  # executed; the reply comes `seconds` later
    HTTP_STATUS = "http-status"  # not executed; answered with `status` and no body
    WSMAN_FAULT = "wsman-fault"  # not executed; answered with WSMan fault `code`
    WSMAN_FAULT_AFTER = "wsman-fault-after"  # executed; answered with WSMan fault `code`
    DUPLICATE_INPUT = "duplicate-input"  # what a Send carries reaches the process twice
    LOSE_OUTPUT = "lose-output"  # a Receive takes output from the process and delivers none of it
    TRUNCATE_OUTPUT = "truncate-output"  # likewise, but the first half is delivered
    DUPLICATE_OUTPUT = "duplicate-output"  # a Receive delivers the same output twice
    NOISE = "noise"  # `text` appears on stdout before what the process wrote
    # The process and its shell.
    KILL_PROCESS = "kill-process"  # the process dies as a Send arrives, before reading it
    KILL_PROCESS_AFTER = "kill-process-after"  # it dies when it has answered, before it is heard
    DROP_SHELL = "drop-shell"  # the shell is gone when it is next used
    # PowerShell (asked for by whoever runs the cmdlets).
    SLOW_MODULE_IMPORT = "slow-module-import"
    SLOW_CMDLET = "slow-cmdlet"
    HUNG_CMDLET = "hung-cmdlet"
    CMDLET_FAILS = "cmdlet-fails"
    # A DNS server (see `secondsite.lab.dns.faults`).
    DNS_REFUSES = "dns-refuses"
    DNS_DROPS_REPLY = "dns-drops-reply"
    DNS_ECHOES_MAC = "dns-echoes-mac"
    DNS_STALE = "dns-stale"
    DNS_SILENT = "dns-silent"
    DNS_BREAKS_DISK = "dns-breaks-disk"
    # The simulated world.
    VM_NEVER_BOOTS = "vm-never-boots"
    VM_SLOW_BOOT = "vm-slow-boot"
    HEARTBEAT_LOST = "heartbeat-lost"
    STALE_ADDRESS = "stale-address"  # the guest's services report `text` beside its addresses
    VMM_STALE_ADDRESS = "vmm-stale-address"  # VMM shows `text` as the VM's only address


_WIRE_KINDS = frozenset(
    {
        FaultKind.LOSE_REPLY,
        FaultKind.STALL_AFTER,
        FaultKind.HALF_BODY,
        FaultKind.SLOW_REPLY,
        FaultKind.WSMAN_FAULT_AFTER,
        FaultKind.LOSE_OUTPUT,
        FaultKind.TRUNCATE_OUTPUT,
        FaultKind.DUPLICATE_OUTPUT,
        FaultKind.NOISE,
        FaultKind.KILL_PROCESS_AFTER,
    }
)
"""Kinds that befall a reply. With a cmdlet or a VM as selector they wait until that cmdlet has run
(`Faults.note_cmdlet`) and befall the reply that would have told of it."""

_LASTING = frozenset(
    {
        FaultKind.HOST_REFUSES,
        FaultKind.HOST_SILENT,
        FaultKind.PARTITION,
        FaultKind.SLOW_MODULE_IMPORT,
        FaultKind.DNS_REFUSES,
        FaultKind.DNS_ECHOES_MAC,
        FaultKind.DNS_STALE,
        FaultKind.DNS_SILENT,
        FaultKind.DNS_BREAKS_DISK,
        FaultKind.VM_NEVER_BOOTS,
        FaultKind.VM_SLOW_BOOT,
        FaultKind.HEARTBEAT_LOST,
        FaultKind.STALE_ADDRESS,
        FaultKind.VMM_STALE_ADDRESS,
    }
)
"""Kinds that are a condition, not an event: they last until they are mended."""


class Fault(BaseModel):
    """One fault and where it applies. A selector that is None matches everything.

    Attributes:
        id: Given by `Faults.add` if empty; `lab mend` names it.
        action: WSMan action: Create, Command, Send, Receive, Signal, Delete.
        cmdlet: Name of a cmdlet.
        nth: Applies from the n-th match on (1-based); None: from the first.
        times: How many matches it applies to; None: one for an event, all for a condition.
        probability: Chance that a match counts, drawn from a generator seeded with `seed`.
        seconds: How long, for slow kinds.
        status: HTTP status for `http-status`.
        code: WSMan fault code for `wsman-fault` and `wsman-fault-after`.
        text: Error message, noise or address, where a kind takes one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: FaultKind
    id: str = ""
    host: str | None = None
    site: str | None = None
    action: str | None = None
    cmdlet: str | None = None
    vm: str | None = None
    nth: Annotated[int, Field(ge=1)] | None = None
    times: Annotated[int, Field(ge=1)] | None = None
    probability: Annotated[float, Field(gt=0, le=1)] = 1.0
    seed: int = 0
    seconds: Seconds = 30.0
    status: Annotated[int, Field(ge=400, le=599)] = 503
    code: Annotated[int, Field(ge=1, lt=2**32)] = 995
    text: str = ""

    @property
    def limit(self) -> int | None:
        """How many matches it applies to; None without limit."""
        return self.times or (None if self.kind in _LASTING else 1)

    @property
    def waits_for_cmdlet(self) -> bool:
        """Whether it befalls the reply of a certain cmdlet."""
        return self.kind in _WIRE_KINDS and (self.cmdlet is not None or self.vm is not None)

    def selects(self, facts: Mapping[str, str]) -> bool:
        """Whether every selector that is set agrees with `facts` (without case).

        A fact about a VM may name several, separated by commas; a test VM answers to the name of
        its replica, too.
        """
        names = ("host", "site", "action", "cmdlet")
        for name in names[:3] if self.waits_for_cmdlet else names:
            wanted = getattr(self, name)
            if wanted is None and name == "action" and self.waits_for_cmdlet:
                wanted = "Receive"  # what tells of a cmdlet is its output
            if wanted is not None and facts.get(name, "").casefold() != wanted.casefold():
                return False
        if self.vm is None or self.waits_for_cmdlet:
            return True
        vms = facts.get("vm", "").casefold().split(", ")
        return self.vm.casefold() in (*vms, *(vm.removesuffix(" - test") for vm in vms))


@dataclass(frozen=True, slots=True, kw_only=True)
class Injection:
    """That a fault was injected: what the lab's log shows."""

    fault: Fault
    facts: Mapping[str, str]

    def as_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {
            "kind": "fault",
            "fault": self.fault.kind.value,
            "id": self.fault.id,
            **{name: value for name, value in self.facts.items() if value},
        }


@dataclass(slots=True)
class _Armed:
    """A fault with its counters."""

    fault: Fault
    chance: random.Random
    primed: set[tuple[str, str]] = field(default_factory=set)
    seen_count: int = 0
    applied_count: int = 0

    def prime(self, facts: Mapping[str, str]) -> None:
        """A cmdlet ran; if it is the one meant, the next reply of its shell is the one."""
        meant = (("cmdlet", self.fault.cmdlet), ("vm", self.fault.vm), ("host", self.fault.host))
        if all(not want or facts[name].casefold() == want.casefold() for name, want in meant):
            self.primed.add((facts["host"].casefold(), facts["shell"]))

    def is_primed(self, facts: Mapping[str, str]) -> bool:
        """Whether the cmdlet meant has run; it is then no longer waited for."""
        if not self.fault.waits_for_cmdlet:
            return True
        host = facts["host"].casefold()
        found = self.primed & {(host, facts["shell"]), (host, "")}
        self.primed -= found
        return bool(found)

    def applies(self, facts: Mapping[str, str]) -> bool:
        """Count one match; whether the fault applies to it."""
        if not self.is_primed(facts):
            return False
        if self.fault.limit is not None and self.applied_count >= self.fault.limit:
            return False
        if self.fault.probability < 1 and self.chance.random() >= self.fault.probability:
            return False
        self.seen_count += 1
        if self.seen_count < (self.fault.nth or 1):
            return False
        self.applied_count += 1
        return True


@dataclass(slots=True)
class Faults:
    """The faults of one lab. Safe to use from any thread.

    Attributes:
        log: Gets every injection as a dict.
        site_of: The site of a host, so that a fault may name a site.
    """

    log: Callable[[dict[str, Any]], None] = field(default=lambda _: None)
    site_of: Callable[[str], str] = field(default=lambda _: "")
    _armed: list[_Armed] = field(default_factory=list)
    _watchers: list[Callable[[], None]] = field(default_factory=list)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _added_count: int = 0

    def add(self, fault: Fault) -> Fault:
        """Arm `fault`; returns it with its id.

        Raises:
            ValueError: a fault of that id is armed already.
        """
        with self._lock:
            self._added_count += 1
            if not fault.id:
                fault = fault.model_copy(update={"id": f"{fault.kind}-{self._added_count}"})
            if any(armed.fault.id == fault.id for armed in self._armed):
                raise ValueError(f"a fault with id {fault.id!r} is armed already")
            chance = random.Random(fault.seed)  # noqa: S311 - repeatable, not secret
            self._armed.append(_Armed(fault, chance))
        self._notify()
        return fault

    def add_all(self, faults: Iterable[Fault]) -> None:
        """Arm each."""
        for fault in faults:
            self.add(fault)

    def remove(self, fault_id: str) -> bool:
        """Mend the fault of that id; whether there was one."""
        with self._lock:
            left = [armed for armed in self._armed if armed.fault.id != fault_id]
            found = len(left) < len(self._armed)
            self._armed = left
        self._notify()
        return found

    def clear(self) -> None:
        """Mend everything."""
        with self._lock:
            self._armed = []
        self._notify()

    def list(self) -> list[Fault]:
        """What is armed, in the order it was added (spent ones included)."""
        with self._lock:
            return [armed.fault for armed in self._armed]

    def watch(self, changed: Callable[[], None]) -> Callable[[], None]:
        """Have `changed` called after each change; returns what ends that."""
        with self._lock:
            self._watchers.append(changed)

        def unwatch() -> None:
            with self._lock:
                if changed in self._watchers:
                    self._watchers.remove(changed)

        return unwatch

    def matches(
        self,
        kind: FaultKind | str,
        *,
        host: str = "",
        site: str = "",
        action: str = "",
        cmdlet: str = "",
        vm: str = "",
        shell_id: str = "",
    ) -> Fault | None:
        """The first armed fault of that kind that applies here and now; counts and logs it."""
        with self._lock:
            if not self._armed:
                return None
            facts = {
                "host": host,
                "site": site or (self.site_of(host) if host else ""),
                "action": action,
                "cmdlet": cmdlet,
                "vm": vm,
                "shell": shell_id,
            }
            for armed in self._armed:
                if armed.fault.kind == kind and armed.fault.selects(facts) and armed.applies(facts):
                    injection = Injection(fault=armed.fault, facts=facts)
                    break
            else:
                return None
        self.log(injection.as_dict())
        return injection.fault

    def note_cmdlet(self, *, host: str, cmdlet: str, vm: str = "", shell_id: str = "") -> None:
        """A cmdlet is about to run on `host`, in that WinRM shell if it is known.

        Arms the faults that befall the reply of this cmdlet; call it once per VM it names.
        """
        facts = {"host": host, "cmdlet": cmdlet, "vm": vm, "shell": shell_id}
        with self._lock:
            for armed in self._armed:
                if armed.fault.waits_for_cmdlet:
                    armed.prime(facts)

    def holds(self, kind: FaultKind | str, *, host: str = "", site: str = "", vm: str = "") -> bool:
        """Whether a lasting fault of that kind is armed here; neither counts nor logs."""
        facts = {"host": host, "site": site or (self.site_of(host) if host else ""), "vm": vm}
        with self._lock:
            return any(
                armed.fault.kind == kind
                and armed.fault.limit is None
                and armed.fault.selects(facts)
                for armed in self._armed
            )

    def _notify(self) -> None:
        with self._lock:
            watchers = list(self._watchers)
        for changed in watchers:
            changed()
