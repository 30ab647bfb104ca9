"""What speaks against the networks and addresses of a run, before it touches anything. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address

from secondsite.connectors.adapters import VirtualPlaces, numbered
from secondsite.connectors.base import HostSurvey, Inventory, InventoryNetwork, VmSurvey
from secondsite.plan.adapter_plan import PlannedAdapter, slot_of
from secondsite.plan.adapter_rules import rules_of
from secondsite.plan.estate import Network, Site
from secondsite.plan.model import PlannedVm

__all__ = [
    "VmAdapters",
    "against_adapters",
    "against_pools",
    "against_test_network",
    "against_virtual",
    "warnings_about",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class VmAdapters:
    """One VM of the run with what was planned for its adapters.

    Attributes:
        copy: The VM in the site in which it comes up.
        source: The VM in the site that it leaves; None if nobody saw it.
        places: The virtual networks that the copy's adapters are on, as VMM tells.
    """

    vm: PlannedVm
    host: str
    copy: VmSurvey
    adapters: Sequence[PlannedAdapter]
    source: VmSurvey | None = None
    places: VirtualPlaces = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The VM's name in the plan."""
        return self.vm.name

    def named(self, adapter: PlannedAdapter) -> str:
        """The adapter in words: the VM alone where it has only one."""
        if len(self.adapters) == 1:
            return self.name
        number = f" (number {adapter.number + 1})" if adapter.number else ""
        return f"{self.name}, adapter {adapter.name!r}{number}"


def against_adapters(
    vms: Sequence[VmAdapters],
    *,
    site: Site,
    surveys: Sequence[HostSurvey],
    is_mapped: bool,
    made: Sequence[Network] = (),
) -> list[str]:
    """Every reason in names, networks, switches and static addresses.

    Args:
        vms: The VMs of the run.
        site: Where they come up.
        surveys: Of its hosts.
        is_mapped: Whether the protection maps networks: then no VM may end up on none at all.
        made: Networks that the run makes for itself: VMM finds their switches.
    """
    switches = {survey.host: survey.switches for survey in surveys}
    own = {each.name: each for each in made}
    reasons: list[str] = []
    for each in vms:
        reasons += _against_rules(each)
        if is_mapped:
            reasons += _against_no_network(each)
        for adapter in each.adapters:
            if adapter.network is None or adapter.keeps:
                continue
            if network := site.network(adapter.network):
                reasons += _against_switch(each, network, switches.get(each.host, ()))
            if network := network or own.get(adapter.network):
                reasons += _against_address(each, adapter, network)
        reasons += _against_legacy(each)
    reasons += _against_twins(vms)
    return list(dict.fromkeys(reasons))


def _against_rules(each: VmAdapters) -> Iterator[str]:
    """Rules for adapters that the VM does not have, or has several of."""
    names = [adapter.name for adapter in each.copy.adapters]
    count = Counter(name.casefold() for name in names)
    for rule in rules_of(each.vm):
        if rule.adapter is None:
            if not names and rule.rule not in {"keep", "dhcp"}:
                yield f"{each.name} on {each.host} has no network adapter to give an address to"
            continue
        found = count[rule.adapter.casefold()]
        if found == 0:
            has = ", ".join(map(repr, names)) or "none"
            yield (
                f"{each.name} on {each.host} has no network adapter {rule.adapter!r} (it has "
                f"{has}): mend the name in the plan"
            )
        elif found > 1:
            yield (
                f"{each.name} on {each.host} has {found} network adapters named {rule.adapter!r}, "
                "so nobody can tell which one the plan means: rename them in both sites "
                "(Rename-VMNetworkAdapter)"
            )


def _against_no_network(each: VmAdapters) -> Iterator[str]:
    if not each.adapters or any(adapter.network or adapter.keeps for adapter in each.adapters):
        return
    why = [adapter.why_not for adapter in each.adapters if adapter.why_not]
    if len(why) < len(each.adapters) or all("not connected" in text for text in why):
        return  # the run connects to nothing, or it is connected to nothing at home either
    yield (
        f"{each.name}: nothing tells its network over there ({'; '.join(dict.fromkeys(why))}): "
        "complete `networks` of the protection in the estate"
    )


