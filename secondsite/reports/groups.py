"""How far each group and each VM of a run is. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from secondsite.reports.gantt import WHOLE_PLAN, worst_state
from secondsite.reports.phrasing import STATE_GLYPHS, say_action, say_state
from secondsite.reports.shape import RunFacts, State, StepFacts, VmFacts

__all__ = ["GroupProgress", "group_progress", "vm_standings"]

_OVER = frozenset({"done", "skipped"})


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupProgress:
    """One group of the plan, or what concerns the whole plan.

    Attributes:
        standing: Its state in the operator's words, glyph first.
        steps: Without barriers.
        steps_over: Those that are done or skipped.
        under_way: Ids of the steps that run or wait for people now.
    """

    name: str
    state: State
    standing: str
    vms: int
    vms_in_service: int
    steps: int
    steps_over: int
    steps_failed: int
    under_way: tuple[str, ...]


def group_progress(facts: RunFacts) -> list[GroupProgress]:
    """The groups in the order of the plan; first what concerns the whole plan, if anything does."""
    by_group: dict[str, list[StepFacts]] = {}
    for step in facts["steps"]:
        if step["action"] != "barrier":
            by_group.setdefault(step["group"], []).append(step)
    names = sorted(by_group, key=bool)  # stable: the whole plan first, groups as they come
    return [_progress(name, by_group[name], facts) for name in names]


def _progress(name: str, steps: list[StepFacts], facts: RunFacts) -> GroupProgress:
    vms = [vm for vm in facts["vms"] if vm["group"] == name] if name else []
    state = worst_state(step["state"] for step in steps)
    up = sum(vm["in_service_at"] is not None for vm in vms)
    return GroupProgress(
        name=name or WHOLE_PLAN,
        state=state,
        standing=_group_standing(state, steps, is_up=bool(vms) and up == len(vms)),
        vms=len(vms),
        vms_in_service=up,
        steps=len(steps),
        steps_over=sum(step["state"] in _OVER for step in steps),
        steps_failed=sum(step["state"] == "failed" for step in steps),
        under_way=tuple(s["id"] for s in steps if s["state"] in {"running", "waiting"}),
    )


def _group_standing(state: State, steps: list[StepFacts], *, is_up: bool) -> str:
    if state == "pending" and is_up:
        return f"{STATE_GLYPHS['done']} in service"
    if state == "pending" and any(step["state"] == "done" for step in steps):
        return f"{STATE_GLYPHS['pending']} part done"
    return say_state(state)


def vm_standings(facts: RunFacts) -> dict[str, str]:
    """Per VM where it stands, in the operator's words, glyph first."""
    now = _under_way(facts)
    return {vm["name"]: _standing(vm, facts, now.get(vm["name"], "")) for vm in facts["vms"]}


def _standing(vm: VmFacts, facts: RunFacts, action: str) -> str:
    match vm["state"]:
        case "running" if action:
            return f"{STATE_GLYPHS['running']} {say_action(action)}"
        case "running" if vm["in_service_at"]:
            return f"{STATE_GLYPHS['done']} in service"
        case "running":
            return f"{STATE_GLYPHS['pending']} waits for its turn"
        case "pending" if facts["ended_at"]:
            return f"{STATE_GLYPHS['pending']} held back"
        case "failed" | "aborted" | "waiting" as state if action:
            return f"{say_state(state)}: {say_action(action)}"
        case state:
            return say_state(state)


def _under_way(facts: RunFacts) -> dict[str, str]:
    found: dict[str, str] = {}
    for wanted in ("running", "waiting", "aborted", "failed"):  # the last one found counts
        found |= {s["vm"]: s["action"] for s in facts["steps"] if s["state"] == wanted and s["vm"]}
    return found
