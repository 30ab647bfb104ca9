"""Cmdlets of the DnsServer module: zones, and records one by one.

Numbers of errors (`DNS 9714,…`) and the shape of the objects: docs/explanation/windows-assumptions.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final

from secondsite.lab.cmdlets.hyperv_subjects import objects_of, text_of, texts_of
from secondsite.lab.cmdlets.refusals import refuse_second_hop
from secondsite.lab.dns.windows import WindowsDns, WindowsDnsError, WindowsRecord
from secondsite.lab.dns.zone import ZoneStore
from secondsite.lab.powershell.conversion import convert
from secondsite.lab.powershell.registry import CmdletCall, CmdletError, CmdletRegistry
from secondsite.lab.powershell.values import ErrorRecord, PsObject, ps_object
from secondsite.lab.world.refusal import LabRefusal

__all__ = ["register"]

_CMDLETS: Final = CmdletRegistry()
_MODULE: Final = "DnsServer"
_CIM: Final = "Microsoft.Management.Infrastructure.CimInstance"
_CLASS: Final = f"{_CIM}#root/Microsoft/Windows/DNS"
_DATA: Final = {
    "A": "IPv4Address",
    "AAAA": "IPv6Address",
    "PTR": "PtrDomainName",
    "CNAME": "HostNameAlias",
    "NS": "NameServer",
    "TXT": "DescriptiveText",
}
_SWITCHES: Final = {"A": "A", "AAAA": "AAAA", "Ptr": "PTR", "CName": "CNAME"}
_CATEGORIES: Final = {9601: "ObjectNotFound", 9701: "ObjectNotFound", 9714: "ObjectNotFound"}
_DEFAULT_TTL_S: Final = 3600


def register(registry: CmdletRegistry) -> None:
    """Add these cmdlets."""
    registry.include(_CMDLETS)


def _server(call: CmdletCall) -> WindowsDns:
    """The DNS server that the cmdlet runs on; another one would be a second hop."""
    if not isinstance(call.host, WindowsDns):
        raise TypeError(f"{call.name} on something that is no DNS server: {call.host!r}")
    try:
        refuse_second_hop(call, call.host.name)
    except LabRefusal as refusal:
        raise CmdletError(_error(call, 5, refusal.message, source="WIN32")) from refusal
    return call.host


def _error(call: CmdletCall, number: int, message: str, *, source: str = "DNS") -> ErrorRecord:
    denied = "PermissionDenied" if number == 5 else "NotSpecified"
    return ErrorRecord(
        "Microsoft.Management.Infrastructure.CimException",
        message,
        f"{source} {number},{call.name}",
        _CATEGORIES.get(number, denied),
        text_of(call, "Name"),
    )


@contextmanager
def _reporting(call: CmdletCall) -> Iterator[None]:
    try:
        yield
    except WindowsDnsError as refusal:
        call.write_error(_error(call, refusal.number, str(refusal)))


def _zone(call: CmdletCall, server: WindowsDns) -> ZoneStore:
    return server.zone(text_of(call, "ZoneName") or "", text_of(call, "ZoneScope"))


@_CMDLETS.cmdlet("Get-DnsServerZone", module=_MODULE)
def get_dns_server_zone(call: CmdletCall) -> Iterator[object]:
    """Zones, by name or all."""
    server = _server(call)
    for name in texts_of(call, "Name") or sorted(server.zones):
        with _reporting(call):
            zone = server.zone(name)
            yield ps_object(
                f"{_CLASS}/DnsServerPrimaryZone",
                bases=(_CIM,),
                text="DnsServerPrimaryZone",
                ZoneName=zone.name,
                ZoneType="Primary" if zone.is_primary else "Secondary",
                IsReverseLookupZone=zone.name.endswith(".arpa"),
                IsDsIntegrated=zone.is_primary,
                IsReadOnly=not zone.is_primary,
                IsSigned=False,
                IsPaused=False,
                IsShutdown=False,
                DynamicUpdate="Secure" if zone.is_primary else "None",
            )


@_CMDLETS.cmdlet("Get-DnsServerResourceRecord", module=_MODULE)
def get_dns_server_resource_record(call: CmdletCall) -> Iterator[object]:
    """Records of a name (-Node: without those below it), of a type or all."""
    server = _server(call)
    with _reporting(call):
        zone = _zone(call, server)
        wanted = text_of(call, "RRType")
        name = text_of(call, "Name") or "@"
        with_children = not call.switch("Node")
        for record in server.records(zone, name, with_children=with_children):
            if wanted is None or record.type.casefold() == wanted.casefold():
                yield _record_object(zone, record)


@_CMDLETS.cmdlet("Add-DnsServerResourceRecord", module=_MODULE)
def add_dns_server_resource_record(call: CmdletCall) -> Iterator[object]:
    """Add one record; -AgeRecord gives it a time stamp."""
    server = _server(call)
    with _reporting(call):
        zone = _zone(call, server)
        type_ = next(kind for switch, kind in _SWITCHES.items() if call.switch(switch))
        ttl = call.get("TimeToLive")
        now = server.now() if call.switch("AgeRecord") else None
        record = WindowsRecord(
            name=text_of(call, "Name") or "@",
            type=type_,
            ttl_s=round(ttl.total_seconds()) if isinstance(ttl, timedelta) else _DEFAULT_TTL_S,
            value=_value(type_, call.get(_DATA[type_])),
            stamped_at=now,
        )
        server.add(zone, record)
        if call.switch("PassThru"):
            yield _record_object(zone, record)


@_CMDLETS.cmdlet("Set-DnsServerResourceRecord", module=_MODULE)
def set_dns_server_resource_record(call: CmdletCall) -> Iterator[object]:
    """Make one record of another, which must still be as it was given."""
    server = _server(call)
    with _reporting(call):
        zone = _zone(call, server)
        old, new = (
            _record_of(objects_of(call, name)[0]) for name in ("OldInputObject", "NewInputObject")
        )
        server.replace(zone, old, new)
        if call.switch("PassThru"):
            yield _record_object(zone, new)


@_CMDLETS.cmdlet("Remove-DnsServerResourceRecord", module=_MODULE, confirms=False)
def remove_dns_server_resource_record(call: CmdletCall) -> Iterator[object]:
    """Remove one record, given as an object; nobody is there to be asked, so -Force is needed."""
    server = _server(call)
    if not call.switch("Force"):
        raise CmdletError(
            _error(call, 0, "lab: Remove-DnsServerResourceRecord asks unless -Force is given.")
        )
    with _reporting(call):
        zone = _zone(call, server)
        for item in objects_of(call, "InputObject"):
            server.remove(zone, _record_of(item))
    yield from ()


def _record_object(zone: ZoneStore, record: WindowsRecord) -> PsObject:
    return ps_object(
        f"{_CLASS}/DnsServerResourceRecord",
        bases=(_CIM,),
        text="DnsServerResourceRecord",
        DistinguishedName=f"DC={record.name},DC={zone.name},cn=MicrosoftDNS",
        HostName=record.name,
        RecordClass="IN",
        RecordData=_data_object(record),
        RecordType=record.type,
        Timestamp=record.stamped_at,
        TimeToLive=timedelta(seconds=record.ttl_s),
    )


def _data_object(record: WindowsRecord) -> PsObject:
    name = _DATA.get(record.type, "Data")
    value: object = record.value
    if record.type in ("A", "AAAA"):
        value = convert(record.value, "System.Net.IPAddress")
    class_name = f"DnsServerResourceRecord{record.type}"
    types = (f"{_CLASS}/{class_name}", _CIM, "System.Object")
    return PsObject(types, {name: value}, text=class_name)


def _record_of(item: PsObject) -> WindowsRecord:
    """The record that an object stands for, as it was read or as a script has changed it."""
    type_ = str(item.get("RecordType"))
    data, ttl, stamped_at = item.get("RecordData"), item.get("TimeToLive"), item.get("Timestamp")
    assert isinstance(data, PsObject)  # noqa: S101 - these cmdlets made it
    return WindowsRecord(
        name=str(item.get("HostName")),
        type=type_,
        ttl_s=round(ttl.total_seconds()) if isinstance(ttl, timedelta) else _DEFAULT_TTL_S,
        value=_value(type_, data.get(_DATA[type_])),
        stamped_at=stamped_at if isinstance(stamped_at, datetime) else None,
    )


def _value(type_: str, given: object) -> str:
    text = str(given.text) if isinstance(given, PsObject) else str(given)
    return f"{text.rstrip('.')}." if type_ in ("PTR", "CNAME", "NS") else text
