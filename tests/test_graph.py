from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from secondsite.errors import DependencyCycleError, PlanError
from secondsite.graph import Action, Operation, PrimarySide, RunGraph, Side, compile_graph
from secondsite.plan.model import Direction, GateHook, OnTimeout, Plan

RECORD = {"name": "sql.corp.example", "zone": "corp.example"}


def make_plan(**parts: Any) -> Plan:
    groups = [
        {"name": "directory", "vms": ["dc01"]},
        {
            "name": "databases",
            "vms": ["sql01", {"name": "sql02", "depends_on": ["SQL01"], "dns": [RECORD]}],
        },
    ]
    return Plan.model_validate({"name": "p", "protection": "x", "groups": groups, **parts})


def needs(graph: RunGraph, step: str) -> set[str]:
    return set[str](graph.waits_for(step)) - set(graph.tolerates(step))


def test_a_test_failover_reads_as_the_plan_does() -> None:
    graph = compile_graph(make_plan(), operation=Operation.TEST)

    assert graph.order() == (
        "preflight",
        "failover/begin",
        "directory/dc01/failover",
        "directory/dc01/connect",
        "databases/sql01/failover",
        "databases/sql01/connect",
        "databases/sql02/failover",
        "databases/sql02/connect",
        "failover/end",
        "directory/begin",
        "directory/dc01/start",
        "directory/dc01/ready",
        "directory/dc01/address",
        "directory/dc01/verify",
        "directory/end",
        "databases/begin",
        "databases/sql01/start",
        "databases/sql01/ready",
        "databases/sql01/address",
        "databases/sql01/verify",
        "databases/sql02/start",
        "databases/sql02/ready",
        "databases/sql02/address",
        "databases/sql02/dns",
        "databases/sql02/verify",
        "databases/end",
    )
    assert set(graph.waits_for("databases/sql02/start")) == {
        "databases/begin",
        "databases/sql01/verify",
    }


def test_a_test_never_touches_the_source() -> None:
    graph = compile_graph(make_plan(), operation=Operation.TEST, cleanup=True, hold=True)

    assert Side.SOURCE not in {step.side for step in graph}


def test_clean_up_at_once_comes_even_after_a_failed_test() -> None:
    graph = compile_graph(
        make_plan(), operation=Operation.TEST, cleanup=True, created_networks=True
    )

    assert graph.tolerates("cleanup/begin") == ("databases/end",)
    assert needs(graph, "cleanup/begin") == {"preflight"}
    assert graph.tolerates("databases/sql02/cleanup") == ("databases/sql02/restore-dns",)
    assert "databases/sql01/restore-dns" not in graph
    assert needs(graph, "cleanup/networks") == {
        "directory/dc01/cleanup",
        "databases/sql01/cleanup",
        "databases/sql02/cleanup",
    }
    assert graph.order()[-1] == "cleanup/end"


def test_networks_are_made_before_anything_fails_over_and_removed_in_a_clean_up_only() -> None:
    graph = compile_graph(make_plan(), operation=Operation.TEST, created_networks=True)

    assert needs(graph, "failover/networks") == {"preflight"}
    assert needs(graph, "failover/begin") == {"failover/networks"}
    assert "cleanup/networks" not in graph
    assert "failover/networks" not in compile_graph(make_plan(), operation=Operation.TEST)


def test_a_hold_is_a_gate_before_the_clean_up() -> None:
    graph = compile_graph(make_plan(), operation=Operation.TEST, cleanup=True, hold=True)

    assert graph["hold"].action is Action.GATE
    assert graph.tolerates("hold") == ("databases/end",)
    assert needs(graph, "cleanup/begin") == {"hold"}


def test_a_hold_with_a_limit_goes_on_without_an_answer() -> None:
    graph = compile_graph(
        make_plan(), operation=Operation.TEST, cleanup=True, hold=True, hold_for=timedelta(hours=1)
    )

    gate = graph["hold"].hook
    assert isinstance(gate, GateHook)
    assert (gate.timeout, gate.on_timeout) == (timedelta(hours=1), OnTimeout.CONTINUE)
    assert "after 1h" in gate.instructions


