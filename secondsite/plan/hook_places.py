"""Every script and gate of a plan, with its place in the file and in the run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from secondsite.plan.hooks import GateHook, ScriptHook
from secondsite.plan.model import Group, Plan, PlannedVm

__all__ = ["HookPlace", "hook_places"]

Part = Literal["shutdown", "failover", "group", "vm", "rehearse"]
When = Literal["before", "after"]


@dataclass(frozen=True, slots=True, kw_only=True)
class HookPlace:
    """One hook and where it stands.

    Attributes:
        path: Keys and indexes that lead to it in the plan's file.
        part: What it is around.
        group: Index of the group, for hooks of groups and of VMs.
        vm: The VM, for hooks of VMs.
    """

    hook: ScriptHook | GateHook
    path: tuple[str | int, ...]
    part: Part
    when: When
    group: int | None = None
    vm: PlannedVm | None = None


def hook_places(plan: Plan) -> Iterator[HookPlace]:
    """Every hook of `plan`, in the order in which the parts of a plan stand in its file."""
    for hooks, part in ((plan.shutdown, "shutdown"), (plan.failover, "failover")):
        for when, listed in (("before", hooks.before), ("after", hooks.after)):
            for index, hook in enumerate(listed):
                yield HookPlace(
                    hook=hook,
                    path=(part, when, index),
                    part="shutdown" if part == "shutdown" else "failover",
                    when="before" if when == "before" else "after",
                )
    for index, group in enumerate(plan.groups):
        yield from _around_group(index, group, "before")
        for number, vm in enumerate(group.vms):
            yield from _around_vm((index, number), vm, "before")
            yield from _around_vm((index, number), vm, "after")
        yield from _around_group(index, group, "after")
    for index, hook in enumerate(plan.rehearse.verify if plan.rehearse else ()):
        yield HookPlace(
            hook=hook, path=("rehearse", "verify", index), part="rehearse", when="after"
        )


def _around_group(index: int, group: Group, when: When) -> Iterator[HookPlace]:
    for number, hook in enumerate(group.before if when == "before" else group.after):
        yield HookPlace(
            hook=hook, path=("groups", index, when, number), part="group", when=when, group=index
        )


def _around_vm(where: tuple[int, int], vm: PlannedVm, when: When) -> Iterator[HookPlace]:
    index, position = where
    for number, hook in enumerate(vm.before if when == "before" else vm.after):
        yield HookPlace(
            hook=hook,
            path=("groups", index, "vms", position, when, number),
            part="vm",
            when=when,
            group=index,
            vm=vm,
        )
