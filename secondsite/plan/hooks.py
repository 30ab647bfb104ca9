"""Scripts and gates that a plan puts before and after its parts, as frozen models."""

from __future__ import annotations

import re
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, Discriminator, Field, Tag

from secondsite.plan.gates import Escalation, InRehearsal, OnTimeout
from secondsite.plan.quantities import Duration
from secondsite.plan.written import FrozenDict, FrozenMapping, Written

__all__ = [
    "Direction",
    "FailoverKind",
    "GateHook",
    "Hook",
    "Hooks",
    "InRehearsal",
    "OnError",
    "OnTimeout",
    "OnUnknown",
    "ScriptHook",
]

_LOCATION = re.compile(r"primary|recovery|engine|(?:host|guest):\S.*")


class FailoverKind(StrEnum):
    """How VMs come up in the other site."""

    TEST = "test"
    PLANNED = "planned"
    UNPLANNED = "unplanned"


class Direction(StrEnum):
    """`forward` is primary to recovery site; `back` is recovery to primary."""

    FORWARD = "forward"
    BACK = "back"


class OnError(StrEnum):
    """What a failed hook leads to."""

    STOP = "stop"
    CONTINUE = "continue"
    ASK = "ask"


class OnUnknown(StrEnum):
    """What to do with a script that may or may not have run (the engine died)."""

    RERUN = "rerun"
    SKIP = "skip"
    ASK = "ask"


class _Hook(Written):
    """What scripts and gates have in common.

    Attributes:
        kinds: Failover kinds in which it takes part; all if absent.
        directions: Directions in which it takes part; both if absent.
    """

    kinds: Annotated[tuple[FailoverKind, ...], Field(min_length=1)] = tuple(FailoverKind)
    directions: Annotated[tuple[Direction, ...], Field(min_length=1)] = tuple(Direction)

    def applies_to(self, *, kind: FailoverKind, direction: Direction) -> bool:
        """Whether this hook is part of a run of that kind and direction."""
        return kind in self.kinds and direction in self.directions


ENGINE_SCRIPTS = (".py", ".sh")
"""How the files of scripts end that the engine runs itself: it is no Windows machine."""


def _location(text: str) -> str:
    if not _LOCATION.fullmatch(text):
        raise ValueError(
            f'"{text}" is no place to run a script: write primary, recovery, engine, '
            "host:<vm> or guest:<vm>"
        )
    return text


def _script_path(text: str) -> str:
    if not text.lower().endswith((".ps1", *ENGINE_SCRIPTS)):
        raise ValueError(f'"{text}" is not a PowerShell script: write the path of a .ps1 file')
    if "\\" in text:
        raise ValueError(f'"{text}" has backslashes: write {text.replace(chr(92), "/")}')
    return text


class ScriptHook(_Hook):
    """A script that runs at one point of the plan.

    Attributes:
        script: Path of the .ps1 file (on the engine: of a .py or .sh file), relative to the folder
            of the plan's file.
        name: What reports call it; the name of the file if absent.
        on: Where it runs: `primary` or `recovery` (the VMM server of that site), `host:<vm>` (the
            Hyper-V host of that VM), `guest:<vm>` (inside that VM), or `engine` (this machine).
        credential: With `guest:<vm>`: the account inside that VM, by its name among the estate's
            `credentials`; the protection's `guest_credential` if absent.
        arguments: Named parameters, handed to the script as data.
        timeout: After this long it counts as failed.
        on_error: What its failure leads to: `stop` the run, `continue`, or `ask` people.
        retries: How often it is run again after a failure, before `on_error` counts.
        on_unknown: What to do when it may or may not have run: `rerun`, `skip` or `ask`.
    """

    script: Annotated[str, AfterValidator(_script_path)]
    name: str = ""
    on: Annotated[
        str,
        AfterValidator(_location),
        Field(json_schema_extra={"pattern": f"^({_LOCATION.pattern})$"}),
    ] = "recovery"
    credential: str | None = None
    arguments: FrozenMapping[str, str | int | float | bool | tuple[str, ...]] = FrozenDict()
    timeout: Duration = timedelta(minutes=10)
    on_error: OnError = OnError.ASK
    retries: Annotated[int, Field(ge=0, le=10)] = 0
    on_unknown: OnUnknown = OnUnknown.ASK

    @property
    def on_vm(self) -> str | None:
        """The VM that `on` names, if it names one."""
        place, colon, vm = self.on.partition(":")
        return vm.strip() if colon and place in {"host", "guest"} else None

    @property
    def is_in_guest(self) -> bool:
        """Whether it runs inside a VM."""
        return self.on.startswith("guest:")


class GateHook(_Hook):
    """A manual action: the run stops here until people decide.

    Attributes:
        gate: Its name, in the words of the people who decide.
        instructions: What they are to do or to check, in Markdown; may tell facts of the run:
            `{{ vms.sql01.addresses }}`.
        approvers: Who may decide; anybody if absent.
        required: How many different people must approve.
        separation: Whether whoever started the run does not count here; as the estate says, if
            absent.
        timeout: After this long without an answer, `on_timeout` counts.
        on_timeout: What silence leads to: `stop` the run, `continue`, or `escalate`.
        escalate: Whom to ask then, with `on_timeout: escalate`.
        remind_every: How often those who are asked are reminded; as the estate says, if absent.
        in_rehearsal: What becomes of the gate in a rehearsal: people are asked (`ask`), it is
            left out (`skip`), or the plan approves it (`approve`).
    """

    gate: Annotated[str, Field(min_length=1, max_length=120)]
    instructions: str = ""
    approvers: tuple[str, ...] = ()
    required: Annotated[int, Field(ge=1)] = 1
    separation: bool | None = None
    timeout: Duration = timedelta(hours=4)
    on_timeout: OnTimeout = OnTimeout.STOP
    escalate: Escalation | None = None
    remind_every: Duration | None = None
    in_rehearsal: InRehearsal = InRehearsal.SKIP

    @property
    def may_be_asked(self) -> tuple[str, ...]:
        """Everybody who may come to be asked: those named, and those whom silence brings in."""
        return (*self.approvers, *(self.escalate.approvers if self.escalate else ()))

    def is_separate(self, *, by_default: bool) -> bool:
        """Whether whoever started the run does not count here; the estate has the default."""
        return by_default if self.separation is None else self.separation


def _hook_kind(value: Any) -> str | None:
    if isinstance(value, ScriptHook):
        return "<script>"
    if isinstance(value, GateHook):
        return "<gate>"
    if isinstance(value, dict) and ("script" in value) != ("gate" in value):
        return "<script>" if "script" in value else "<gate>"
    return None


Hook = Annotated[
    Annotated[ScriptHook, Tag("<script>")] | Annotated[GateHook, Tag("<gate>")],
    Discriminator(
        _hook_kind,
        custom_error_type="own_words",
        custom_error_message=(
            "a hook is either a script or a gate: write script: scripts/name.ps1, or gate: Name"
        ),
    ),
]


class Hooks(Written):
    """Scripts and gates around one part of the plan, each list in its order.

    Attributes:
        before: Run before it, one after the other.
        after: Run after it, one after the other.
    """

    before: tuple[Hook, ...] = ()
    after: tuple[Hook, ...] = ()
