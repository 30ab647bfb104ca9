"""The estate of a lab as a frozen model: what is simulated, and how fast.

What is said here of one thing is enough to simulate it; `defaults` keeps files short. The rules
between parts (names that must exist, addresses that must fit) are in `estate_checks`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from secondsite.lab.estate_dns import LabDns, LabDnsServer, LabKey, LabRecord, LabZone
from secondsite.lab.estate_sites import (
    AddressRange,
    LabCluster,
    LabHost,
    LabLogicalNetwork,
    LabNetwork,
    LabNetworkSite,
    LabPool,
    LabSite,
    LabVmm,
    LabWire,
)
from secondsite.lab.estate_vms import (
    LabAdapter,
    LabDefaults,
    LabGuest,
    LabReplication,
    LabService,
    LabVm,
)
from secondsite.lab.faults import Fault
from secondsite.plan.quantities import Duration
from secondsite.plan.written import FrozenMapping, Written

__all__ = [
    "AddressRange",
    "LabAdapter",
    "LabCluster",
    "LabCredential",
    "LabDefaults",
    "LabDns",
    "LabDnsServer",
    "LabEstate",
    "LabGuest",
    "LabHost",
    "LabKey",
    "LabLogicalNetwork",
    "LabNetwork",
    "LabNetworkSite",
    "LabPace",
    "LabPool",
    "LabPowerShell",
    "LabRecord",
    "LabReplication",
    "LabService",
    "LabSite",
    "LabVm",
    "LabVmm",
    "LabWire",
    "LabZone",
]

_Name = Annotated[str, Field(min_length=1, max_length=63)]


class LabCredential(Written):
    """An account; its password is made anew whenever the lab starts.

    Attributes:
        username: As a client logs on with it.
    """

    username: _Name


class LabPowerShell(Written):
    """How long Windows PowerShell takes on the simulated computers.

    Attributes:
        process_start: From its start to the first statement.
        module_import: First import of a module, by module.
    """

    process_start: Duration = Field(default="2s", validate_default=True)
    module_import: FrozenMapping[str, Duration] = Field(
        default_factory=lambda: {"Hyper-V": "3s", "VirtualMachineManager": "8s"},
        validate_default=True,
    )


class LabPace(Written):
    """How long the simulated world takes for its own work.

    Attributes:
        power_on: Start-VM, until Hyper-V says Running.
        test_failover: Start-VMFailover -AsTest.
        failover: Start-VMFailover on the replica.
        prepare: Start-VMFailover -Prepare, until the last changes are sent.
        undo: Stop-VMFailover.
        complete: Complete-VMFailover.
        reverse: Set-VMReplication -Reverse.
        initial_replication: The first copy of a VM.
        resynchronization: Comparing both sides.
        recovery_point_every: A replica keeps a recovery point so often.
        vmm_refresh: From a change on a host until VMM's inventory has it.
    """

    power_on: Duration = Field(default="3s", validate_default=True)
    test_failover: Duration = Field(default="5s", validate_default=True)
    failover: Duration = Field(default="5s", validate_default=True)
    prepare: Duration = Field(default="20s", validate_default=True)
    undo: Duration = Field(default="4s", validate_default=True)
    complete: Duration = Field(default="10s", validate_default=True)
    reverse: Duration = Field(default="10s", validate_default=True)
    initial_replication: Duration = Field(default="10m", validate_default=True)
    resynchronization: Duration = Field(default="5m", validate_default=True)
    recovery_point_every: Duration = Field(default="1h", validate_default=True)
    vmm_refresh: Duration = Field(default="60s", validate_default=True)


class LabEstate(Written):
    """A simulated estate.

    Attributes:
        name: Name of the lab; the engine's estate names it as `lab:`.
        description: What it is for.
        scale: Factor on every duration of the lab: 0.1 makes a boot of 60 s last 6 s.
        transports: How the simulated WinRM lets people log on.
        https: WinRM over TLS, with a certificate authority made when the lab starts.
        resynchronize_after_start: Whether a replica that ran before its replication was reversed
            needs a resynchronization.
        pace: How long the simulated world takes for its own work.
        powershell: How long Windows PowerShell takes.
        credentials: Accounts by name.
        sites: Sites by name.
        defaults: What VMs have that do not say otherwise.
        vms: The virtual machines.
        dns: DNS servers, zones and keys.
        faults: What is broken from the beginning.
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=40)]
    description: str = ""
    scale: Annotated[float, Field(gt=0, le=10)] = 1.0
    transports: Annotated[tuple[Literal["ntlm", "basic"], ...], Field(min_length=1)] = ("ntlm",)
    https: bool = False
    resynchronize_after_start: bool = False
    pace: LabPace = LabPace()
    powershell: LabPowerShell = LabPowerShell()
    credentials: FrozenMapping[str, LabCredential]
    sites: Annotated[FrozenMapping[str, LabSite], Field(min_length=1)]
    defaults: LabDefaults = LabDefaults()
    vms: tuple[LabVm, ...] = ()
    dns: LabDns = LabDns()
    faults: tuple[Fault, ...] = ()
