"""Durations, addresses, subnets and DNS names: as people write them, and as typed values.

Each parser says in its error what to write instead: the loader shows these words to the person.
"""

from __future__ import annotations

import re
from datetime import timedelta
from ipaddress import (
    IPv4Interface,
    IPv4Network,
    IPv6Interface,
    IPv6Network,
    ip_address,
    ip_interface,
    ip_network,
)
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer

__all__ = [
    "AnySubnet",
    "DnsName",
    "Duration",
    "Ipv4WithPrefix",
    "Ipv6WithPrefix",
    "Subnet",
    "format_duration",
    "parse_dns_name",
    "parse_duration",
    "parse_subnet",
]

_UNITS_MS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)(?![a-z])", re.IGNORECASE)
_PARTS = re.compile(rf"(?:{_PART.pattern}\s*)+", re.IGNORECASE)
_LONGEST = timedelta(days=3650)
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")


def parse_duration(text: object) -> timedelta:
    """The duration that `text` names.

    Raises:
        ValueError: no unit, an unknown unit, nothing at all, or more than ten years.
    """
    if isinstance(text, timedelta):
        return text
    if isinstance(text, int | float) and not isinstance(text, bool):
        raise ValueError(  # noqa: TRY004 - pydantic gathers ValueErrors only
            f"a duration needs a unit: write {text:g}s or {text:g}m, not {text:g}"
        )
    if not isinstance(text, str):
        raise ValueError("a duration is written like 30s, 10m, 4h or 1h30m")  # noqa: TRY004
    stripped = re.sub(r"(?<=[a-z])(?=\d)", " ", text.strip().lower())
    if not _PARTS.fullmatch(stripped):
        raise ValueError(f'"{text}" is not a duration: write 30s, 10m, 4h, 2d or 1h30m')
    total_ms = sum(float(number) * _UNITS_MS[unit] for number, unit in _PART.findall(stripped))
    if total_ms > _LONGEST.total_seconds() * 1000:
        raise ValueError(f'"{text}" is longer than ten years: write a shorter duration')
    return timedelta(milliseconds=round(total_ms))


def format_duration(duration: timedelta) -> str:
    """`duration` in the form that `parse_duration` reads, largest units first (`1h30m`)."""
    remaining_ms = round(duration.total_seconds() * 1000)
    text = ""
    for unit, unit_ms in reversed(_UNITS_MS.items()):
        count, remaining_ms = divmod(remaining_ms, unit_ms)
        if count:
            text += f"{count}{unit}"
    return text or "0s"


def parse_subnet(text: object) -> IPv4Network | IPv6Network:
    """The subnet that `text` names.

    Raises:
        ValueError: it is not one, has no prefix length, or names an address inside one.
    """
    if isinstance(text, IPv4Network | IPv6Network):
        return text
    wanted = "write a subnet like 10.2.0.0/24 or 2001:db8:2::/64"
    if not isinstance(text, str):
        raise ValueError(f"this is not a subnet: {wanted}")  # noqa: TRY004
    try:
        meant = ip_network(text, strict=False)
    except ValueError:
        raise ValueError(f'"{text}" is not a subnet: {wanted}') from None
    if "/" not in text:
        raise ValueError(f'"{text}" has no prefix length: {wanted}')
    if str(meant.network_address) != str(ip_interface(text).ip):
        raise ValueError(f'"{text}" is an address inside a subnet: write {meant} for the subnet')
    return meant


def parse_dns_name(text: str) -> str:
    """A DNS name in lower case, without the dot at its end.

    Raises:
        ValueError: it is not one.
    """
    name = text.strip().lower().removesuffix(".")
    if not name or len(name) > 253:
        raise ValueError(f'"{text}" is not a DNS name: write one like sql.corp.example')
    for label in name.split("."):
        if not _LABEL.fullmatch(label):
            raise ValueError(
                f'"{text}" is not a DNS name ("{label}" is not possible in one): '
                "write one like sql.corp.example"
            )
    return name


def _with_prefix(text: object, *, version: int) -> object:
    if not isinstance(text, str):
        return text
    sample = "10.2.0.22/24" if version == 4 else "2001:db8:2::22/64"
    try:
        parsed = ip_interface(text)
    except ValueError:
        raise ValueError(
            f'"{text}" is not an IPv{version} address with its prefix length: write {sample}'
        ) from None
    if parsed.version != version:
        raise ValueError(
            f'"{text}" is an IPv{parsed.version} address: write it under ipv{parsed.version}'
        )
    if "/" not in text:
        prefix = 24 if version == 4 else 64
        raise ValueError(
            f'"{text}" has no prefix length: write {ip_address(text)}/{prefix}, or what is right'
        )
    return text


def _ipv4_with_prefix(text: object) -> object:
    return _with_prefix(text, version=4)


def _ipv6_with_prefix(text: object) -> object:
    return _with_prefix(text, version=6)


def _serialise(duration: timedelta) -> Any:
    return format_duration(duration)


Duration = Annotated[
    timedelta,
    BeforeValidator(
        parse_duration,
        json_schema_input_type=Annotated[
            str,
            Field(
                pattern=r"^\s*(\d+(\.\d+)?\s*(ms|s|m|h|d)\s*)+$",
                description="A duration: 30s, 10m, 4h, 2d, 1h30m",
            ),
        ],
    ),
    PlainSerializer(_serialise, return_type=str),
]
Subnet = IPv4Network | IPv6Network
AnySubnet = Annotated[
    Subnet,
    BeforeValidator(
        parse_subnet,
        json_schema_input_type=Annotated[str, Field(description="A subnet: 10.2.0.0/24")],
    ),
]
Ipv4WithPrefix = Annotated[
    IPv4Interface,
    BeforeValidator(
        _ipv4_with_prefix,
        json_schema_input_type=Annotated[str, Field(pattern=r"/\d+$", description="10.2.0.22/24")],
    ),
]
Ipv6WithPrefix = Annotated[
    IPv6Interface,
    BeforeValidator(
        _ipv6_with_prefix,
        json_schema_input_type=Annotated[
            str, Field(pattern=r"/\d+$", description="2001:db8:2::22/64")
        ],
    ),
]
DnsName = Annotated[str, AfterValidator(parse_dns_name)]
