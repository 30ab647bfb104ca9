"""The engine's requests as parameters of our scripts. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from ipaddress import IPv4Address, IPv4Interface, IPv6Interface, ip_address
from typing import Any

from secondsite.connectors.base import (
    ConnectRequest,
    InjectedAddress,
    RestoreRequest,
    TestCleanupRequest,
    TestFailoverRequest,
    VmObservation,
)

__all__ = [
    "ADDRESS_PARAMETERS",
    "address_parameters",
    "address_rows",
    "cleanup_row",
    "connect_row",
    "failover_row",
    "patience_s",
    "restore_row",
    "seen_row",
]

ADDRESS_PARAMETERS: tuple[str, ...] = (
    "IPv4Address",
    "IPv4SubnetMask",
    "IPv4DefaultGateway",
    "IPv4PreferredDNSServer",
    "IPv4AlternateDNSServer",
    "IPv6Address",
    "IPv6SubnetPrefixLength",
    "IPv6DefaultGateway",
    "IPv6PreferredDNSServer",
    "IPv6AlternateDNSServer",
)
"""Parameters of Set-VMNetworkAdapterFailoverConfiguration, as our scripts read and write them."""

_ANSWER_RESERVE_S = 5.0


def patience_s(timeout_s: float, *, at_most_s: float) -> float:
    """How long a script may wait for what it did to show, so that its answer still arrives."""
    return max(1.0, min(at_most_s, timeout_s - _ANSWER_RESERVE_S))


def address_parameters(address: InjectedAddress) -> dict[str, str]:
    """All ten values, empty where nothing is to be injected.

    Hyper-V has room for two DNS servers of each family; further ones are left out.
    """
    values = dict.fromkeys(ADDRESS_PARAMETERS, "")
    servers = [ip_address(text) for text in address.dns]
    if address.ipv4 is not None:
        ipv4 = IPv4Interface(address.ipv4)
        values["IPv4Address"] = str(ipv4.ip)
        values["IPv4SubnetMask"] = str(ipv4.netmask)
        values["IPv4DefaultGateway"] = address.gateway or ""
        _set_servers(values, "IPv4", [str(s) for s in servers if isinstance(s, IPv4Address)])
    if address.ipv6 is not None:
        ipv6 = IPv6Interface(address.ipv6)
        values["IPv6Address"] = str(ipv6.ip)
        values["IPv6SubnetPrefixLength"] = str(ipv6.network.prefixlen)
        values["IPv6DefaultGateway"] = address.gateway6 or ""
        _set_servers(values, "IPv6", [str(s) for s in servers if not isinstance(s, IPv4Address)])
    return values


def address_rows(addresses: Sequence[InjectedAddress]) -> list[dict[str, Any]]:
    """The addresses of one VM as elements of a request."""
    return [
        {"adapter": each.adapter, "number": each.number, "address": address_parameters(each)}
        for each in addresses
    ]


def _set_servers(values: dict[str, str], family: str, servers: Sequence[str]) -> None:
    roles = (f"{family}PreferredDNSServer", f"{family}AlternateDNSServer")
    values.update(zip(roles, servers, strict=False))


def failover_row(request: TestFailoverRequest) -> dict[str, Any]:
    """One element of `start_test_failovers.ps1 -Requests`."""
    return {
        "vm": request.vm,
        "recovery_point_id": request.recovery_point_id,
        "mark": request.mark,
        "own_test_vm_id": request.own_test_vm_id,
        "may_adopt": request.may_adopt,
        "addresses": address_rows(request.addresses),
    }


def cleanup_row(request: TestCleanupRequest) -> dict[str, Any]:
    """One element of `end_test_failovers.ps1 -Requests`."""
    known = request.former_address if request.restore_address else None
    former = [known] if isinstance(known, Mapping) else known
    return {
        "vm": request.vm,
        "test_vm_id": request.test_vm_id,
        "mark": request.mark,
        "restore_address": request.restore_address,
        "former_address": [dict(each) for each in former or ()],
    }


def connect_row(request: ConnectRequest) -> dict[str, Any]:
    """One element of `connect.ps1 -Requests`."""
    return {
        "vm": request.vm,
        "switch": request.switch,
        "vlan": request.vlan,
        "adapters": [asdict(each) for each in request.adapters],
    }


def restore_row(request: RestoreRequest) -> dict[str, Any]:
    """One element of `restore_adapters.ps1 -Requests`."""
    return {
        "vm": request.vm,
        "addresses_only": request.addresses_only,
        "adapters": [
            {
                "adapter": each.adapter,
                "number": each.number,
                "switch": each.switch,
                "vlan": each.vlan,
                "is_vmms": each.is_vmms,
                "settings": _all_settings(each.failover),
                "ours": None if each.ours is None else _all_settings(each.ours),
            }
            for each in request.adapters
        ],
    }


def _all_settings(known: Mapping[str, str]) -> dict[str, str]:
    return {name: known.get(name, "") for name in ADDRESS_PARAMETERS}


def seen_row(vm: str, seen: VmObservation | None) -> dict[str, Any]:
    """One element of `observe.ps1 -Seen`."""
    if seen is None:
        return {"vm": vm, "state": None, "heartbeat": None, "addresses": []}
    return {
        "vm": vm,
        "state": seen.state,
        "heartbeat": seen.heartbeat,
        "addresses": list(seen.addresses),
    }
