"""The VM networks that a test makes for itself in VMM: made before it, removed after it."""

from __future__ import annotations

import asyncio

from secondsite.connectors.base import ActionResult
from secondsite.connectors.vmm import MakeNetworkRequest, RemoveNetworkRequest, mark_of
from secondsite.graph import Step
from secondsite.run.leftovers import LeftNetworks
from tasks.action import step_task
from tasks.context import RunContext

__all__ = ["make_networks", "remove_networks"]


@step_task
async def make_networks(run: RunContext, step: Step) -> ActionResult:
    """Make the networks that the preflight planned; what of them is there already is left.

    Their names are in the journal since the preflight: a clean-up looks for each of them, even if
    nothing tells whether it was made.
    """
    access = run.sites.vmm(run.target_site_name)
    results = await asyncio.gather(
        *(
            access.make_network.submit(
                each.name, MakeNetworkRequest(network=each, mark=mark_of(run.run_id))
            )
            for each in run.made_networks
        )
    )
    return ActionResult(
        changed=any(each.changed for each in results),
        evidence={
            "networks": [
                {
                    "name": each.name,
                    "in_place_of": each.mapped,
                    "logical_network": each.logical_network,
                    "isolation": each.isolation,
                    "subnets": list(each.prefixes),
                }
                for each in run.made_networks
            ]
        },
    )


@step_task
async def remove_networks(run: RunContext, step: Step) -> ActionResult:
    """Remove the networks that tests of this plan made; what nobody of ours made stays."""
    removed: list[str] = []
    for left in run.networks_left():
        removed += await _remove(run, left)
    return ActionResult(changed=bool(removed), evidence={"removed": removed})


async def _remove(run: RunContext, left: LeftNetworks) -> list[str]:
    access = run.sites.vmm(left.site)
    # VMM takes test VMs that are gone for connected ones, until it looks at their hosts again.
    hosts = {*left.hosts, *(vm.host for vm in run.vms.values() if vm.host)}
    await asyncio.gather(*(access.refresh.submit(host, host) for host in hosts))
    results = await asyncio.gather(
        *(
            access.remove_network.submit(
                name, RemoveNetworkRequest(name=name, mark=mark_of(left.run_id))
            )
            for name in left.names
        )
    )
    return [name for name, each in zip(left.names, results, strict=True) if each.changed]
