"""What test failovers have left behind: the only things that a clean-up may touch. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from secondsite.run.record import RunRecord, StepRecord
from secondsite.run.states import StepState

__all__ = ["Leftover", "leftovers"]

DNS_NOTE = "dns.before"
"""Text of the note that keeps a VM's DNS content; written before the content is changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftover:
    """What a test failover made for one VM, as far as the journal knows.

    Attributes:
        run_id: The run that made it: the mark that its test VM bears.
        vm_id: Hyper-V's VMId of the replica.
        test_vm_id: None when the run died before it learnt it.
        former_address: What the clean-up puts back on the replica's adapter.
        dns: Per changed record, what it was before and what we made of it.
    """

    vm: str
    run_id: str
    host: str
    site: str
    vm_id: str
    test_vm: str = ""
    test_vm_id: str | None = None
    former_address: Mapping[str, Any] | None = None
    dns: tuple[Mapping[str, Any], ...] = ()


def leftovers(records: Iterable[RunRecord]) -> dict[str, Leftover]:
    """What is left of the test failovers in `records`, by VM name.

    Args:
        records: Runs of one plan, oldest first.
    """
    left: dict[str, Leftover] = {}
    for record in records:
        for step in record.steps:
            if not step.vm:
                continue
            if record.kind == "test" and step.action == "failover" and step.attempts:
                left[step.vm] = _left_by(record, step)
            elif step.action == "cleanup" and step.state is StepState.DONE:
                left.pop(step.vm, None)
    return left


def _left_by(record: RunRecord, step: StepRecord) -> Leftover:
    vm = record.vm(step.vm)
    kept = {note.step: note.details for note in record.notes if note.text == DNS_NOTE}
    dns_steps = [each.id for each in record.steps if each.vm == step.vm and each.action == "dns"]
    return Leftover(
        vm=step.vm,
        run_id=record.run_id,
        host=step.host or (vm.host if vm else ""),
        site=vm.site if vm else "",
        vm_id=vm.id if vm else "",
        test_vm=str(step.evidence.get("test_vm") or ""),
        test_vm_id=step.evidence.get("test_vm_id"),
        former_address=step.evidence.get("former_address"),
        dns=tuple(change for each in dns_steps for change in kept.get(each, {}).get("changes", ())),
    )
