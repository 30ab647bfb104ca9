"""Where a plan stands, asked of both sites: what runs where, and what may be done now."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from secondsite.cli.block_reading import read_block
from secondsite.cli.plan_outlook import outlook_of
from secondsite.cli.start import open_journal
from secondsite.connectors.offers import command, offered
from secondsite.connectors.standing import PlanStanding
from secondsite.errors import CredentialError
from secondsite.home import home, plans_folder
from secondsite.plan.estate import Estate, Protection
from secondsite.plan.loader import find_plan, load_estate, load_plan
from secondsite.plan.model import Direction, Plan
from secondsite.run.adapters_seen import TAKE_OR_GIVE_BACK, holders
from secondsite.run.history import runs_of_vms
from tasks.connections import Sites
from tasks.context import protection_of
from tasks.surveys import SiteSurvey, standing_in, survey_briefly

__all__ = ["Asked", "ask_sites", "show_plan"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A plan, and what its two sites answered."""

    folder: Path
    plan: Plan
    estate: Estate
    standing: PlanStanding
    sides: tuple[SiteSurvey, SiteSurvey]


def ask_sites(name: str, *, leave_out: Direction | None = None) -> Asked:
    """Where the plan stands. A site that is dead costs the estate's connection limit, no more.

    With `leave_out`, the site that a failover in that direction leaves is asked nothing at all.

    Raises:
        PlanError: there is no such plan, or it is wrong.
    """
    path = find_plan(name, folder=plans_folder())
    estate = load_estate(path.parent, resolve=True)
    plan = load_plan(path, estate)
    return asyncio.run(_ask(plan, estate, leave_out, path.parent))


def show_plan(name: str, *, as_json: bool) -> int:
    """Print where the plan stands and what is offered; gives 0, or 5 if no host answered."""
    asked = ask_sites(name)
    with open_journal() as journal:
        outlook = outlook_of(asked.plan, asked.estate, journal, folder=asked.folder)
    facts = _facts(asked) | {"standing": outlook.proof.as_dict()} | outlook.as_dict()
    if as_json:
        print(json.dumps(facts, indent=2))
    else:
        _print(facts)
        print()
        for line in outlook.lines():
            print(line)
    return 0 if any(side.surveys for side in asked.sides) else 5


async def _ask(plan: Plan, estate: Estate, leave_out: Direction | None, folder: Path) -> Asked:
    protection = protection_of(plan, estate)
    sites = Sites(estate, home=home(), block_reader=read_block)
    unasked = protection.site_names(leave_out)[0] if leave_out else None

    async def side(site: str) -> SiteSurvey:
        if site == unasked:
            hosts = tuple(host.name for host in estate.sites[site].hosts)
            return SiteSurvey(site=site, silent=hosts)
        return await survey_briefly(sites, estate, site)

    try:
        first, second = await asyncio.gather(side(protection.primary), side(protection.recovery))
    finally:
        await sites.close()
    sides = (first, second)
    standing = standing_in(plan, protection, *sides, holders=_holders(plan, protection))
    return Asked(folder=folder, plan=plan, estate=estate, standing=standing, sides=sides)


def _holders(plan: Plan, protection: Protection) -> dict[str, frozenset[str]]:
    """The VMs for which addresses are taken, by site, as the journal of this machine knows it."""
    names = [vm.name for vm in plan.vms]
    with open_journal() as journal:
        records = runs_of_vms(journal, names, operations=TAKE_OR_GIVE_BACK)
    return holders(records, names, (protection.primary, protection.recovery))


def _facts(asked: Asked) -> dict[str, Any]:
    plan, standing = asked.plan, asked.standing
    protection = protection_of(plan, asked.estate)
    return {
        "plan": plan.name,
        "state": standing.state,
        "direction": str(standing.direction),
        "vms": [
            {
                "name": vm.name,
                "state": f"split: {vm.state}" if vm.is_split else str(vm.state),
                "runs_in": vm.where,
                "sites": {
                    side.site: {
                        "host": side.host,
                        "power": side.power,
                        "mode": side.relation.mode if side.relation else "",
                        "replication": side.relation.state if side.relation else "",
                        "health": side.relation.health if side.relation else "",
                    }
                    for side in (vm.home, vm.away)
                },
            }
            for vm in standing.vms.values()
        ],
        "credentials": [
            trouble.message
            for each in asked.sides
            for trouble in each.troubles
            if isinstance(trouble, CredentialError)
        ],
        "silent": {each.site: list(each.silent) for each in asked.sides if each.silent},
        "offered": [
            {
                "operation": str(operation),
                "direction": str(direction),
                "command": command(plan.name, operation, direction),
            }
            for operation, direction in offered(standing, protection)
        ],
    }


def _print(facts: dict[str, Any]) -> None:
    print(f"{facts['plan']}: {facts['state']}")
    for site, hosts in facts["silent"].items():
        print(f"No answer from {site}: {', '.join(hosts)}")
    for trouble in facts["credentials"]:
        print(trouble)
    print()
    width = max((len(vm["name"]) for vm in facts["vms"]), default=2)
    for vm in facts["vms"]:
        sides = "   ".join(
            f"{site}: {side['power']}, {side['mode'] or '-'} {side['replication']}".rstrip()
            for site, side in vm["sites"].items()
        )
        print(f"{vm['name']:<{width}}  {vm['state']:<28}  {sides}")
    print("\nOffered now:" if facts["offered"] else "\nNothing is offered now.")
    for each in facts["offered"]:
        print(f"  {each['command']}")
