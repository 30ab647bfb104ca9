"""What the steps of a run do with the adapters of a VM, as its preflight has planned them."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_network
from typing import Any

from secondsite.connectors.adapters import Expectation, ExpectedAdapter
from secondsite.connectors.base import (
    Connection,
    FormerAdapter,
    InjectedAddress,
    RestoreRequest,
)
from secondsite.connectors.hyperv.requests import address_parameters
from secondsite.connectors.vmm import VmmConnection
from secondsite.errors import WrongStateError
from secondsite.graph import Action
from secondsite.plan.adapter_plan import PlannedAdapter, Slot, slot_of
from secondsite.plan.estate import Network
from secondsite.plan.made_network import MadeNetwork
from secondsite.plan.model import PlannedVm
from secondsite.run.adapters_seen import PLANNED, VIRTUAL_NETWORK, Former
from tasks.context import RunContext
from tasks.vm import fact_of

__all__ = [
    "adapters_of",
    "connections_of",
    "expectation_of",
    "injected_addresses",
    "made_network_of",
    "network_of",
    "refuse_production",
    "restore_request",
]


def adapters_of(run: RunContext, vm: PlannedVm) -> tuple[PlannedAdapter, ...]:
    """The adapters of `vm` as the preflight planned them.

    Raises:
        WrongStateError: a run of an earlier version, which planned none.
    """
    planned = fact_of(run, vm).facts.get(PLANNED)
    if planned is None:
        raise WrongStateError(
            f"{vm.name}: this run was begun by an earlier version, which kept nothing of its "
            "network adapters; nothing was done.",
            vm=vm.name,
            next_step="End this run (secondsite abort), then start a new one.",
        )
    return tuple(PlannedAdapter.from_dict(each) for each in planned)


def network_of(run: RunContext, adapter: PlannedAdapter) -> Network | None:
    """The network that the adapter is connected to in this run: the estate's, or a made one."""
    if not adapter.network:
        return None
    site = run.estate.sites[run.running_site_name]
    made = made_network_of(run, adapter)
    return made.as_network() if made is not None else site.network(adapter.network)


def made_network_of(run: RunContext, adapter: PlannedAdapter) -> MadeNetwork | None:
    """The network that this run makes for itself and connects the adapter to, if it does."""
    if not run.is_test:
        return None
    return next((each for each in run.made_networks if each.name == adapter.network), None)


def injected_addresses(run: RunContext, vm: PlannedVm) -> tuple[InjectedAddress, ...]:
    """What Hyper-V injects into the guest: static addresses, and those out of pools."""
    granted = run.evidence_of(vm=vm.name, action=Action.GRANT).get("granted", ())
    return _injected(adapters_of(run, vm), granted)


def connections_of(run: RunContext, vm: PlannedVm) -> tuple[Connection, ...]:
    """How each adapter is connected; what is not named here is connected to nothing.

    Raises:
        WrongStateError: a test VM would be connected to a production network.
    """
    return tuple(_connection(run, vm, each) for each in adapters_of(run, vm))


def refuse_production(run: RunContext, vm: PlannedVm, network: Network) -> None:
    """Leave a test VM off every network whose purpose is not `test`.

    Raises:
        WrongStateError: it would be connected to one.
    """
    if run.is_test and network.purpose != "test":
        raise WrongStateError(
            f"{vm.name}: {network.name} is a production network, and test VMs are never "
            "connected to one. Nothing was connected.",
            vm=vm.name,
            next_step="Mend the test network in the estate, then start a new test.",
        )


def expectation_of(run: RunContext, vm: PlannedVm) -> Expectation:
    """The addresses that the VM must show once it runs."""
    granted = run.evidence_of(vm=vm.name, action=Action.GRANT).get("granted", ())
    left = run.estate.sites[run.source_site_name].networks
    expected = []
    for adapter in adapters_of(run, vm):
        network = network_of(run, adapter)
        if network is None:
            continue
        own = {
            *(str(each) for each in adapter.addresses),
            *(each["address"] for each in granted if _slot(each) == adapter.slot),
        }
        expected.append(
            ExpectedAdapter(
                plan=adapter,
                network=network,
                planned=frozenset(own),
                left=tuple(subnet for each in left for subnet in each.subnets),
            )
        )
    return Expectation(adapters=tuple(expected))


