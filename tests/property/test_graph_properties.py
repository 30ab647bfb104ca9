from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secondsite.errors import DependencyCycleError
from secondsite.graph import Action, Operation, RunGraph, Step, compile_graph
from secondsite.graph.names import escape
from secondsite.plan.model import Direction, Plan
from tests.property.strategies import plans

OPERATIONS = st.sampled_from(Operation)


def _vm_step(graph: RunGraph, vm: str, action: Action) -> Step:
    return next(
        step
        for step in graph
        if step.vm is not None and step.vm.name == vm and step.action == action
    )


def _own(graph: RunGraph, vm: str) -> list[Step]:
    return [step for step in graph if step.vm is not None and step.vm.name == vm]


def _ancestors(graph: RunGraph, step: str) -> set[str]:
    found: set[str] = set()
    frontier = [step]
    while frontier:
        for before in graph.waits_for(frontier.pop()):
            if before not in found:
                found.add(before)
                frontier.append(before)
    return found


@given(plans(), OPERATIONS, st.sampled_from(Direction))
def test_the_order_respects_every_edge(
    plan: Plan, operation: Operation, direction: Direction
) -> None:
    graph = compile_graph(plan, operation=operation, direction=direction, cleanup=True, hold=True)

    place = {step: index for index, step in enumerate(graph.order())}
    assert all(place[before] < place[step] for before, step in graph.edges)
    assert len(place) == len(graph) == len({step.id for step in graph})


@given(plans(), OPERATIONS)
def test_every_vm_is_in_every_phase_exactly_once(plan: Plan, operation: Operation) -> None:
    graph = compile_graph(plan, operation=operation)

    counts = Counter(
        (step.action, step.vm.name) for step in graph if step.vm is not None and step.hook is None
    )
    assert set(counts.values()) <= {1}
    phases = {
        Operation.TEST: {Action.FAILOVER, Action.CONNECT, Action.START, Action.READY},
        Operation.PLANNED: {Action.SHUTDOWN, Action.PREPARE, Action.FAILOVER, Action.START}
        | {Action.REVERSE, Action.COMMIT},
        Operation.UNPLANNED: {Action.SHUTDOWN, Action.FAILOVER, Action.START},
        Operation.CLEANUP: {Action.CLEANUP},
        Operation.COMMIT: {Action.COMMIT},
        Operation.UNDO: {Action.UNDO},
        Operation.REVERSE: {Action.FENCE, Action.REVERSE},
        Operation.CANCEL: {Action.CANCEL, Action.START, Action.READY},
        Operation.PREPARE_DNS: set(),  # only VMs with names
        Operation.ROLLBACK_DNS: set(),
    }[operation]
    assert all(counts[action, vm.name] == 1 for action in phases for vm in plan.vms)


@given(plans(), OPERATIONS)
def test_everything_waits_for_the_preflight(plan: Plan, operation: Operation) -> None:
    graph = compile_graph(plan, operation=operation, cleanup=True)

    assert graph.order()[0] == "preflight"
    for step in graph.order()[1:]:
        needed = set(graph.waits_for(step)) - set(graph.tolerates(step))
        while needed and "preflight" not in needed:
            needed = {
                before
                for each in needed
                for before in set(graph.waits_for(each)) - set(graph.tolerates(each))
            }
        assert "preflight" in needed, f"{step} could start after a refusal"


@given(plans(), st.sampled_from([Operation.TEST, Operation.PLANNED, Operation.UNPLANNED]))
def test_a_vm_starts_after_the_last_step_of_what_it_depends_on(
    plan: Plan, operation: Operation
) -> None:
    graph = compile_graph(plan, operation=operation)

    boot = {Action.START, Action.READY, Action.ADDRESS, Action.DNS, Action.VERIFY}
    for vm in plan.vms:
        before = _ancestors(graph, _vm_step(graph, vm.name, Action.START).id)
        for other in vm.depends_on:
            steps = [
                step
                for step in _own(graph, other)
                if step.action in boot or f"/{escape(other)}/after/" in step.id
            ]
            assert {step.id for step in steps} <= before


@given(plans(), st.sampled_from([Operation.TEST, Operation.PLANNED, Operation.UNPLANNED]))
def test_groups_start_one_after_the_other(plan: Plan, operation: Operation) -> None:
    graph = compile_graph(plan, operation=operation)

    earlier: set[str] = set()
    for group in plan.groups:
        own = {_vm_step(graph, vm.name, Action.VERIFY).id for vm in group.vms}
        for vm in group.vms:
            before = _ancestors(graph, _vm_step(graph, vm.name, Action.START).id)
            assert earlier <= before
        earlier |= own


@given(plans())
def test_shutdown_is_the_reverse_of_start(plan: Plan) -> None:
    graph = compile_graph(plan, operation=Operation.PLANNED)

    starts = {vm.name: _vm_step(graph, vm.name, Action.START).id for vm in plan.vms}
    stops = {vm.name: _vm_step(graph, vm.name, Action.SHUTDOWN).id for vm in plan.vms}
    before_start = {vm: _ancestors(graph, step) for vm, step in starts.items()}
    before_stop = {vm: _ancestors(graph, step) for vm, step in stops.items()}
    for first, start in starts.items():
        for second, stop in stops.items():
            assert (start in before_start[second]) == (stop in before_stop[first])


@given(plans(), st.data())
def test_a_cycle_is_always_found_and_its_path_is_real(plan: Plan, data: st.DataObject) -> None:
    if not list(plan.vms):
        return
    graph = compile_graph(plan, operation=Operation.TEST)
    late = data.draw(st.sampled_from([vm.name for vm in plan.vms]))
    before = _ancestors(graph, _vm_step(graph, late, Action.VERIFY).id)
    early = data.draw(
        st.sampled_from(
            [vm.name for vm in plan.vms if _vm_step(graph, vm.name, Action.START).id in before]
        )
    )
    written = plan.model_dump(mode="json")
    for group in written["groups"]:
        for vm in group["vms"]:
            if vm["name"] == early:
                vm["depends_on"] = [*vm["depends_on"], late]
    circular = Plan.model_validate(written)

    with pytest.raises(DependencyCycleError) as caught:
        compile_graph(circular, operation=Operation.TEST)

    cycle = caught.value.cycle
    assert any(step.startswith(f"{_group(plan, early)}/{escape(early)}/") for step in cycle)
    assert len(set(cycle)) == len(cycle)
    assert " → ".join((*cycle, cycle[0])) in caught.value.message


def _group(plan: Plan, vm: str) -> str:
    return next(
        escape(group.name) for group in plan.groups if vm in {each.name for each in group.vms}
    )


@given(plans(), OPERATIONS)
def test_edges_grow_with_the_plan_not_with_its_square(plan: Plan, operation: Operation) -> None:
    graph = compile_graph(plan, operation=operation, cleanup=True)

    dependencies = sum(len(vm.depends_on) for vm in plan.vms)
    assert len(graph.edges) <= 3 * len(graph) + 3 * dependencies


@given(st.text(), st.text())
def test_no_two_names_share_an_id(first: str, second: str) -> None:
    assert (escape(first) == escape(second)) == (first == second)
    assert "/" not in escape(first)
