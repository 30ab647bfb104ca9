"""One VMM server, reached through a lane. The hot spot of a site: one request per call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from secondsite.connectors.base import ActionResult, Inventory, Outcomes
from secondsite.connectors.logical_networks import LogicalView
from secondsite.connectors.outcomes import read_items, read_object, read_outcomes
from secondsite.connectors.planscripts import run_plan_script
from secondsite.connectors.scriptlane import Json, Script, ScriptLane
from secondsite.connectors.vmm.answers import read_addresses, read_inventory
from secondsite.connectors.vmm.networks import (
    MakeNetworkRequest,
    RemoveNetworkRequest,
    VmmConnection,
    read_logical_networks,
)
from secondsite.connectors.vmm.requests import GrantRequest, RevokeRequest
from secondsite.errors import SiteError

__all__ = ["VmmServer"]


@cache
def _script(name: str) -> Script:
    return Script.from_package("secondsite.connectors.vmm", f"scripts/{name}.ps1")


class VmmServer:
    """A `VmManager`. Uses its lane for one call at a time, as lanes do.

    Args:
        name: The server's name in the estate; results and errors use it.
        lane: A connection to it.
    """

    def __init__(self, *, name: str, lane: ScriptLane) -> None:
        self.name = name
        self._lane = lane

    def inventory(self, *, adapters_of: Sequence[str] = (), timeout_s: float) -> Inventory:
        """Clouds, hosts, VMs and networks that it manages.

        Args:
            adapters_of: Names of VMs whose adapters it tells too; then also on which hosts each
                network can be had.
            timeout_s: Limit for the answer.
        """
        answer = self._call("inventory", {"AdaptersOf": list(adapters_of)}, timeout_s=timeout_s)
        return read_inventory(answer, host=self.name)

    def addresses(
        self, vm_ids: Sequence[str], *, timeout_s: float
    ) -> Mapping[str, tuple[str, ...] | SiteError]:
        """Addresses that VMM knows of each VM (by Hyper-V's VMId), link-local ones left out.

        A VM made a moment ago is not found before VMM has refreshed its host (`refresh_hosts`).
        """
        if not vm_ids:
            return {}
        answer = self._call("addresses", {"VmIds": list(vm_ids)}, timeout_s=timeout_s)
        return read_addresses(answer, host=self.name, vm_ids=vm_ids)

    def refresh_hosts(self, hosts: Sequence[str] = (), *, timeout_s: float) -> tuple[str, ...]:
        """Have VMM look at these hosts (none given: at all) again; those that it looked at."""
        answer = self._call("refresh_hosts", {"Hosts": list(hosts)}, timeout_s=timeout_s)
        found = read_object(answer, host=self.name)
        return tuple(str(name) for name in read_items(found["hosts"]))

    def grant_addresses(self, requests: Sequence[GrantRequest], *, timeout_s: float) -> Outcomes:
        """Take addresses out of pools for the adapters of each VM, or find those taken before.

        Evidence: granted, per adapter and family: address, subnet, pool, gateways, dns.
        """
        return self._act(
            "grant_addresses",
            {each.vm: each.as_row() for each in requests},
            action="take its address out of a pool",
            timeout_s=timeout_s,
        )

    def revoke_addresses(self, requests: Sequence[RevokeRequest], *, timeout_s: float) -> Outcomes:
        """Give back what `grant_addresses` took; what others took is left alone.

        Evidence: released.
        """
        return self._act(
            "revoke_addresses",
            {each.vm: each.as_row() for each in requests},
            action="give its address back",
            timeout_s=timeout_s,
        )

    def logical_networks(self, *, timeout_s: float) -> tuple[LogicalView, ...]:
        """Logical networks, what they consist of, and the VM networks that were made of them."""
        answer = self._call("logical_networks", {}, timeout_s=timeout_s)
        return read_logical_networks(answer, host=self.name)

    def make_networks(
        self, requests: Sequence[MakeNetworkRequest], *, timeout_s: float
    ) -> Outcomes:
        """Make VM networks with their subnets and pools, or what of them is missing, by name.

        Evidence: made. A network of that name which we did not make is left alone, and refused.
        """
        return self._act(
            "make_networks",
            {each.network.name: each.as_row() for each in requests},
            action="make the VM network",
            timeout_s=timeout_s,
        )

    def connect_adapters(self, requests: Sequence[VmmConnection], *, timeout_s: float) -> Outcomes:
        """Connect adapters to VM networks, or take them off. Evidence: attached, with each switch.

        An adapter that is taken off a virtual network gives the addresses back that VMM had given
        it there. A VM that is gone has nothing to be taken off.
        """
        return self._act(
            "connect_adapters",
            {each.vm: each.as_row() for each in requests},
            action="connect it to its VM network",
            timeout_s=timeout_s,
        )

    def remove_networks(
        self, requests: Sequence[RemoveNetworkRequest], *, timeout_s: float
    ) -> Outcomes:
        """Remove VM networks that we made, by name; what others made is left alone, and refused.

        Evidence: removed.
        """
        return self._act(
            "remove_networks",
            {each.name: each.as_row() for each in requests},
            action="remove the VM network",
            timeout_s=timeout_s,
        )

    def run_script(
        self,
        text: str,
        *,
        arguments: Mapping[str, Any],
        context: Mapping[str, Any],
        timeout_s: float,
    ) -> ActionResult:
        """Run a script of the plan on this server. Evidence: its output and warnings.

        Raises:
            ActionFailedError: it threw, or exited with another code than 0.
            UnknownOutcomeError: it may or may not have run.
        """
        return run_plan_script(
            self._lane,
            text,
            host=self.name,
            arguments=arguments,
            context=context,
            timeout_s=timeout_s,
        )

    def _act(
        self, script: str, rows: Mapping[str, Json], *, action: str, timeout_s: float
    ) -> Outcomes:
        if not rows:
            return {}
        answer = self._call(script, {"Requests": list(rows.values())}, timeout_s=timeout_s)
        return read_outcomes(answer, host=self.name, vms=rows, action=action)

    def _call(self, script: str, parameters: Mapping[str, Json], *, timeout_s: float) -> Any:
        return self._lane.call(_script(script), parameters, timeout_s=timeout_s)
