"""What VMM does with the adapters of a VM: it alone leads into virtual networks, and out of them.

Networks that a test makes for itself, of whatever isolation, are connected by it as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address

from secondsite.connectors.vmm import VmmAdapter, VmmConnection, mark_of
from secondsite.errors import WrongStateError
from secondsite.plan.adapter_plan import PlannedAdapter, slot_of
from secondsite.plan.model import PlannedVm
from secondsite.plan.quantities import Subnet
from secondsite.run.adapters_seen import TARGET, VIRTUAL_NETWORK, Former
from tasks.adapters import adapters_of, made_network_of, network_of, refuse_production
from tasks.context import RunContext
from tasks.vm import fact_of

__all__ = ["disconnection_of_test", "restore_connection", "vmm_connection"]


def vmm_connection(
    run: RunContext, vm: PlannedVm, *, name: str, vm_id: str, host: str
) -> VmmConnection | None:
    """The adapters that VMM connects: to networks of this run, and to virtual ones of the estate.

    And those that it takes off a virtual network, because they belong elsewhere now. None if there
    is nothing for it to do.

    Args:
        run: The run.
        vm: The VM.
        name: Its name on its host; its test VM's in a test.
        vm_id: Its id, or its test VM's.
        host: Where that is.

    Raises:
        WrongStateError: a test VM would be connected to a production network.
    """
    found = (_by_vmm(run, vm, each) for each in adapters_of(run, vm))
    adapters = tuple(each for each in found if each is not None)
    if not adapters:
        return None
    return VmmConnection(vm=name, vm_id=vm_id, host=host, adapters=adapters)


def restore_connection(vm: str, former: Former, *, vm_id: str, host: str) -> VmmConnection | None:
    """What VMM has to restore of a copy's connections before Hyper-V restores the others.

    Adapters that a failover has put on a virtual network go off it, and those that were on one
    before go there. None if no virtual network is concerned.
    """
    planned = {each.slot: each for each in map(PlannedAdapter.from_dict, former.planned)}
    adapters = []
    for each in former.adapters:
        ours = planned.get(slot_of(each["name"], each["number"]))
        before = each.get(VIRTUAL_NETWORK)
        if before:
            adapters.append(VmmAdapter(adapter=each["name"], number=each["number"], network=before))
        elif ours is not None and ours.is_virtual and not ours.keeps:
            adapters.append(_off(ours))
    if not adapters:
        return None
    return VmmConnection(vm=vm, vm_id=vm_id, host=host, adapters=tuple(adapters))


def disconnection_of_test(
    former: Former, *, vm: str, vm_id: str, host: str
) -> VmmConnection | None:
    """What VMM gives back of a test VM on virtual networks of the estate before it is removed."""
    planned = map(PlannedAdapter.from_dict, former.planned)
    adapters = tuple(_off(each) for each in planned if each.is_virtual)
    if not adapters:
        return None
    return VmmConnection(vm=vm, vm_id=vm_id, host=host, adapters=adapters)


def _by_vmm(run: RunContext, vm: PlannedVm, adapter: PlannedAdapter) -> VmmAdapter | None:
    if adapter.keeps:
        return None
    made = made_network_of(run, adapter)
    if made is not None:
        subnet = made.subnet_for(str(address) for address in adapter.addresses)
        return VmmAdapter(
            adapter=adapter.name,
            number=adapter.number,
            network=made.name,
            mark=mark_of(run.run_id),
            subnet=subnet.name,
            vlan=subnet.vlan,
            # With virtualization VMM is the DHCP server, and gives what it has allocated.
            is_allocated=made.is_virtual and adapter.rule in {"dhcp", "keep"},
        )
    if not adapter.is_virtual:
        return _off(adapter) if _was_on(run, vm, adapter) and not run.is_test else None
    network = network_of(run, adapter)
    if network is None:
        raise WrongStateError(
            f"{vm.name}: the estate has no network {adapter.network} any more, to which this run "
            "was to connect it. It was not connected.",
            vm=vm.name,
            next_step="Write the network into the estate again, then retry this step.",
        )
    refuse_production(run, vm, network)
    return VmmAdapter(
        adapter=adapter.name,
        number=adapter.number,
        network=network.name,
        prefix=_prefix(adapter, network.subnets),
        is_allocated=adapter.is_allocated,
    )


def _was_on(run: RunContext, vm: PlannedVm, adapter: PlannedAdapter) -> str | None:
    """The virtual network that the adapter was on when the run looked."""
    for each in fact_of(run, vm).facts.get(TARGET, ()):
        if slot_of(each["name"], each["number"]) == adapter.slot:
            found: str | None = each.get(VIRTUAL_NETWORK)
            return found
    return None


def _off(adapter: PlannedAdapter) -> VmmAdapter:
    return VmmAdapter(
        adapter=adapter.name,
        number=adapter.number,
        network="",
        is_allocated=adapter.is_allocated,
    )


def _prefix(adapter: PlannedAdapter, subnets: Sequence[Subnet]) -> str:
    """The subnet of the network that holds the adapter's address; else its first one."""
    wanted = [*adapter.addresses, *(ip_address(each) for each in adapter.wanted)]
    for address in wanted:
        for subnet in subnets:
            if subnet.version == address.version and address in subnet:
                return str(subnet)
    return str(subnets[0]) if subnets else ""
