"""Planned and unplanned failover and the way back, by the shipped scripts on the lab."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from secondsite.connectors.base import ActionResult, InjectedAddress, Outcomes, TestFailoverRequest
from secondsite.connectors.hyperv import FailoverRequest, HyperVHost
from secondsite.errors import NotFoundError, SiteError, WrongStateError
from secondsite.lab.world import HyperVHost as WorldHost
from secondsite.lab.world.values import StartAction, VmState

LIMIT_S = 900.0
VM = "sql01"


def done(outcomes: Outcomes, vm: str = VM) -> ActionResult:
    outcome = outcomes[vm]
    assert isinstance(outcome, ActionResult), outcome
    return outcome


def failed(outcomes: Outcomes, vm: str = VM) -> SiteError:
    outcome = outcomes[vm]
    assert isinstance(outcome, SiteError), outcome
    return outcome


def side(host: WorldHost) -> tuple[str, str]:
    ((_, relation),) = host.get_vm_replication(VM)
    return relation.mode.label, relation.state.name


def test_a_planned_failover_and_its_reversal_change_each_thing_once(
    primary_host: HyperVHost, replica_host: HyperVHost, tokyo: WorldHost, osaka: WorldHost
) -> None:
    done(primary_host.stop_vms([VM], turn_off=False, timeout_s=LIMIT_S))
    steps: list[Callable[[], Outcomes]] = [
        lambda: primary_host.prepare_failovers([VM], timeout_s=LIMIT_S),
        lambda: replica_host.start_failovers([FailoverRequest(vm=VM)], timeout_s=LIMIT_S),
        lambda: replica_host.reverse_replications({VM: "hv-tokyo-1"}, timeout_s=LIMIT_S),
    ]

    changes = [(done(step()).changed, done(step()).changed) for step in steps]

    assert changes == [(True, False)] * 3
    assert side(osaka) == ("Primary", "Replicating")
    assert side(tokyo) == ("Replica", "Replicating")
    assert done(replica_host.start_vms([VM], timeout_s=LIMIT_S)).changed


def test_what_is_pending_is_evidence_of_the_preparation(
    primary_host: HyperVHost, tokyo: WorldHost
) -> None:
    done(primary_host.stop_vms([VM], turn_off=True, timeout_s=LIMIT_S))

    result = done(primary_host.prepare_failovers([VM], timeout_s=LIMIT_S))

    assert isinstance(result.evidence["pending_bytes"], int)
    assert result.evidence["replication_state"] == "PreparedForFailover"
    assert result.evidence["before"]["replication_state"] == "Replicating"


def test_a_running_primary_is_not_prepared(primary_host: HyperVHost, tokyo: WorldHost) -> None:
    error = failed(primary_host.prepare_failovers([VM], timeout_s=LIMIT_S))

    assert isinstance(error, WrongStateError)
    assert "must be Off" in error.message
    assert side(tokyo) == ("Primary", "Replicating")


def test_a_preparation_can_be_cancelled_once(primary_host: HyperVHost, tokyo: WorldHost) -> None:
    done(primary_host.stop_vms([VM], turn_off=True, timeout_s=LIMIT_S))
    done(primary_host.prepare_failovers([VM], timeout_s=LIMIT_S))

    first = done(primary_host.cancel_preparations([VM], timeout_s=LIMIT_S))
    again = done(primary_host.cancel_preparations([VM], timeout_s=LIMIT_S))

    assert (first.changed, again.changed) == (True, False)
    assert side(tokyo) == ("Primary", "Replicating")


def test_an_unplanned_failover_undone_and_started_again_from_a_point(
    replica_host: HyperVHost, osaka: WorldHost
) -> None:
    point = replica_host.survey(timeout_s=LIMIT_S)
    point_id = next(vm for vm in point.vms if vm.name == VM).recovery_points[0].id
    done(replica_host.start_failovers([FailoverRequest(vm=VM)], timeout_s=LIMIT_S))
    done(replica_host.start_vms([VM], timeout_s=LIMIT_S))

    undone = done(replica_host.undo_failovers([VM], timeout_s=LIMIT_S))
    again = done(replica_host.undo_failovers([VM], timeout_s=LIMIT_S))

    assert (undone.changed, again.changed) == (True, False)
    assert osaka.get_vm(VM)[0].state is VmState.Off
    request = FailoverRequest(vm=VM, recovery_point_id=point_id)
    assert done(replica_host.start_failovers([request], timeout_s=LIMIT_S)).changed
    assert osaka.get_vm_replication(VM)[0][1].failed_over_point == point_id


def test_commit_is_once_and_ends_undo(replica_host: HyperVHost, osaka: WorldHost) -> None:
    done(replica_host.start_failovers([FailoverRequest(vm=VM)], timeout_s=LIMIT_S))

    first = done(replica_host.complete_failovers([VM], timeout_s=LIMIT_S))
    again = done(replica_host.complete_failovers([VM], timeout_s=LIMIT_S))

    assert (first.changed, again.changed) == (True, False)
    assert side(osaka) == ("Replica", "FailedOver")
    undo = failed(replica_host.undo_failovers([VM], timeout_s=LIMIT_S))
    assert isinstance(undo, WrongStateError)
    assert "no failover that can be undone" in undo.message


def test_after_an_unplanned_failover_the_fenced_primary_becomes_the_replica(
    primary_host: HyperVHost, replica_host: HyperVHost, tokyo: WorldHost, osaka: WorldHost
) -> None:
    done(replica_host.start_failovers([FailoverRequest(vm=VM)], timeout_s=LIMIT_S))
    done(replica_host.complete_failovers([VM], timeout_s=LIMIT_S))
    running = failed(primary_host.become_replicas([VM], timeout_s=LIMIT_S))
    assert "must be Off before it becomes a replica" in running.message
    fenced = done(primary_host.set_start_actions({VM: "Nothing"}, timeout_s=LIMIT_S))
    done(primary_host.stop_vms([VM], turn_off=True, timeout_s=LIMIT_S))

    results = [
        done(primary_host.become_replicas([VM], timeout_s=LIMIT_S)),
        done(replica_host.reverse_replications({VM: "hv-tokyo-1"}, timeout_s=LIMIT_S)),
        done(replica_host.start_copies([VM], timeout_s=LIMIT_S)),
    ]

    assert [result.changed for result in results] == [True, True, True]
    assert fenced.evidence["before"] == "StartIfRunning"
    assert tokyo.get_vm(VM)[0].start_action is StartAction.Nothing
    assert side(osaka)[0] == "Primary"
    assert side(tokyo)[0] == "Replica"
    assert not done(replica_host.start_copies([VM], timeout_s=LIMIT_S)).changed


def test_an_address_of_a_real_failover_reaches_the_vm(
    replica_host: HyperVHost, osaka: WorldHost
) -> None:
    request = FailoverRequest(vm=VM, addresses=(InjectedAddress(ipv4="10.2.0.22/24"),))

    result = done(replica_host.start_failovers([request], timeout_s=LIMIT_S))

    assert str(osaka.get_vm(VM)[0].adapters[0].injected.ipv4) == "10.2.0.22/24"
    assert result.evidence["former_address"][0]["settings"]["IPv4Address"] == ""


def test_a_running_test_forbids_the_real_failover(
    replica_host: HyperVHost, osaka: WorldHost
) -> None:
    replica_host.start_test_failovers([TestFailoverRequest(vm=VM)], timeout_s=LIMIT_S)

    error = failed(replica_host.start_failovers([FailoverRequest(vm=VM)], timeout_s=LIMIT_S))

    assert isinstance(error, WrongStateError)
    assert side(osaka) == ("Replica", "Replicating")


@pytest.mark.parametrize(
    ("action", "vm", "kind"),
    [
        ("prepare_failovers", VM, WrongStateError),
        ("cancel_preparations", VM, WrongStateError),
        ("complete_failovers", VM, WrongStateError),
        ("start_copies", VM, WrongStateError),
        ("complete_failovers", "local01", WrongStateError),
        ("complete_failovers", "gone", NotFoundError),
        ("measure_replications", "local01", WrongStateError),
    ],
)
def test_an_action_in_the_wrong_state_is_refused_and_changes_nothing(
    replica_host: HyperVHost,
    log: list[dict[str, Any]],
    action: str,
    vm: str,
    kind: type[SiteError],
) -> None:
    error = failed(getattr(replica_host, action)([vm], timeout_s=LIMIT_S), vm)

    assert type(error) is kind
    assert "Nothing was changed" in error.message
    assert log == []


def test_progress_is_told_in_plain_numbers(primary_host: HyperVHost) -> None:
    evidence = done(primary_host.measure_replications([VM], timeout_s=LIMIT_S)).evidence

    assert evidence["mode"] == "Primary"
    assert evidence["replication_state"] == "Replicating"
    assert evidence["health"] == "Normal"
    assert evidence["last_replication_at"].endswith("Z")
    assert isinstance(evidence["pending_bytes"], int)
