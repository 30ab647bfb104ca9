"""What several tasks ask about one VM of the run: its host, its test VM, its usable addresses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from ipaddress import ip_address, ip_interface

from secondsite.connectors.base import ActionResult
from secondsite.errors import NotFoundError
from secondsite.graph import Action, Operation, Step
from secondsite.plan.estate import Network
from secondsite.plan.masquerade import masqueraded
from secondsite.plan.model import PlannedVm
from secondsite.plan.way_back import static_address
from secondsite.run.events import VmFact
from tasks.context import RunContext

__all__ = ["fact_of", "reach", "running_name", "skipped", "usable_addresses", "vm_of"]


def vm_of(step: Step) -> PlannedVm:
    """The VM that the step acts on."""
    if step.vm is None:
        raise TypeError(f"{step.id} acts on no VM")
    return step.vm


def fact_of(run: RunContext, vm: PlannedVm) -> VmFact:
    """Where the inventory found `vm`.

    Raises:
        NotFoundError: the inventory did not find it.
    """
    fact = run.vms.get(vm.name)
    if fact is None:
        raise NotFoundError(
            f"{vm.name} was not found in {run.target_site_name}; nothing was done to it.",
            vm=vm.name,
            next_step="Start the run anew: its preflight looks for every VM.",
        )
    return fact


def skipped(run: RunContext, vm: PlannedVm) -> ActionResult | None:
    """The result of every step of a VM that is over already; None if it takes part."""
    reason = fact_of(run, vm).facts.get("already")
    return ActionResult(changed=False, evidence={"skipped": reason}) if reason else None


def running_name(run: RunContext, vm: PlannedVm) -> str:
    """The name under which the VM runs on its host: its test VM's, or its own.

    Raises:
        NotFoundError: its test failover left no test VM.
    """
    if not run.is_test:
        return vm.name
    name = run.evidence_of(vm=vm.name, action=Action.FAILOVER).get("test_vm")
    if not name:
        raise NotFoundError(
            f"No test VM of {vm.name} is known to this run; nothing was started.",
            vm=vm.name,
            next_step="Retry the failover step of this VM.",
        )
    return str(name)


def usable_addresses(
    run: RunContext, vm: PlannedVm, network: Network | None
) -> Callable[[Sequence[str]], Sequence[str]]:
    """A function that leaves, of a guest's addresses, those that count; the planned one first.

    Link-local addresses never count; addresses outside the network's subnets are stale ones.
    """
    wanted = _planned_addresses(run, vm)
    subnets = network.subnets if network else ()

    def usable(addresses: Sequence[str]) -> Sequence[str]:
        parsed = [ip_address(text.partition("%")[0]) for text in addresses]
        fit = [
            address
            for address in parsed
            if not address.is_link_local
            and (not subnets or any(address in subnet for subnet in subnets))
        ]
        if wanted:
            fit = [address for address in fit if str(address) in wanted]
        return [str(address) for address in sorted(fit, key=lambda each: each.version)]

    return usable


def reach(network: Network | None) -> Callable[[str], str]:
    """A function from a guest's address to the one under which the engine reaches it."""

    def translated(address: str) -> str:
        return masqueraded(network, address) if network else address

    return translated


def _planned_addresses(run: RunContext, vm: PlannedVm) -> frozenset[str]:
    address = static_address(vm, run.protection, run.direction)
    if address is None or run.operation is Operation.CANCEL:
        return frozenset()
    planned = (address.ipv4, address.ipv6)
    return frozenset(str(ip_interface(each).ip) for each in planned if each is not None)
