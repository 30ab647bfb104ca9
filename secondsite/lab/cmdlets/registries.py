"""Which cmdlets a simulated server has, and which machine a call is about."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Literal, TypeAlias

from secondsite.lab.cmdlets import (
    cim,
    dns_records,
    hyperv_failover,
    hyperv_machines,
    hyperv_network,
    hyperv_replication,
    hyperv_switches,
    powershell_direct,
    vmm,
    vmm_networks,
)
from secondsite.lab.powershell.registry import CmdletRegistry
from secondsite.lab.powershell.values import PsObject

__all__ = ["ServerKind", "host_registry", "vm_of"]

ServerKind: TypeAlias = Literal["hyper-v", "vmm", "dns"]

_SUBJECTS = ("VM", "VMName", "Name", "VMNetworkAdapter", "VMRecoverySnapshot", "VMReplication")


@cache
def host_registry(kind: ServerKind) -> CmdletRegistry:
    """The modules of a server: Hyper-V's only on hosts, VMM's only on VMM's, DNS's on DNS servers.

    The runspace's `host` must be a `world.host.HyperVHost`, a `world.vmm.VmmServer` or a
    `dns.windows.WindowsDns`.
    """
    registry = CmdletRegistry()
    if kind != "dns":
        cim.register(registry)
    match kind:
        case "hyper-v":
            for module in (
                hyperv_machines,
                hyperv_failover,
                hyperv_replication,
                hyperv_network,
                hyperv_switches,
                powershell_direct,
            ):
                module.register(registry)
        case "vmm":
            vmm.register(registry)
            vmm_networks.register(registry)
        case "dns":
            dns_records.register(registry)
    return registry


def vm_of(parameters: Mapping[str, object]) -> str:
    """Names of the machines that a call's parameters name, for logs and faults; empty if none."""
    for parameter in _SUBJECTS:
        value = parameters.get(parameter)
        values = value if isinstance(value, list) else [value]
        names = [_name(item) for item in values if item is not None]
        if any(names):
            return ", ".join(name for name in names if name)
    return ""


def _name(value: object) -> str:
    if isinstance(value, PsObject):
        return str(value.get("VMName") or value.get("Name") or "")
    return str(value)
