"""Which task carries out which action of a run graph."""

from __future__ import annotations

from collections.abc import Mapping

from secondsite.graph import Action
from tasks.action import StepTask
from tasks.address import find_address
from tasks.boot import await_ready, start_vm
from tasks.clean import end_test
from tasks.dns_back import restore_names, restore_ttls, roll_back_names
from tasks.dns_prepare import prepare_names
from tasks.failover import connect_vm, fail_over_vm
from tasks.made_networks import make_networks, remove_networks
from tasks.pool import grant_address
from tasks.preflight import preflight
from tasks.putting_back import give_addresses_back
from tasks.records import point_names, settle_names, verify_names
from tasks.replication import cancel_preparation, commit_vm, fence_vm, reverse_vm, undo_vm
from tasks.script import run_script
from tasks.shutdown import prepare_vm, shut_down_vm

__all__ = ["TASKS"]

TASKS: Mapping[Action, StepTask] = {
    Action.PREFLIGHT: preflight,
    Action.SCRIPT: run_script,
    Action.MAKE_NETWORKS: make_networks,
    Action.GRANT: grant_address,
    Action.FAILOVER: fail_over_vm,
    Action.CONNECT: connect_vm,
    Action.START: start_vm,
    Action.READY: await_ready,
    Action.ADDRESS: find_address,
    Action.DNS: point_names,
    Action.VERIFY: verify_names,
    Action.SETTLE: settle_names,
    Action.RESTORE_DNS: restore_names,
    Action.RESTORE_TTL: restore_ttls,
    Action.PREPARE_DNS: prepare_names,
    Action.ROLLBACK_DNS: roll_back_names,
    Action.CLEANUP: end_test,
    Action.NETWORKS: remove_networks,
    Action.SHUTDOWN: shut_down_vm,
    Action.PREPARE: prepare_vm,
    Action.FENCE: fence_vm,
    Action.REVERSE: reverse_vm,
    Action.COMMIT: commit_vm,
    Action.UNDO: undo_vm,
    Action.CANCEL: cancel_preparation,
    Action.GIVE_BACK: give_addresses_back,
}
"""Actions that are absent are carried out by the walk itself: barriers and gates."""
