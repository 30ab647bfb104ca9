"""Get-CimInstance for the few classes that scripts ask a server about itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from secondsite.lab.cmdlets.hyperv_subjects import text_of, texts_of
from secondsite.lab.cmdlets.refusals import record_of, refuse_second_hop
from secondsite.lab.powershell.registry import CmdletCall, CmdletError, CmdletRegistry
from secondsite.lab.powershell.values import ErrorRecord, Int64, PsObject
from secondsite.lab.world.host import HyperVHost
from secondsite.lab.world.refusal import LabRefusal
from secondsite.lab.world.vmm import VmmServer

__all__ = ["register"]

_CMDLETS: Final = CmdletRegistry()
_CIM: Final = "Microsoft.Management.Infrastructure.CimInstance"
_KIB: Final = 1024
_VMM_MEMORY_MIB: Final = 16_384
_SYSTEM_MIB: Final = 256 * 1024


def register(registry: CmdletRegistry) -> None:
    """Add these cmdlets."""
    registry.include(_CMDLETS)


@_CMDLETS.cmdlet("Get-CimInstance", module="CimCmdlets")
def get_cim_instance(call: CmdletCall) -> Iterator[object]:
    """Win32_OperatingSystem, Win32_ComputerSystem and Win32_Volume of this server."""
    server = call.host
    if not isinstance(server, HyperVHost | VmmServer):
        raise TypeError(f"Get-CimInstance on something that is no server: {server!r}")
    try:
        refuse_second_hop(call, server.name)
    except LabRefusal as refusal:
        raise CmdletError(record_of(call, refusal)) from refusal
    total_mib, free_mib = _VMM_MEMORY_MIB, _VMM_MEMORY_MIB // 2
    volumes = [_volume("C:\\", size_mib=_SYSTEM_MIB, free_mib=_SYSTEM_MIB // 2)]
    if isinstance(server, HyperVHost):
        facts = server.get_vm_host()
        total_mib, free_mib = facts.memory_mib, facts.free_memory_mib
        volumes.append(_volume("D:\\", size_mib=facts.disk_mib, free_mib=facts.disk_free_mib))
    name = server.name.partition(".")[0].upper()
    instances: dict[str, list[dict[str, object]]] = {
        "win32_volume": volumes,
        "win32_operatingsystem": [
            {
                "Caption": "Microsoft Windows Server 2022 Datacenter",
                "Version": "10.0.20348",
                "CSName": name,
                "FreePhysicalMemory": Int64(free_mib * _KIB),
                "TotalVisibleMemorySize": Int64(total_mib * _KIB),
            }
        ],
        "win32_computersystem": [
            {
                "Name": name,
                "Domain": "corp.example",
                "Manufacturer": "Secondsite",
                "Model": "Lab",
                "TotalPhysicalMemory": Int64(total_mib * _KIB * _KIB),
            }
        ],
    }
    class_name = text_of(call, "ClassName") or ""
    found = instances.get(class_name.casefold())
    if found is None:
        call.write_error(
            ErrorRecord(
                "Microsoft.Management.Infrastructure.CimException",
                f"lab: Get-CimInstance knows {', '.join(sorted(instances))}; not {class_name!r}.",
                "HRESULT 0x80041010,Microsoft.Management.Infrastructure.CimCmdlets."
                "GetCimInstanceCommand",
                "MetadataError",
                class_name,
            )
        )
        return
    # -Property leaves the other properties of a CIM instance empty.
    wanted = {each.casefold() for each in texts_of(call, "Property")}
    for each in found:
        shown = {
            key: value if not wanted or key.casefold() in wanted else None
            for key, value in each.items()
        }
        yield PsObject((_CIM, "System.Object"), shown)


def _volume(path: str, *, size_mib: int, free_mib: int) -> dict[str, object]:
    return {
        "Name": path,
        "DriveType": 3,
        "Capacity": Int64(size_mib * _KIB * _KIB),
        "FreeSpace": Int64(free_mib * _KIB * _KIB),
    }