def test_a_test_is_verified_when_every_group_is_up_and_nothing_else_is() -> None:
    plan = make_plan(rehearse={"verify": [{"script": "a.ps1"}, {"script": "b.ps1"}]})

    graph = compile_graph(plan, operation=Operation.TEST, cleanup=True)

    assert needs(graph, "verify/a") == {"databases/end"}
    assert needs(graph, "verify/b") == {"verify/a"}
    assert graph.tolerates("cleanup/begin") == ("verify/b",)
    for operation in (Operation.PLANNED, Operation.UNPLANNED, Operation.CLEANUP):
        assert "verify/a" not in compile_graph(plan, operation=operation)


def test_a_planned_failover_runs_its_phases_in_order() -> None:
    graph = compile_graph(make_plan(), operation=Operation.PLANNED)

    barriers = [step.id for step in graph if step.action is Action.BARRIER]
    assert barriers == [
        "shutdown/begin",
        "shutdown/databases",
        "shutdown/directory",
        "shutdown/end",
        "failover/begin",
        "failover/end",
        "directory/begin",
        "directory/end",
        "databases/begin",
        "databases/end",
        "reverse/end",
        "commit/end",
    ]
    assert graph.waits_for("databases/sql01/shutdown") == (
        "shutdown/begin",
        "databases/sql02/shutdown",
    )
    assert needs(graph, "failover/begin") == {
        "shutdown/end",
        "directory/dc01/prepare",
        "databases/sql01/prepare",
        "databases/sql02/prepare",
    }
    assert not any(graph.tolerates(step.id) for step in graph)
    assert graph["databases/sql01/prepare"].side is Side.SOURCE
    assert graph["databases/sql01/failover"].side is Side.TARGET


def test_an_unplanned_failover_needs_nothing_of_the_source() -> None:
    graph = compile_graph(make_plan(), operation=Operation.UNPLANNED)

    acts_there = {step.id for step in graph if step.side is Side.SOURCE}
    for step in graph:
        if step.side is Side.TARGET:
            assert not needs(graph, step.id) & acts_there
    assert needs(graph, "failover/begin") == {"shutdown/end"}
    assert needs(graph, "shutdown/end") == {"shutdown/begin"}
    assert not [step.id for step in graph if step.action in {Action.REVERSE, Action.COMMIT}]


def test_an_unplanned_failover_may_leave_the_source_alone() -> None:
    graph = compile_graph(make_plan(), operation=Operation.UNPLANNED, primary_side=PrimarySide.SKIP)

    assert Side.SOURCE not in {step.side for step in graph}
    assert graph.waits_for("failover/begin") == ("preflight",)


def test_in_an_unplanned_failover_a_vm_needs_its_own_failover_only() -> None:
    graph = compile_graph(make_plan(), operation=Operation.UNPLANNED)

    assert set(graph.tolerates("failover/end")) == {
        "directory/dc01/connect",
        "databases/sql01/connect",
        "databases/sql02/connect",
    }
    assert needs(graph, "databases/sql02/start") == {
        "databases/begin",
        "databases/sql02/connect",
        "databases/sql01/verify",
    }


def test_hooks_run_one_after_the_other_before_and_after_the_vms() -> None:
    group = {
        "name": "web",
        "before": [{"gate": "Storage released"}, {"script": "scripts/Point-App.ps1"}],
        "vms": ["web01"],
        "after": [{"script": "a.ps1"}, {"script": "b/a.ps1"}],
    }
    graph = compile_graph(make_plan(groups=[group]), operation=Operation.TEST)

    assert graph.waits_for("web/before/storage-released") == ("web/begin",)
    assert graph.waits_for("web/before/point-app") == ("web/before/storage-released",)
    assert graph.waits_for("web/web01/start") == ("web/before/point-app",)
    assert graph.waits_for("web/after/a") == ("web/web01/verify",)
    assert graph.waits_for("web/after/a-2") == ("web/after/a",)
    assert graph.waits_for("web/end") == ("web/after/a-2",)
    assert graph["web/before/storage-released"].title == "Storage released"


