"""The plan that a person names on the command line."""

from __future__ import annotations

from secondsite.home import plans_folder
from secondsite.plan.loader import find_plan, load_estate, load_plan
from secondsite.plan.model import Plan

__all__ = ["named_plan"]


def named_plan(name: str) -> Plan:
    """The plan of that name in the plans folder, or in the file of that path; without a fault.

    Raises:
        PlanError: there is no such plan, or it or the estate beside it is wrong.
    """
    path = find_plan(name, folder=plans_folder())
    return load_plan(path, load_estate(path.parent))