def _against_switch(each: VmAdapters, network: Network, switches: Sequence[str]) -> Iterator[str]:
    if not network.is_virtual and network.switch not in switches:
        yield (
            f"{each.host} has no virtual switch {network.switch!r}, which carries {network.name}: "
            "create it there, or mend the network's `switch` in the estate"
        )


def _against_address(each: VmAdapters, adapter: PlannedAdapter, network: Network) -> Iterator[str]:
    """An injected address that leads nowhere in the network that the adapter is connected to."""
    for address in adapter.addresses:
        around = [subnet for subnet in network.subnets if subnet.version == address.version]
        if around and not any(address in subnet for subnet in around):
            yield (
                f"{each.named(adapter)}: {address} (from {adapter.origin}) is in no subnet of "
                f"{network.name} ({', '.join(map(str, around))}), so nobody would reach it there: "
                "write another address, or another network"
            )


def _against_legacy(each: VmAdapters) -> Iterator[str]:
    legacy = {
        slot_of(adapter.name, number)
        for number, adapter in numbered(each.copy.adapters)
        if adapter.is_legacy
    }
    for adapter in each.adapters:
        if adapter.slot in legacy and adapter.rule in {"static", "pool"}:
            yield (
                f"{each.named(adapter)} is a legacy adapter, for which Hyper-V injects no address: "
                "give the VM a synthetic one, or write `keep` or `dhcp` for it"
            )


def _against_twins(vms: Sequence[VmAdapters]) -> Iterator[str]:
    holders: dict[str, list[str]] = defaultdict(list)
    for each in vms:
        for adapter in each.adapters:
            for address in adapter.addresses:
                holders[str(address)].append(each.named(adapter))
    for held, names in holders.items():
        if len(names) > 1:
            yield f"{' and '.join(names)} would both have {held}: write another one for one"


def against_test_network(vms: Sequence[VmAdapters]) -> list[str]:
    """Adapters that belong to a network which no test network takes the place of."""
    return [
        f"{each.named(adapter)}: no test network takes the place of "
        f"{adapter.mapped or 'its network'}: write `test_network`, or complete `test_networks`, in "
        "the protection"
        for each in vms
        for adapter in each.adapters
        if adapter.network is None and not adapter.why_not
    ]


def against_pools(vms: Sequence[VmAdapters], inventory: Inventory | None, *, vmm: str) -> list[str]:
    """Every reason in the address pools that the run takes addresses out of."""
    asking = [
        (each, adapter)
        for each in vms
        for adapter in each.adapters
        if adapter.rule == "pool" or adapter.is_allocated
    ]
    if not asking:
        return []
    if inventory is None:
        return [
            f"{vmm} did not tell its address pools, and {', '.join(_names(asking))} need one: mend "
            "VMM, or write addresses in the plan"
        ]
    networks = {network.name.casefold(): network for network in inventory.networks}
    known = {vm.id.casefold() for vm in inventory.vms}
    reasons = [
        f"{each.name} on {each.host} is not in the inventory of {vmm}, which has to grant its "
        "address: refresh the host in VMM, or check that it manages the host"
        for each, _ in asking
        if each.copy.id.casefold() not in known
    ]
    by_network: dict[str, list[tuple[VmAdapters, PlannedAdapter]]] = defaultdict(list)
    for each, adapter in asking:
        by_network[adapter.network or ""].append((each, adapter))
    for name, members in by_network.items():
        network = networks.get(name.casefold())
        if network is None or not network.pools:
            what = "has no static IP address pool" if network else f"is not known to {vmm}"
            reasons.append(
                f"the VM network {name} {what}, and {', '.join(_names(members))} want an address "
                "of it: create one in VMM, or write another address rule"
            )
            continue
        for version in sorted({pool.version for pool in network.pools}):
            free = sum(pool.free_count for pool in network.pools if pool.version == version)
            if free < len(members):
                reasons.append(
                    f"the static IP address pools of {name} have {max(free, 0)} IPv{version} "
                    f"addresses free, and {len(members)} adapters want one: enlarge a pool in VMM"
                )
    return list(dict.fromkeys(reasons))


