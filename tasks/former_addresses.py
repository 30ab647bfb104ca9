"""The addresses that a VM had in the site that it leaves, from everybody who may know them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from ipaddress import ip_address, ip_network

from secondsite.plan.estate import Site
from secondsite.plan.model import Direction, PlannedVm
from secondsite.plan.way_back import static_address
from tasks.context import RunContext

__all__ = ["former_addresses", "in_subnets_of"]


def former_addresses(
    run: RunContext, vm: PlannedVm, *, addresses: Iterable[str]
) -> tuple[str, ...]:
    """What led to `vm` where it was: as surveyed, as planned, as earlier runs found it.

    Together with what the subnet rules make of its new `addresses`. Too many do no harm: they count
    only where a record has them.
    """
    known = (
        *_surveyed(run, vm),
        *_planned(run, vm),
        *_found_earlier(run, vm),
        *_mapped(run, addresses),
    )
    return tuple(dict.fromkeys(known))


def in_subnets_of(site: Site | None) -> Callable[[str], bool]:
    """Whether an address is in a production subnet of that site; of any, if it names none."""
    subnets = [
        subnet
        for network in (site.networks if site else ())
        if network.purpose == "production"
        for subnet in network.subnets
    ]

    def is_in(text: str) -> bool:
        try:
            address = ip_address(text)
        except ValueError:
            return False
        return any(address in subnet for subnet in subnets) or not subnets

    return is_in


def _surveyed(run: RunContext, vm: PlannedVm) -> Iterator[str]:
    fact = run.vms.get(vm.name)
    if fact is not None:
        yield from (str(each) for each in fact.facts.get("source_addresses") or ())


def _planned(run: RunContext, vm: PlannedVm) -> Iterator[str]:
    """A static address of the plan, through the subnet rules."""
    other = Direction.BACK if run.direction is Direction.FORWARD else Direction.FORWARD
    planned = static_address(vm, run.protection, other)
    for interface in (planned.ipv4, planned.ipv6) if planned else ():
        if interface is not None:
            yield str(interface).partition("/")[0]


def _found_earlier(run: RunContext, vm: PlannedVm) -> Iterator[str]:
    """What the newest failover in the other direction found, when it brought the VM here."""
    for record in reversed(run.earlier_runs()):
        if record.is_real_failover and record.direction != run.direction:
            found = record.vm(vm.name)
            if found is not None and found.addresses:
                yield from found.addresses
                return


def _mapped(run: RunContext, addresses: Iterable[str]) -> Iterator[str]:
    """The same host part in the other site, by the subnet rules of the protection."""
    rules = [(ip_network(here), ip_network(there)) for here, there in _rules(run)]
    for text in addresses:
        address = ip_address(text)
        for old, new in rules:
            if address.version == new.version and address in new:
                yield str(ip_address(int(address) - int(new[0]) + int(old[0])))


def _rules(run: RunContext) -> Iterable[tuple[str, str]]:
    """(subnet of the site that is left, subnet of the site that takes over)."""
    pairs = run.protection.subnets.items()
    return pairs if run.direction is Direction.FORWARD else ((new, old) for old, new in pairs)
