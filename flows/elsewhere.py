"""Whether a plan's VMs are in the other site: after a real failover there is nothing to rehearse.

That is no defect of the plan, so no check of it is made, and its standing stays what it was.
"""

from __future__ import annotations

from collections.abc import Sequence

from flows.blocks import read_block
from secondsite.connectors.offers import possible
from secondsite.connectors.standing import PlanStanding
from secondsite.errors import SecondsiteError
from secondsite.home import home, plans_folder
from secondsite.plan.estate import Protection
from secondsite.plan.loader import find_plan, load_estate
from secondsite.plan.model import Plan
from tasks.connections import Sites
from tasks.context import protection_of
from tasks.surveys import standing_in, survey_briefly

__all__ = ["elsewhere"]

_MOST_NAMES = 5


async def elsewhere(plan: Plan) -> str:
    """Why no test of the plan can be made where its VMs are now, and what can be done instead.

    Empty if they are not seen in the recovery site, and if one runs in both sites: whatever else is
    wrong, the check tells.
    """
    try:
        estate = load_estate(find_plan(plan.name, folder=plans_folder()).parent, resolve=True)
        protection = protection_of(plan, estate)
        sites = Sites(estate, home=home(), block_reader=read_block)
        try:
            # Most often the VMs are at home, and the recovery site alone tells it.
            there = await survey_briefly(sites, estate, protection.recovery)
            if not standing_in(plan, protection, there).away:
                return ""
            here = await survey_briefly(sites, estate, protection.primary)
        finally:
            await sites.close()
    except SecondsiteError:
        return ""
    standing = standing_in(plan, protection, here, there)
    return _words(plan, protection, standing) if standing.away else ""


def _words(plan: Plan, protection: Protection, standing: PlanStanding) -> str:
    away = standing.away
    is_all = len(away) == len(standing.vms)
    verb = "are" if is_all or len(away) > 1 else "is"
    who = "its VMs" if is_all else _few(away)
    commands = possible(plan.name, standing, protection)
    instead = f"; possible now: {', '.join(commands)}" if commands else ""
    return (
        f"{who} {verb} in {protection.recovery}, where a test would come up, and not in "
        f"{protection.primary} ({standing.state}){instead}"
    )


def _few(names: Sequence[str]) -> str:
    rest = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {rest} more" if rest > 0 else "")
