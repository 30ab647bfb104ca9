"""What speaks against virtual networks (Windows Network Virtualization) in a run. Pure.

Only VMM connects adapters to them, so it has to know the network, the VM and the VM's host.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from secondsite.connectors.adapter_fitness import VmAdapters
from secondsite.connectors.base import Inventory, InventoryNetwork
from secondsite.plan.adapter_plan import PlannedAdapter
from secondsite.plan.estate import Site

__all__ = ["against_connecting", "against_isolation", "is_among", "without_logical_network"]


def against_isolation(
    site: Site, inventory: Inventory | None, names: Collection[str] | None = None
) -> list[str]:
    """Networks that VMM isolates otherwise than the estate says: of these names, or all."""
    if inventory is None:
        return []
    chosen = None if names is None else {each.casefold() for each in names}
    return [
        reason
        for network in site.networks
        if (chosen is None or network.name.casefold() in chosen)
        and (found := inventory.network(network.name)) is not None
        and (reason := _mismatch(site, found, is_virtual=network.is_virtual))
    ]


def against_connecting(
    vms: Sequence[VmAdapters], *, site: Site, inventory: Inventory | None, is_test: bool
) -> list[str]:
    """Every reason why VMM could not connect these VMs to their virtual networks."""
    asking = [
        (each, adapter)
        for each in vms
        for adapter in each.adapters
        if adapter.is_virtual and not adapter.keeps
    ]
    if not asking:
        return []
    if inventory is None:
        networks = " and ".join(dict.fromkeys(adapter.network or "" for _, adapter in asking))
        names = ", ".join(dict.fromkeys(each.name for each, _ in asking))
        return [
            f"{site.vmm.name} did not tell its networks, and only VMM connects {names} to "
            f"{networks} (Windows Network Virtualization): mend VMM, then start again"
        ]
    reasons = [
        reason
        for each, adapter in asking
        for reason in _against(each, adapter, site=site, inventory=inventory, is_test=is_test)
    ]
    return list(dict.fromkeys(reasons))


def without_logical_network(host: str, vm: str, logical: str, *, is_test: bool) -> str:
    """The reason against a host that cannot carry networks of a logical network."""
    comes = "would be tested" if is_test else "would come up"
    return (
        f"{host} has no network adapter with the logical network {logical}, and {vm} {comes} "
        "there: add the logical network to its logical switch in VMM, or choose another network"
    )


def is_among(host: str, hosts: Iterable[str]) -> bool:
    """Whether that host is one of them, whoever writes its domain."""
    return _short(host) in {_short(each) for each in hosts}


def _short(host: str) -> str:
    return host.partition(".")[0].casefold()


def _mismatch(site: Site, found: InventoryNetwork, *, is_virtual: bool) -> str:
    name, vmm = found.name, site.vmm.name
    if found.is_virtual and not is_virtual:
        return (
            f"{vmm} shows {name} as a network of Windows Network Virtualization, to which only VMM "
            "can connect adapters, and the estate connects them by switch and VLAN: write "
            f"`virtual` as the `isolation` of {name} in the estate, and take its `switch` and "
            "`vlan` out"
        )
    if is_virtual and not found.is_virtual:
        return (
            f"the estate calls {name} virtual, and {vmm} shows it as {found.isolation}: write the "
            f"`switch` of {name} in the estate, and its `vlan` if it has one, instead of its "
            "`isolation`"
        )
    return ""


def _against(
    each: VmAdapters, adapter: PlannedAdapter, *, site: Site, inventory: Inventory, is_test: bool
) -> Iterator[str]:
    vmm, name = site.vmm.name, adapter.network or ""
    network = inventory.network(name)
    if network is None:
        yield f"{vmm} knows no VM network {name}: mend its name in the estate, or make it there"
        return
    # Test VMs are not there yet; their replicas are looked for with every test.
    if not is_test and inventory.vm(each.copy.id) is None:
        yield (
            f"{each.name} on {each.host} is not in the inventory of {vmm}, which has to connect it "
            f"to {name}: refresh the host in VMM, or check that it manages the host"
        )
    if network.hosts is not None and not is_among(each.host, network.hosts):
        yield without_logical_network(
            each.host, each.name, network.logical_network, is_test=is_test
        )