def test_a_hook_keeps_its_id_when_another_does_not_apply() -> None:
    hooks = [{"script": "a.ps1", "kinds": ["planned"]}, {"script": "a.ps1", "kinds": ["test"]}]
    groups = [{"name": "web", "before": hooks, "vms": ["web01"]}]

    test = compile_graph(make_plan(groups=groups), operation=Operation.TEST)
    planned = compile_graph(make_plan(groups=groups), operation=Operation.PLANNED)

    assert "web/before/a-2" in test
    assert "web/before/a" not in test
    assert "web/before/a" in planned
    assert "web/before/a-2" not in planned


def test_hooks_of_the_other_direction_are_left_out() -> None:
    hooks = [
        {"script": "there.ps1", "directions": ["forward"]},
        {"script": "home.ps1", "directions": ["back"]},
    ]
    plan = make_plan(failover={"before": hooks})

    graph = compile_graph(plan, operation=Operation.PLANNED, direction=Direction.BACK)

    assert "failover/before/home" in graph
    assert "failover/before/there" not in graph


def test_failing_back_swaps_where_named_sites_are() -> None:
    plan = make_plan(failover={"before": [{"script": "x.ps1", "on": "primary"}]})

    forward = compile_graph(plan, operation=Operation.PLANNED)
    back = compile_graph(plan, operation=Operation.PLANNED, direction=Direction.BACK)

    assert forward["failover/before/x"].side is Side.SOURCE
    assert back["failover/before/x"].side is Side.TARGET


def test_vm_hooks_are_part_of_the_vm() -> None:
    vm = {"name": "a", "before": [{"gate": "Go"}], "after": [{"script": "warm-up.ps1"}]}
    groups = [{"name": "g", "vms": [vm, {"name": "b", "depends_on": ["a"]}]}]

    graph = compile_graph(make_plan(groups=groups), operation=Operation.TEST)

    assert graph.waits_for("g/a/start") == ("g/a/before/go",)
    assert set(graph.waits_for("g/b/start")) == {"g/begin", "g/a/after/warm-up"}


def test_a_group_of_hooks_only_works() -> None:
    groups = [{"name": "calls", "before": [{"gate": "Called the bank"}]}, {"name": "none"}]

    graph = compile_graph(make_plan(groups=groups), operation=Operation.PLANNED)

    assert graph.waits_for("calls/end") == ("calls/before/called-the-bank",)
    assert graph.waits_for("none/end") == ("none/begin",)


def test_odd_names_give_readable_ids_that_do_not_collide() -> None:
    groups = [
        {"name": "failover", "vms": ["a/b", "a%2Fb", "SQL Server 1"]},
        {"name": "before", "vms": ["end"]},
    ]

    graph = compile_graph(make_plan(groups=groups), operation=Operation.TEST)

    assert "failover%name/a%2Fb/start" in graph
    assert "failover%name/a%252Fb/start" in graph
    assert "failover%name/SQL Server 1/start" in graph
    assert "before%name/end%name/start" in graph


def test_a_cycle_is_found_with_its_path() -> None:
    groups = [
        {
            "name": "g",
            "vms": [{"name": "a", "depends_on": ["b"]}, {"name": "b", "depends_on": ["a"]}],
        }
    ]

    with pytest.raises(DependencyCycleError, match=r"waits for itself: g/./start → .* → g/./start"):
        compile_graph(make_plan(groups=groups), operation=Operation.TEST)


def test_a_vm_cannot_wait_for_a_later_group() -> None:
    groups = [
        {"name": "one", "vms": [{"name": "a", "depends_on": ["b"]}]},
        {"name": "two", "vms": ["b"]},
    ]

    with pytest.raises(DependencyCycleError, match="one/end"):
        compile_graph(make_plan(groups=groups), operation=Operation.TEST)


def test_a_plan_that_no_loader_saw_is_refused_with_all_faults() -> None:
    groups = [
        {"name": "one", "vms": ["a", {"name": "A", "depends_on": ["zz"]}]},
        {"name": "one", "vms": []},
    ]

    with pytest.raises(PlanError) as caught:
        compile_graph(make_plan(groups=groups), operation=Operation.TEST)

    assert len(caught.value.faults) == 3


