"""What a plan says of the inside of a VM: when it is ready, its addresses and its DNS names."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from secondsite.plan.quantities import DnsName, Duration, Ipv4WithPrefix, Ipv6WithPrefix
from secondsite.plan.written import Written

__all__ = ["AddressRule", "DnsRecord", "HttpProbe", "Probe", "StaticAddress", "TcpProbe"]

_URL = re.compile(r"https?://(\{address\}|\[[0-9a-fA-F:]+\]|[^/\s:{}\[\]]+)(:\d{1,5})?(/[^\s]*)?")


def _url(text: str) -> str:
    if not _URL.fullmatch(text):
        raise ValueError(
            f'"{text}" is not a web address: write one like http://{{address}}:8080/health '
            "({address} stands for the VM's address)"
        )
    return text


class TcpProbe(Written):
    """Ready when a TCP connection to a port of the VM opens.

    Attributes:
        tcp: The port.
    """

    tcp: Annotated[int, Field(ge=1, le=65535)]


class HttpProbe(Written):
    """Ready when a web address answers with a status below 400.

    Attributes:
        http: The address, like `http://{address}:8080/health`; `{address}` stands for the VM's.
    """

    http: Annotated[str, AfterValidator(_url)]


def _probe_kind(value: Any) -> str | None:
    match value:
        case str():
            return "<word>"
        case TcpProbe() | {"tcp": _}:
            return "<tcp>"
        case HttpProbe() | {"http": _}:
            return "<http>"
    return None


Probe = Annotated[
    Annotated[Literal["heartbeat"], Tag("<word>")]
    | Annotated[TcpProbe, Tag("<tcp>")]
    | Annotated[HttpProbe, Tag("<http>")],
    Discriminator(
        _probe_kind,
        custom_error_type="own_words",
        custom_error_message=(
            "this is not a probe: write heartbeat, {tcp: 1433} "
            'or {http: "http://{address}:8080/health"}'
        ),
    ),
]


class StaticAddress(Written):
    """An address that is injected into the guest before it starts.

    Attributes:
        ipv4: Address with prefix length, like 10.2.0.22/24.
        gateway: Default gateway for IPv4.
        ipv6: Address with prefix length, like 2001:db8:2::22/64.
        gateway6: Default gateway for IPv6.
        dns: Name servers of the guest.
        adapter: The network adapter that gets it; the first one if absent.
    """

    ipv4: Ipv4WithPrefix | None = None
    gateway: IPv4Address | None = None
    ipv6: Ipv6WithPrefix | None = None
    gateway6: IPv6Address | None = None
    dns: tuple[IPv4Address | IPv6Address, ...] = ()
    adapter: str | None = None

    @model_validator(mode="after")
    def _names_an_address(self) -> StaticAddress:
        if self.ipv4 is None and self.ipv6 is None:
            raise ValueError("a static address needs ipv4 or ipv6: write {ipv4: 10.2.0.22/24}")
        return self


def _address_kind(value: Any) -> str | None:
    match value:
        case str():
            return "<word>"
        case StaticAddress() | dict():
            return "<static>"
    return None


AddressRule = Annotated[
    Annotated[Literal["pool", "dhcp", "keep"], Tag("<word>")]
    | Annotated[StaticAddress, Tag("<static>")],
    Discriminator(
        _address_kind,
        custom_error_type="own_words",
        custom_error_message=(
            "this is not an address rule: write keep, dhcp, pool, "
            "or {ipv4: 10.2.0.22/24, gateway: 10.2.0.1}"
        ),
    ),
]


class DnsRecord(Written):
    """A name that must lead to the VM after a failover.

    Attributes:
        name: The full name, like sql.corp.example; A and AAAA records follow the VM's addresses.
        zone: The zone that holds it; some `dns` target of the estate must serve it.
        ttl: Time to live of the record; the one found, or 5m for a new record, if absent.
        ptr: Whether the reverse record (PTR) is kept right too.
        shared: Whether the name may be an alias (CNAME) of one that other hosts share: then only
            the VM's own address in it is replaced. Without this such a name is refused.
    """

    name: DnsName
    zone: DnsName
    ttl: Duration | None = None
    ptr: bool = False
    shared: bool = False