def _names(members: Sequence[tuple[VmAdapters, PlannedAdapter]]) -> list[str]:
    return list(dict.fromkeys(each.name for each, _ in members))


def against_virtual(vms: Sequence[VmAdapters], inventory: Inventory | None) -> list[str]:
    """Test networks of Windows Network Virtualization that cannot take these VMs.

    The combinations that Azure Site Recovery names: a replica whose network has no isolation (there
    are no subnets to take its address), and one with VLANs and DHCP (nothing gives it an address,
    because a virtualized network has addresses from static pools only).
    """
    networks = {each.name.casefold(): each for each in inventory.networks} if inventory else {}
    reasons: list[str] = []
    for each in vms:
        for adapter in each.adapters:
            test = networks.get((adapter.network or "").casefold())
            usual = networks.get((adapter.mapped or "").casefold())
            if test is None or not test.is_virtual:
                continue
            reasons += _against_virtual(each, adapter, test, usual)
    return list(dict.fromkeys(reasons))


def _against_virtual(
    each: VmAdapters,
    adapter: PlannedAdapter,
    test: InventoryNetwork,
    usual: InventoryNetwork | None,
) -> Iterator[str]:
    choose = "choose a test network without virtualization, or `none`"
    if not test.pools:
        yield (
            f"{test.name} is virtualized (Windows Network Virtualization) and has no static IP "
            f"address pool, so no VM gets an address there: create one in VMM, or {choose}"
        )
    if usual is not None and usual.isolation == "NoIsolation":
        yield (
            f"{each.named(adapter)} belongs to {usual.name}, which has no isolation, and "
            f"{test.name} is virtualized, so there is no subnet for it there: {choose}"
        )
    if (
        usual is not None
        and usual.isolation == "VLANNetwork"
        and not usual.pools
        and adapter.rule in {"dhcp", "keep"}
    ):
        yield (
            f"{each.named(adapter)} has its address by DHCP in the VLAN network {usual.name}, "
            f"which has no static IP address pool, and {test.name} is virtualized, where nothing "
            f"gives it an address: create a pool for {usual.name} in VMM, or {choose}"
        )


def warnings_about(vms: Sequence[VmAdapters]) -> list[str]:
    """What is worth knowing before such a run, and keeps nobody from it."""
    return [text for each in vms for text in _warnings(each)]


def _warnings(each: VmAdapters) -> Iterator[str]:
    for adapter in each.adapters:
        if adapter.why_not:
            yield f"{each.named(adapter)} is not connected: {adapter.why_not}."
        if adapter.is_guess:
            yield (
                f"{each.named(adapter)}: nobody has seen its network where it ran, so it is taken "
                f"to belong to {adapter.mapped}, the first of `networks`."
            )
        if adapter.rule == "keep" and adapter.origin not in {"", "the plan"}:
            yield f"{each.named(adapter)} keeps the address that it has inside: {adapter.origin}."
    source = each.source
    injected = any(adapter.rule in {"static", "pool"} for adapter in each.adapters)
    if source is not None and source.state == "Running" and injected:
        if not source.heartbeat.startswith("Ok"):
            yield (
                f"{each.name} shows no integration services where it runs (heartbeat "
                f"{source.heartbeat or 'unknown'}): without them Hyper-V injects no address."
            )
        for adapter, seen in zip(each.adapters, source.adapters, strict=False):
            several = [
                text
                for version in (4, 6)
                if len(own := [one for one in seen.addresses if ip_address(one).version == version])
                > 1
                for text in own
            ]
            if several and adapter.origin.startswith("the subnet rule"):
                yield (
                    f"{each.named(adapter)} has several addresses ({', '.join(several)}), and "
                    "Hyper-V injects one of each family: the first that a subnet rule speaks of is "
                    "taken."
                )