def test_commit_undo_and_reverse_act_on_every_vm() -> None:
    plan = make_plan()

    commit = compile_graph(plan, operation=Operation.COMMIT)
    undo = compile_graph(plan, operation=Operation.UNDO)
    reverse = compile_graph(plan, operation=Operation.REVERSE)

    assert commit.waits_for("directory/dc01/commit") == ("preflight",)
    assert undo.waits_for("databases/sql02/undo") == ("databases/sql02/restore-dns",)
    assert reverse.waits_for("directory/dc01/reverse") == ("directory/dc01/fence",)
    assert reverse["directory/dc01/fence"].side is Side.SOURCE


def test_the_critical_path_is_the_longest_chain() -> None:
    graph = compile_graph(make_plan(), operation=Operation.TEST)
    durations: dict[str, float] = {
        step.id: 1.0 for step in graph if step.action is not Action.BARRIER
    }
    durations["databases/sql01/failover"] = 20.0

    path, length_s = graph.critical_path(durations)

    assert path[0] == "preflight"
    assert "databases/sql01/failover" in path
    assert path[-1] == "databases/sql02/verify"
    assert length_s == 1 + 20 + 1 + 4 + 4 + 5


def test_a_graph_of_500_vms_compiles_quickly_and_stays_sparse() -> None:
    groups = [{"name": f"g{i}", "vms": [f"vm{i}-{j}" for j in range(50)]} for i in range(10)]

    graph = compile_graph(make_plan(groups=groups), operation=Operation.PLANNED)

    assert len(graph.edges) < 2 * len(graph)


POOLED = [{"name": "db", "vms": [{"name": "sql01", "address": "pool"}, "sql02"]}]


def test_addresses_out_of_pools_are_taken_before_anything_is_shut_down() -> None:
    graph = compile_graph(make_plan(groups=POOLED), operation=Operation.PLANNED)

    assert needs(graph, "db/sql01/grant") == {"preflight"}
    assert needs(graph, "shutdown/begin") == {"grant/end"}
    assert "db/sql02/grant" not in graph.order()


@pytest.mark.parametrize("operation", [Operation.TEST, Operation.UNPLANNED])
def test_of_other_failovers_a_full_pool_keeps_its_own_vm_only(operation: Operation) -> None:
    graph = compile_graph(make_plan(groups=POOLED), operation=operation)

    assert needs(graph, "db/sql01/failover") == {"db/sql01/grant"}
    assert needs(graph, "db/sql01/grant") == needs(graph, "db/sql02/failover")


def test_an_adapter_by_name_may_ask_a_pool_too() -> None:
    vm = {"name": "sql01", "adapters": {"Backup": "pool"}}
    graph = compile_graph(make_plan(groups=[{"name": "db", "vms": [vm]}]), operation=Operation.TEST)

    assert "db/sql01/grant" in graph.order()


def test_a_cancel_gives_addresses_back_when_the_vms_are_up_again() -> None:
    groups = [{"name": "db", "vms": ["sql01", {"name": "sql02", "address": "pool"}]}]

    graph = compile_graph(make_plan(groups=groups), operation=Operation.CANCEL)

    assert [each for each in graph.order() if each.endswith("/give-back")] == ["db/sql02/give-back"]
    assert needs(graph, "db/sql02/give-back") == {"db/end"}


def test_a_group_may_bear_the_name_of_any_phase() -> None:
    names = {
        step.split("/")[0]
        for operation in Operation
        for step in compile_graph(
            make_plan(groups=[{"name": "db", "vms": [{"name": "a", "address": "pool"}]}]),
            operation=operation,
            created_networks=True,
            hold=True,
            cleanup=True,
        ).steps
    }
    assert {"cancel", "give-back", "shutdown", "grant", "undo"} <= names

    groups = [{"name": name, "vms": [f"vm-{name}"]} for name in sorted(names)]
    for operation in Operation:
        compile_graph(make_plan(groups=groups), operation=operation, hold=True, cleanup=True)
