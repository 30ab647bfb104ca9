"""Planned and unplanned failover on one Hyper-V host, and the way back.

Which call belongs to which side: the project's Hyper-V reference, sections 3.4-3.7. Every action
looks first; asked again after it was done it changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from secondsite.connectors.base import InjectedAddress, Outcomes, RestoreRequest
from secondsite.connectors.hyperv.calls import HostCalls
from secondsite.connectors.hyperv.requests import address_rows, restore_row
from secondsite.connectors.scriptlane import Json

__all__ = ["FailoverCalls", "FailoverRequest", "StartAction"]

StartAction = Literal["Nothing", "StartIfRunning", "Start"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FailoverRequest:
    """One replica VM to be failed over.

    Attributes:
        recovery_point_id: None means the latest data; a planned failover takes no other.
        addresses: Injected when the guest starts; an adapter without one keeps its setting.
    """

    vm: str
    recovery_point_id: str | None = None
    addresses: tuple[InjectedAddress, ...] = ()


class FailoverCalls(HostCalls):
    """What moves production. Evidence: before, mode, replication_state, health, the servers."""

    def prepare_failovers(self, vms: Sequence[str], *, timeout_s: float) -> Outcomes:
        """On the primary: send the last changes of each VM, which must be off."""
        return self._relate("prepare_failovers", vms, "prepare it for failover", timeout_s)

    def cancel_preparations(self, vms: Sequence[str], *, timeout_s: float) -> Outcomes:
        """On the primary: take a preparation back; replication goes on."""
        return self._relate("cancel_preparations", vms, "cancel its preparation", timeout_s)

    def start_failovers(self, requests: Sequence[FailoverRequest], *, timeout_s: float) -> Outcomes:
        """On the replica: fail over each VM; it stays off.

        Evidence holds former_address where an address was set.
        """
        rows = [
            {
                "vm": request.vm,
                "recovery_point_id": request.recovery_point_id,
                "addresses": address_rows(request.addresses),
            }
            for request in requests
        ]
        return self._rows("start_failovers", rows, "fail it over", timeout_s)

    def undo_failovers(self, vms: Sequence[str], *, timeout_s: float) -> Outcomes:
        """On the replica: take each failover back; VMs that run are turned off."""
        return self._relate("undo_failovers", vms, "undo its failover", timeout_s)

    def complete_failovers(self, vms: Sequence[str], *, timeout_s: float) -> Outcomes:
        """On the replica: commit each failover. There is no undo, and no other recovery point."""
        return self._relate("complete_failovers", vms, "commit its failover", timeout_s)

    def reverse_replications(
        self, replica_servers: Mapping[str, str], *, timeout_s: float
    ) -> Outcomes:
        """On the replica: each VM becomes the primary and replicates to the server given for it."""
        rows = [{"vm": vm, "replica_server": server} for vm, server in replica_servers.items()]
        return self._rows("reverse_replications", rows, "reverse its replication", timeout_s)

    def become_replicas(self, vms: Sequence[str], *, timeout_s: float) -> Outcomes:
        """On the former primary: each VM, which must be off, waits for its new primary."""
        return self._relate("become_replicas", vms, "make it a replica", timeout_s)

    def start_copies(self, vms: Sequence[str], *, timeout_s: float) -> Outcomes:
        """On the new primary: begin the first copy of each VM, or its resynchronization."""
        return self._relate("start_copies", vms, "start its copy", timeout_s)

    def measure_replications(self, vms: Sequence[str], *, timeout_s: float) -> Outcomes:
        """How far each VM's replication is; changes nothing.

        Evidence: mode, replication_state, health, last_replication_at, pending_bytes, ...
        """
        return self._act(
            "measure_replications",
            {"Vms": list(vms)},
            vms=vms,
            action="measure its replication",
            timeout_s=timeout_s,
        )

    def set_start_actions(
        self, actions: Mapping[str, StartAction], *, timeout_s: float
    ) -> Outcomes:
        """What happens to each VM when its host starts. Evidence: before, after.

        A former primary must not come up by itself: `Nothing` is a part of fencing it.
        """
        rows: list[Json] = [{"vm": vm, "action": action} for vm, action in actions.items()]
        return self._act(
            "set_start_actions",
            {"Requests": rows},
            vms=actions,
            action="set its start action",
            timeout_s=timeout_s,
        )

    def restore_adapters(self, requests: Sequence[RestoreRequest], *, timeout_s: float) -> Outcomes:
        """Connections (of a replica) and failover addresses of adapters as they were before."""
        return self._act(
            "restore_adapters",
            {"Requests": [restore_row(request) for request in requests]},
            vms=[request.vm for request in requests],
            action="put its network adapters back as they were",
            timeout_s=timeout_s,
        )

    def _relate(self, script: str, vms: Iterable[str], action: str, timeout_s: float) -> Outcomes:
        return self._rows(script, [{"vm": vm} for vm in vms], action, timeout_s)

    def _rows(
        self, script: str, rows: Sequence[Mapping[str, Json]], action: str, timeout_s: float
    ) -> Outcomes:
        return self._act(
            script,
            {"Requests": list(rows)},
            vms=[str(row["vm"]) for row in rows],
            action=action,
            timeout_s=timeout_s,
            confirm_s=timeout_s,
        )
