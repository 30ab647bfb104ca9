"""The same VM in the other site: it never runs there while we start it here."""

from __future__ import annotations

from secondsite.errors import SecondsiteError, WrongStateError
from secondsite.graph import Action, Operation, Side
from secondsite.plan.model import PlannedVm
from tasks.context import RunContext
from tasks.sites import HostAccess
from tasks.vm import fact_of
from tasks.whereabouts import NowhereError, on_its_host

__all__ = ["refuse_running_twin"]


async def refuse_running_twin(run: RunContext, vm: PlannedVm) -> None:
    """Make sure that the twin of `vm` is off, or that people have vouched for the other site.

    Raises:
        WrongStateError: it runs, or may run.
    """
    if run.operation is Operation.CANCEL:
        # As the preflight saw, its copies were not failed over, and Hyper-V lets no replica start;
        # or people have vouched for the other site.
        return
    fact = fact_of(run, vm)
    if fact.facts.get("source_state") == "absent":
        return
    state = await _state(run, vm)
    if state == "Off":
        return
    if state.startswith("unknown") and run.options.other_site_is_gone.strip():
        return
    fact = fact_of(run, vm)  # it may have been found elsewhere
    where = f"{run.source_site_name} ({fact.source_host or 'host unknown'})"
    raise WrongStateError(
        f"{vm.name} was not started in {run.running_site_name}: in {where} its state is {state}.",
        vm=vm.name,
        host=fact.host,
        next_step=(
            f"Turn it off in {run.source_site_name}, then retry this step. If that site is gone, "
            "start the run again with --other-site-is-gone and who says so."
        ),
    )


async def _state(run: RunContext, vm: PlannedVm) -> str:
    """The twin's state as Hyper-V names it; `unknown`, with the reason, if it cannot be had."""
    host = fact_of(run, vm).source_host
    if not host or run.is_given_up(host):
        return "unknown"

    async def look(access: HostAccess) -> str:
        asked = access.look.submit(vm.name, vm.name)
        return (await run.ask_source(access.name, asked, phase=Action.START)).state

    try:
        # Not there any more: it may have been moved, and run on another node.
        return await on_its_host(run, vm, look, side=Side.SOURCE)
    except NowhereError as error:
        return f"unknown ({error.message})" if error.silent else "Off"
    except SecondsiteError as error:
        return f"unknown ({error.message})"
