"""What is wrong with gates: too few people, limits that make no sense, facts that no run knows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from secondsite.errors import Fault
from secondsite.plan.gates import Escalation, OnTimeout
from secondsite.plan.hook_places import HookPlace
from secondsite.plan.hooks import GateHook
from secondsite.plan.instruction_words import (
    RUN_WORDS,
    VM_OF_GATE,
    VM_WORDS,
    VMS,
    sample_facts,
)
from secondsite.plan.instructions import Mention, fill_in, mentions, syntax_fault
from secondsite.plan.model import Plan
from secondsite.plan.suggestions import did_you_mean
from secondsite.plan.yaml_source import Source

__all__ = ["check_gate"]

Place = tuple[str | int, ...]
_ALL_VMS = frozenset({"items", "keys", "values"})


def check_gate(source: Source[Plan], plan: Plan, place: HookPlace) -> Iterator[Fault]:
    """Every fault of one gate that the plan's file alone shows."""
    gate, path = place.hook, place.path
    if not isinstance(gate, GateHook):
        return
    yield from _check_people(source, gate, path)
    if gate.timeout.total_seconds() <= 0:
        yield source.fault("nobody can answer in no time: write 4h", *path, "timeout")
    if gate.remind_every is not None and gate.remind_every.total_seconds() <= 0:
        yield source.fault("a reminder needs some time: write 30m", *path, "remind_every")
    yield from _check_escalation(source, gate, path)
    yield from _check_instructions(source, plan, gate, place)


def _check_people(source: Source[Plan], gate: GateHook, path: Place) -> Iterator[Fault]:
    different = {name.casefold() for name in gate.approvers}
    if len(different) < len(gate.approvers):
        yield source.fault("somebody is written twice: keep one", *path, "approvers")
    if gate.approvers and gate.required > len(different):
        yield source.fault(
            f"{gate.required} must approve, but only {len(different)} may: "
            f"write required: {len(different)}, or more approvers",
            *path,
            "required",
        )


def _check_escalation(source: Source[Plan], gate: GateHook, path: Place) -> Iterator[Fault]:
    escalates = gate.on_timeout is OnTimeout.ESCALATE
    match gate.escalate:
        case None if escalates:
            yield source.fault(
                "to whom? write escalate: {approvers: [NAME], timeout: 1h}", *path, "on_timeout"
            )
        case Escalation() if not escalates:
            yield source.fault(
                "this would never happen: write on_timeout: escalate", *path, "escalate"
            )
        case Escalation() as escalation:
            yield from _check_others(source, gate, escalation, path)


def _check_others(
    source: Source[Plan], gate: GateHook, escalation: Escalation, path: Place
) -> Iterator[Fault]:
    first = {name.casefold() for name in gate.approvers}
    others = [name.casefold() for name in escalation.approvers]
    place = (*path, "escalate", "approvers")
    if not first:
        yield source.fault(
            "anybody may decide here already, so there are no others to ask: write approvers, or "
            "remove this",
            *(*path, "escalate"),
        )
    elif set(others) <= first:
        yield source.fault("these are asked already: name somebody else", *place)
    if len(set(others)) < len(others):
        yield source.fault("somebody is written twice: keep one", *place)
    if escalation.timeout.total_seconds() <= 0:
        yield source.fault(
            "nobody can answer in no time: write 1h", *(*path, "escalate", "timeout")
        )


def _check_instructions(
    source: Source[Plan], plan: Plan, gate: GateHook, place: HookPlace
) -> Iterator[Fault]:
    where = (*place.path, "instructions")
    wrong = syntax_fault(gate.instructions)
    if wrong is not None:
        message, line = wrong
        said = _dash(gate.instructions, plan) or (
            f"{{{{ … }}}} is not closed, or not right inside: {message}"
        )
        yield _at_line(source, gate, source.fault(said, *where), where, line)
        return
    if dash := _dash(gate.instructions, plan):
        yield source.fault(dash, *where)
        return
    unknown = False
    at_vm = place.part == "vm"
    for mention in mentions(gate.instructions):
        message = _unknown(mention, plan, at_vm=at_vm)
        if message:
            unknown = True
            yield _at_line(source, gate, source.fault(message, *where), where, mention.line)
    if unknown:
        return
    for are_known in (True, False):
        try:
            fill_in(gate.instructions, sample_facts(plan, at_vm=at_vm, are_known=are_known))
        except ValueError as error:
            when = "" if are_known else " while a fact is not known yet"
            yield source.fault(f"this cannot be filled in{when}: {error}", *where)
            return


def _dash(text: str, plan: Plan) -> str:
    """That a VM's name stands there as if its dash were a minus; empty if none does."""
    dashed = [vm.name for vm in plan.vms if "-" in vm.name and f"{VMS}.{vm.name}" in text]
    if not dashed:
        return ""
    return f"a dash is a minus in {VMS}.{dashed[0]}: write {VMS}['{dashed[0]}']"


def _unknown(mention: Mention, plan: Plan, *, at_vm: bool) -> str:
    """Why no run knows the fact; empty if it does."""
    first, *rest = mention.parts
    words = [word for word in RUN_WORDS if at_vm or word != VM_OF_GATE]
    if first not in words:
        return f'"{first}" is not a fact of a run{did_you_mean(first, words)}'
    names = [vm.name for vm in plan.vms]
    if first == VMS:
        if not rest or rest[0] in _ALL_VMS:
            return ""
        if rest[0] not in names:
            return f'"{rest[0]}" is not a VM of this plan{did_you_mean(rest[0], names)}'
        rest = rest[1:]
    elif first != VM_OF_GATE:
        rest = []
    if rest and rest[0] not in VM_WORDS:
        return f'"{rest[0]}" is not a fact of a VM{did_you_mean(rest[0], VM_WORDS)}'
    return ""


def _at_line(source: Source[Plan], gate: GateHook, fault: Fault, where: Place, line: int) -> Fault:
    """The fault in the line of the text, where the text stands below its key."""
    is_below = "\n" in gate.instructions
    return replace(fault, line=source.lines.of(*where) + line) if is_below else fault
