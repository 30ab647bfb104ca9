"""`VMNetworkAdapterFailoverSetting`: the ten values of a failover address, and their rules.

Rules of the Hyper-V reference, section 3.2: IPv4Address needs IPv4SubnetMask and the reverse;
IPv6Address needs IPv6SubnetPrefixLength.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from ipaddress import (
    AddressValueError,
    IPv4Address,
    IPv4Interface,
    IPv6Address,
    IPv6Interface,
    NetmaskValueError,
)
from typing import TypeVar

from secondsite.lab.cmdlets.hyperv_values import HYPER_V, guid
from secondsite.lab.powershell.values import PsObject, ps_object
from secondsite.lab.world.machine import VirtualMachine
from secondsite.lab.world.network import FailoverAddress, NetworkAdapter
from secondsite.lab.world.refusal import LabRefusal, invalid_parameter

__all__ = ["changed_setting", "setting_object"]

Lookup = Callable[[str], str | None]
AddressT = TypeVar("AddressT", IPv4Address, IPv6Address)


def setting_object(vm: VirtualMachine, adapter: NetworkAdapter) -> PsObject:
    """The object that Get-VMNetworkAdapterFailoverConfiguration gives."""
    setting = adapter.failover
    dns4, dns6 = _two(setting.ipv4_dns), _two(setting.ipv6_dns)
    return ps_object(
        f"{HYPER_V}.VMNetworkAdapterFailoverSetting",
        VMName=vm.name,
        VMId=guid(vm.id),
        VMNetworkAdapterName=adapter.name,
        IPv4Address=str(setting.ipv4.ip) if setting.ipv4 else "",
        IPv4SubnetMask=str(setting.ipv4.netmask) if setting.ipv4 else "",
        IPv4DefaultGateway=str(setting.ipv4_gateway or ""),
        IPv4PreferredDNSServer=dns4[0],
        IPv4AlternateDNSServer=dns4[1],
        IPv6Address=str(setting.ipv6.ip) if setting.ipv6 else "",
        IPv6SubnetPrefixLength=setting.ipv6.network.prefixlen if setting.ipv6 else 0,
        IPv6DefaultGateway=str(setting.ipv6_gateway or ""),
        IPv6PreferredDNSServer=dns6[0],
        IPv6AlternateDNSServer=dns6[1],
    )


def _two(servers: Sequence[object]) -> tuple[str, str]:
    texts = [str(server) for server in servers]
    return (texts[0] if texts else "", texts[1] if len(texts) > 1 else "")


def changed_setting(now: FailoverAddress, given: Lookup, *, vm_name: str) -> FailoverAddress:
    """The setting after the parameters that `given` finds by name.

    Raises:
        LabRefusal: an address without mask, a mask without address, or a text that is neither.
    """
    try:
        return FailoverAddress(
            ipv4=_ipv4(now, given),
            ipv4_gateway=_optional(IPv4Address, given("IPv4DefaultGateway"), now.ipv4_gateway),
            ipv4_dns=_servers(IPv4Address, given, "IPv4", now.ipv4_dns),
            ipv6=_ipv6(now, given),
            ipv6_gateway=_optional(IPv6Address, given("IPv6DefaultGateway"), now.ipv6_gateway),
            ipv6_dns=_servers(IPv6Address, given, "IPv6", now.ipv6_dns),
        )
    except (AddressValueError, NetmaskValueError, ValueError) as exc:
        raise invalid_parameter(
            f"The TCP/IP settings for '{vm_name}' are not valid: {exc}.", target=vm_name
        ) from exc


def _pair(given: Lookup, address: str, mask: str) -> tuple[str, str] | None:
    """Both values, or None if neither is given."""
    found = given(address), given(mask)
    if found[0] is None and found[1] is None:
        return None
    if not found[0] or not found[1]:
        raise _incomplete(address, mask)
    return found[0], found[1]


def _incomplete(address: str, mask: str) -> LabRefusal:
    return invalid_parameter(f"{address} and {mask} must be given together.")


def _ipv4(now: FailoverAddress, given: Lookup) -> IPv4Interface | None:
    pair = _pair(given, "IPv4Address", "IPv4SubnetMask")
    return now.ipv4 if pair is None else IPv4Interface("/".join(pair))


def _ipv6(now: FailoverAddress, given: Lookup) -> IPv6Interface | None:
    pair = _pair(given, "IPv6Address", "IPv6SubnetPrefixLength")
    return now.ipv6 if pair is None else IPv6Interface("/".join(pair))


def _optional(kind: type[AddressT], text: str | None, now: AddressT | None) -> AddressT | None:
    if text is None:
        return now
    return kind(text) if text else None


def _servers(
    kind: type[AddressT], given: Lookup, family: str, now: tuple[AddressT, ...]
) -> tuple[AddressT, ...]:
    texts = [given(f"{family}{role}DNSServer") for role in ("Preferred", "Alternate")]
    if texts == [None, None]:
        return now
    held = [*map(str, now), "", ""]
    merged = [held[place] if text is None else text for place, text in enumerate(texts)]
    return tuple(kind(text) for text in merged if text)
