"""The words of the run graph: operations, actions, sides, and the step itself."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, NewType

from secondsite.plan.model import FailoverKind, GateHook, OnError, PlannedVm, ScriptHook

__all__ = ["Action", "Operation", "PrimarySide", "Side", "Step", "StepId"]

StepId = NewType("StepId", str)


class Operation(StrEnum):
    """What a run carries out."""

    TEST = "test"
    PLANNED = "planned"
    UNPLANNED = "unplanned"
    CLEANUP = "cleanup"
    COMMIT = "commit"
    UNDO = "undo"
    REVERSE = "reverse"
    CANCEL = "cancel"
    PREPARE_DNS = "prepare-dns"
    ROLLBACK_DNS = "rollback-dns"

    @property
    def failover_kind(self) -> FailoverKind | None:
        """The kind of failover that this is; None for what follows one."""
        return FailoverKind(self.value) if self.value in set(FailoverKind) else None


class PrimarySide(StrEnum):
    """What an unplanned failover does about the VMs of the site that it leaves."""

    ATTEMPT = "attempt"
    SKIP = "skip"


class Action(StrEnum):
    """What one step does in the real world; the last part of a VM's step id."""

    PREFLIGHT = "preflight"
    BARRIER = "barrier"
    GATE = "gate"
    SCRIPT = "script"
    SHUTDOWN = "shutdown"
    PREPARE = "prepare"
    MAKE_NETWORKS = "make-networks"
    GRANT = "grant"
    FAILOVER = "failover"
    CONNECT = "connect"
    START = "start"
    READY = "ready"
    ADDRESS = "address"
    DNS = "dns"
    VERIFY = "verify"
    SETTLE = "settle"
    REVERSE = "reverse"
    COMMIT = "commit"
    FENCE = "fence"
    UNDO = "undo"
    CANCEL = "cancel"
    GIVE_BACK = "give-back"
    RESTORE_DNS = "restore-dns"
    RESTORE_TTL = "restore-ttl"
    PREPARE_DNS = "prepare-dns"
    ROLLBACK_DNS = "rollback-dns"
    CLEANUP = "cleanup"
    NETWORKS = "networks"


class Side(StrEnum):
    """Where a step acts, relative to the direction of the run."""

    SOURCE = "source"
    TARGET = "target"
    ENGINE = "engine"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One node of a run's graph: one real-world action, one gate, or one barrier.

    Attributes:
        id: Stable and readable (`databases/sql02/start`); journals, logs, task runs and reports
            use it.
        group: The plan's group it belongs to; empty for steps of the whole plan.
        vm: The VM it acts on, where it acts on one.
        hook: The script or gate it stands for.
    """

    id: StepId
    action: Action
    side: Side
    group: str = ""
    vm: PlannedVm | None = None
    hook: ScriptHook | GateHook | None = None

    @property
    def title(self) -> str:
        """A few words for people: the gate's or script's name, or action and VM."""
        match self.hook:
            case GateHook(gate=name):
                return name
            case ScriptHook(script=path):
                return path
            case None:
                return f"{self.action} {self.vm.name}" if self.vm else str(self.action)

    @property
    def on_failure(self) -> Literal["block", "stop", "continue"]:
        """What its failure leads to: followers blocked, the run stopped, or nothing."""
        match self.hook:
            case GateHook():
                return "stop"  # somebody said no
            case ScriptHook(on_error=OnError.STOP):
                return "stop"
            case ScriptHook(on_error=OnError.CONTINUE):
                return "continue"
            case _:
                return "block"
