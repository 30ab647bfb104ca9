"""Windows' enumerations and dates, out of the world's."""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import IntEnum
from functools import cache, lru_cache
from typing import Final

from secondsite.lab.powershell.registry import CmdletCall
from secondsite.lab.powershell.values import PsEnum
from secondsite.lab.world.values import Heartbeat

__all__ = ["HYPER_V", "guid", "heartbeat", "local_time", "named", "ps_enum"]

HYPER_V: Final = "Microsoft.HyperV.PowerShell"
"""Namespace of the module's types."""

_WINDOWS_NAMES: Final = {
    "VmState": "VMState",
    "ReplicationState": "VMReplicationState",
    "ReplicationMode": "VMReplicationMode",
    "Relationship": "VMReplicationRelationshipType",
    "Health": "VMReplicationHealthState",
    "ReplicationType": "VMReplicationType",
    "SnapshotType": "SnapshotType",
    "StartAction": "StartAction",
    "SwitchType": "VMSwitchType",
}
# The reference has no numbers for these: their order is from memory, and scripts must not use them.
_HEARTBEATS: Final = (
    "Unknown",
    "Disabled",
    "NoContact",
    "Error",
    "LostCommunication",
    "OkApplicationsUnknown",
    "OkApplicationsHealthy",
    "OkApplicationsCritical",
    "Paused",
)


# Typed: members of different enumerations are equal where their numbers are.
@lru_cache(typed=True)
def ps_enum(value: IntEnum) -> PsEnum:
    """A value of one of the world's enumerations as Windows' type has it."""
    type_name = f"{HYPER_V}.{_WINDOWS_NAMES[type(value).__name__]}"
    return PsEnum(type_name, value.name.rstrip("_"), value.value)


@cache
def named(type_name: str, name: str, number: int) -> PsEnum:
    """A value of an enumeration that the world does not have."""
    return PsEnum(f"{HYPER_V}.{type_name}", name, number)


@cache
def heartbeat(value: Heartbeat) -> PsEnum:
    """`VMHeartbeatStatus`."""
    return named("VMHeartbeatStatus", value.value, _HEARTBEATS.index(value.value))


@lru_cache(maxsize=8192)
def guid(text: str) -> uuid.UUID:
    """A GUID value."""
    return uuid.UUID(text)


def local_time(call: CmdletCall, at: datetime | None) -> datetime | None:
    """A moment as the module's objects carry it: of local kind, on the computer's own clock."""
    return None if at is None else at.astimezone(call.runspace.zone)
