"""What is wrong with scripts and gates: missing files, VMs that are not up, wrong gates."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from secondsite.errors import Fault
from secondsite.plan.gate_checks import check_gate
from secondsite.plan.hook_places import HookPlace, hook_places
from secondsite.plan.hooks import ENGINE_SCRIPTS, FailoverKind, GateHook, ScriptHook
from secondsite.plan.model import Plan
from secondsite.plan.suggestions import did_you_mean
from secondsite.plan.yaml_source import Source

__all__ = ["check_hooks", "check_script_files"]


def check_hooks(source: Source[Plan], plan: Plan) -> Iterator[Fault]:
    """Every fault of the plan's hooks that its file alone shows."""
    group_of = {
        vm.name.casefold(): index for index, group in enumerate(plan.groups) for vm in group.vms
    }
    for place in hook_places(plan):
        if place.part == "shutdown" and set(place.hook.kinds) == {FailoverKind.TEST}:
            yield source.fault(
                "a test failover shuts nothing down, so this would never run: write "
                "kinds: [planned, unplanned], or put it under failover",
                *place.path,
                "kinds",
            )
        match place.hook:
            case GateHook():
                yield from check_gate(source, plan, place)
            case ScriptHook():
                yield from _check_language(source, place, place.hook)
                if place.hook.on_vm is not None:
                    yield from _check_vm(source, plan, place, group_of)
                if place.hook.credential is not None and not place.hook.is_in_guest:
                    yield source.fault(
                        "this is the account inside a VM, for on: guest:<vm> alone: elsewhere a "
                        "script runs under the account of its server",
                        *place.path,
                        "credential",
                    )


def _check_language(source: Source[Plan], place: HookPlace, hook: ScriptHook) -> Iterator[Fault]:
    is_ours = hook.script.lower().endswith(ENGINE_SCRIPTS)
    if hook.on == "engine" and not is_ours:
        what = (
            "is a PowerShell script, and the engine is no Windows machine: write the path of a "
            ".py or .sh file, or run it on recovery"
        )
    elif hook.on != "engine" and is_ours:
        what = (
            "is not a PowerShell script: write the path of a .ps1 file, or run it with on: engine"
        )
    else:
        return
    yield source.fault(f'"{hook.script}" {what}', *place.path, "script")


def _check_vm(
    source: Source[Plan], plan: Plan, place: HookPlace, group_of: dict[str, int]
) -> Iterator[Fault]:
    hook = place.hook
    if not isinstance(hook, ScriptHook) or hook.on_vm is None:
        return
    index = group_of.get(hook.on_vm.casefold())
    if index is None:
        names = [vm.name for vm in plan.vms]
        yield source.fault(
            f'"{hook.on_vm}" is not a VM of this plan{did_you_mean(hook.on_vm, names)}',
            *place.path,
            "on",
        )
    elif hook.is_in_guest and (reason := _why_not_up(plan, place, index)):
        yield source.fault(
            f"{hook.on_vm} is not up {reason}, so nothing can run inside it: run the script later, "
            f"or on host:{hook.on_vm}",
            *place.path,
            "on",
        )


def _why_not_up(plan: Plan, place: HookPlace, vm_group: int) -> str:
    """Why the VM that a `guest:` hook names cannot be up at that point; empty if it can be."""
    match place.part:
        case "shutdown":
            return "after the shutdown" if place.when == "after" else ""
        case "failover":
            return f"{place.when} the failover"
        case "rehearse":
            return ""  # every group is up
        case "group" | "vm":
            pass
    own_group = place.group if place.group is not None else 0
    if vm_group > own_group:
        return f'before group "{plan.groups[vm_group].name}"'
    if vm_group < own_group or place.when == "after":
        return ""
    if place.part == "group":
        return "before its group has started"
    own = place.vm.name.casefold() if place.vm is not None else ""
    named = place.hook.on_vm if isinstance(place.hook, ScriptHook) else None
    return "before it has started" if named is not None and named.casefold() == own else ""


def check_script_files(source: Source[Plan], plan: Plan, folder: Path) -> Iterator[Fault]:
    """Scripts that the plan names and that are not in its folder."""
    for place in hook_places(plan):
        if not isinstance(place.hook, ScriptHook):
            continue
        name = Path(place.hook.script)
        if name.is_absolute() or ".." in name.parts:
            yield source.fault(
                f'"{name}" is outside the folder of the plan: put the script there, and write its '
                f"path from there, like scripts/{name.name}",
                *place.path,
                "script",
            )
        elif not (folder / name).is_file():
            near = [
                each.relative_to(folder).as_posix()
                for each in folder.rglob("*")
                if each.suffix.lower() in {".ps1", *ENGINE_SCRIPTS}
            ]
            yield source.fault(
                f'there is no file "{name.as_posix()}" beside the plan'
                f"{did_you_mean(name.as_posix(), near)}",
                *place.path,
                "script",
            )
