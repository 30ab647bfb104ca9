"""A recovery plan as a frozen model: what people write, complete and dumb.

The words are those of the plan format; the engine derives everything else (`secondsite.graph`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from secondsite.plan.guests import (
    AddressRule,
    DnsRecord,
    HttpProbe,
    Probe,
    StaticAddress,
    TcpProbe,
)
from secondsite.plan.hooks import (
    Direction,
    FailoverKind,
    GateHook,
    Hook,
    Hooks,
    OnError,
    OnTimeout,
    OnUnknown,
    ScriptHook,
)
from secondsite.plan.quantities import Duration
from secondsite.plan.rehearsal import Rehearsal
from secondsite.plan.schedule import Schedule
from secondsite.plan.written import FrozenDict, FrozenMapping, Written

__all__ = [
    "AddressRule",
    "Direction",
    "DnsRecord",
    "FailoverKind",
    "GateHook",
    "Group",
    "Hook",
    "Hooks",
    "HttpProbe",
    "Objectives",
    "OnError",
    "OnTimeout",
    "OnUnknown",
    "Plan",
    "PlannedVm",
    "Probe",
    "ScriptHook",
    "StaticAddress",
    "TcpProbe",
]

AdapterName = Annotated[str, Field(min_length=1, max_length=100)]

_PLAN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")


class Objectives(Written):
    """What the business was promised.

    Attributes:
        rto: Recovery time objective: from the decision until every VM is ready and found in DNS.
        rpo: Recovery point objective: how much work, in time, may be lost.
    """

    rto: Duration | None = None
    rpo: Duration | None = None


class PlannedVm(Written):
    """One VM of a group. A bare name stands for `{name: …}`.

    Attributes:
        name: The VM's name on the hypervisor; upper and lower case make no difference.
        depends_on: VMs of this plan that must be ready first, in this group or an earlier one.
        ready: All of these must hold before anything that waits for this VM starts: `heartbeat`,
            `{tcp: <port>}`, `{http: <web address>}`.
        boot_timeout: From the power-on request until ready.
        shutdown_timeout: From the shutdown request until off.
        turn_off_if_stuck: Whether it may be turned off when it has not shut down in time.
        address: Where the address of its first network adapter comes from: `keep` (what the guest
            has), `dhcp`, `pool` (a static address pool of the VM network), or a static one. If
            absent, the subnet rules of the protection tell it, and else it is `keep`.
        adapters: The same for further adapters, by their names on Hyper-V.
        dns: Names that must lead to it.
        before: Scripts and gates before it starts.
        after: Scripts and gates after it is ready.
    """

    name: Annotated[str, Field(min_length=1, max_length=100)]
    depends_on: tuple[str, ...] = ()
    ready: Annotated[tuple[Probe, ...], Field(min_length=1)] = ("heartbeat",)
    boot_timeout: Duration = timedelta(minutes=10)
    shutdown_timeout: Duration = timedelta(minutes=5)
    turn_off_if_stuck: bool = False
    address: AddressRule | None = None
    adapters: FrozenMapping[AdapterName, AddressRule] = FrozenDict()
    dns: tuple[DnsRecord, ...] = ()
    before: tuple[Hook, ...] = ()
    after: tuple[Hook, ...] = ()


def _vm_from_name(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


class Group(Written):
    """VMs that start together; the next group starts when all of them are ready.

    Attributes:
        name: Unique in the plan.
        before: Scripts and gates before its VMs start, one after the other.
        vms: Its VMs, by name, or with what there is to say about them.
        after: Scripts and gates after all its VMs are ready, one after the other.
    """

    name: Annotated[str, Field(min_length=1, max_length=63)]
    before: tuple[Hook, ...] = ()
    vms: tuple[
        Annotated[
            PlannedVm, BeforeValidator(_vm_from_name, json_schema_input_type=str | PlannedVm)
        ],
        ...,
    ] = ()
    after: tuple[Hook, ...] = ()


def _plan_name(text: str) -> str:
    if not _PLAN_NAME.fullmatch(text):
        raise ValueError(
            f'"{text}" is no name for a plan: write up to 63 letters, digits, - and _, '
            "beginning with a letter or a digit"
        )
    return text


class Plan(Written):
    """A recovery plan: ordered groups of VMs with scripts and gates around them.

    Attributes:
        name: Unique among the plans; commands, runs and reports use it.
        description: What it is for, in a sentence.
        protection: Name of the protection, in the estate, whose VMs it fails over.
        objectives: What the business was promised.
        shutdown: Scripts and gates around the shutdown of the VMs in the site they leave (planned
            failovers, and unplanned ones when that is attempted).
        failover: Scripts and gates around the failover of all VMs, before the first group starts.
        groups: The VMs, in the order in which they start; they shut down in the reverse order.
        rehearse: How and when it is rehearsed.
        rehearse_within: How old its last successful rehearsal may be before the plan is stale.
        check: When its readiness is checked by itself.
    """

    name: Annotated[
        str,
        AfterValidator(_plan_name),
        Field(json_schema_extra={"pattern": f"^{_PLAN_NAME.pattern}$"}),
    ]
    description: str = ""
    protection: str
    objectives: Objectives = Objectives()
    shutdown: Hooks = Hooks()
    failover: Hooks = Hooks()
    groups: Annotated[tuple[Group, ...], Field(min_length=1)]
    rehearse: Rehearsal | None = None
    rehearse_within: Duration | None = None
    check: Schedule | None = None

    @property
    def vms(self) -> Iterator[PlannedVm]:
        """Every VM of the plan, in the order of its groups."""
        return (vm for group in self.groups for vm in group.vms)
