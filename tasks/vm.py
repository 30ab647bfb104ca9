"""What several tasks ask about one VM of the run: its host, its test VM, how it is reached."""

from __future__ import annotations

from collections.abc import Callable

from secondsite.connectors.base import ActionResult
from secondsite.errors import NotFoundError
from secondsite.graph import Action, Step
from secondsite.plan.estate import Network
from secondsite.plan.masquerade import masqueraded
from secondsite.plan.model import PlannedVm
from secondsite.run.events import Noted, VmFact
from tasks.context import RunContext

__all__ = ["fact_of", "not_done", "reach", "running_name", "skipped", "vm_of"]


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


async def not_done(run: RunContext, step: Step, reason: str) -> ActionResult:
    """The result of a step in a site that may be gone: an emergency does not wait for it."""
    await run.tell(Noted(at=run.now(), step=step.id, text=reason, level="warning"))
    return ActionResult(changed=False, evidence={"not_done": reason})


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


def reach(network: Network | None) -> Callable[[str], str]:
    """A function from a guest's address to the one under which the engine reaches it."""

    def translated(address: str) -> str:
        return masqueraded(network, address) if network else address

    return translated