def restore_request(
    vm: str,
    former: Former,
    *,
    addresses_only: bool = False,
    by_vmm: VmmConnection | None = None,
) -> RestoreRequest:
    """The adapters of a copy as they were before it was failed over.

    Args:
        vm: Its name.
        former: What they were, and what was made of them.
        addresses_only: Its connections stay.
        by_vmm: What VMM restores: those connections stay as well.
    """
    vmms = {(each.adapter, each.number) for each in (by_vmm.adapters if by_vmm else ())}
    planned = tuple(PlannedAdapter.from_dict(each) for each in former.planned)
    ours = {
        (each.adapter or "", each.number): {
            name: value for name, value in address_parameters(each).items() if value
        }
        for each in _injected(planned, former.granted)
    }
    return RestoreRequest(
        vm=vm,
        addresses_only=addresses_only,
        adapters=tuple(
            FormerAdapter(
                adapter=each["name"],
                number=each["number"],
                switch=each["switch"],
                vlan=each["vlan"],
                is_vmms=bool(each.get(VIRTUAL_NETWORK)) or (each["name"], each["number"]) in vmms,
                failover=each["failover"],
                # Nothing was injected: whatever is there now is not ours.
                ours=ours.get((each["name"], each["number"]), each["failover"]),
            )
            for each in former.adapters
        ),
    )


def _connection(run: RunContext, vm: PlannedVm, adapter: PlannedAdapter) -> Connection:
    # What the run makes for itself, and virtual networks, are left to VMM.
    if adapter.keeps or adapter.is_virtual or made_network_of(run, adapter) is not None:
        return Connection(adapter=adapter.name, number=adapter.number, keep=True)
    network = network_of(run, adapter)
    if network is not None:
        refuse_production(run, vm, network)
    return Connection(
        adapter=adapter.name,
        number=adapter.number,
        switch=network.switch if network else None,
        vlan=network.vlan if network else None,
    )


def _injected(
    adapters: Sequence[PlannedAdapter], granted: Sequence[Any]
) -> tuple[InjectedAddress, ...]:
    found = []
    for adapter in adapters:
        static = adapter.static
        if static is not None:
            found.append(
                InjectedAddress(
                    adapter=adapter.name,
                    number=adapter.number,
                    ipv4=str(static.ipv4) if static.ipv4 else None,
                    gateway=str(static.gateway) if static.gateway else None,
                    ipv6=str(static.ipv6) if static.ipv6 else None,
                    gateway6=str(static.gateway6) if static.gateway6 else None,
                    dns=tuple(str(server) for server in static.dns),
                )
            )
            continue
        own = [each for each in granted if _slot(each) == adapter.slot]
        if own:
            found.append(_of_pool(adapter, own))
    return tuple(found)


def _of_pool(adapter: PlannedAdapter, granted: Sequence[Any]) -> InjectedAddress:
    values: dict[str, Any] = {}
    for each in granted:
        subnet = ip_network(each["subnet"])
        key = "ipv4" if subnet.version == 4 else "ipv6"
        values[key] = f"{each['address']}/{subnet.prefixlen}"
        gateways = [text for text in each["gateways"] if text]
        if gateways:
            values["gateway" if subnet.version == 4 else "gateway6"] = gateways[0]
    servers = dict.fromkeys(text for each in granted for text in each["dns"] if text)
    return InjectedAddress(
        adapter=adapter.name, number=adapter.number, dns=tuple(servers), **values
    )


def _slot(granted: Any) -> Slot:
    return slot_of(str(granted["adapter"]), int(granted["number"]))
