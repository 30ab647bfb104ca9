"""Clusters: machines move between nodes as they are, and only the broker takes replication."""

from __future__ import annotations

from pathlib import Path

import pytest

from secondsite.errors import PlanError
from secondsite.lab.builder import build_world
from secondsite.lab.estate_loader import load_lab_estate
from secondsite.lab.world import HyperVHost, LabRefusal, VirtualMachine, World, move_vm
from secondsite.lab.world.values import ReplicationMode, ReplicationState, VmState

TEXT = (Path(__file__).parents[3] / "lab" / "two-sites.yaml").read_text(encoding="utf-8")
CLUSTER = (
    "    clouds: [{site}-gold]\n    clusters:\n"
    "      - {{name: cluster-{site}, broker: broker-{site}, hosts: [hv-{site}-1, hv-{site}-2]}}\n"
)


def estate(folder: Path, text: str = TEXT) -> Path:
    for site in ("tokyo", "osaka"):
        text = text.replace(f"    clouds: [{site}-gold]\n", CLUSTER.format(site=site))
    path = folder / "lab.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def world(tmp_path: Path) -> World:
    return build_world(load_lab_estate(estate(tmp_path)))


def host(world: World, name: str) -> HyperVHost:
    found = world.host(name)
    assert found is not None
    return found


def vm_on(world: World, host_name: str, name: str) -> VirtualMachine:
    return host(world, host_name).get_vm(name)[0]


def test_a_vm_moves_as_it_is_and_its_replication_goes_on(world: World) -> None:
    before = vm_on(world, "hv-tokyo-1", "pay01")
    addresses = before.addresses

    move_vm(world, "pay01", "hv-tokyo-2")

    moved = vm_on(world, "hv-tokyo-2", "pay01")
    replica = vm_on(world, "hv-osaka-2", "pay01")
    assert moved is before
    assert (moved.state, moved.addresses) == (VmState.Running, addresses)
    assert moved.replications[0].replica_server == "broker-osaka"
    assert replica.replications[0].primary_server == "hv-tokyo-2"
    assert host(world, "hv-osaka-2").other_side(replica, replica.replications[0]) is not None
    with pytest.raises(LabRefusal):
        host(world, "hv-tokyo-1").get_vm("pay01")


def test_the_test_vm_of_a_replica_moves_with_it(world: World) -> None:
    host(world, "hv-osaka-2").start_vm_failover("pay01", as_test=True)

    move_vm(world, "pay01", "hv-osaka-1")

    target = host(world, "hv-osaka-1")
    assert target.get_vm("pay01 - Test")
    target.stop_vm_failover("pay01")
    with pytest.raises(LabRefusal):
        target.get_vm("pay01 - Test")


@pytest.mark.parametrize(
    ("vm", "to", "says"),
    [
        ("pay01", "hv-nagoya-1", "is no node of a cluster"),
        ("dc99", "hv-tokyo-2", "No other node of cluster 'cluster-tokyo'"),
        ("pay01", "hv-tokyo-1", "No other node of cluster 'cluster-tokyo'"),
    ],
)
def test_what_cannot_move_stays(world: World, vm: str, to: str, says: str) -> None:
    with pytest.raises(LabRefusal, match=says):
        move_vm(world, vm, to)

    assert vm_on(world, "hv-tokyo-1", "pay01").state is VmState.Running


def test_a_node_without_the_switch_or_the_memory_does_not_take_a_vm(world: World) -> None:
    target = host(world, "hv-tokyo-2")
    target.memory_mib = 1024

    with pytest.raises(LabRefusal, match="not enough memory"):
        move_vm(world, "pay01", "hv-tokyo-2")
    target.memory_mib = 2**20
    target.switches.clear()
    with pytest.raises(LabRefusal, match="no virtual switch vs-prod"):
        move_vm(world, "pay01", "hv-tokyo-2")


def test_replication_to_a_cluster_is_pointed_at_its_broker(world: World) -> None:
    source = host(world, "hv-tokyo-1")

    with pytest.raises(LabRefusal, match=r"Replica Broker \('broker-osaka'\)"):
        source.enable_vm_replication("build01", replica_server="hv-osaka-1")
    source.enable_vm_replication("build01", replica_server="broker-osaka")

    relation = vm_on(world, "hv-tokyo-1", "build01").replications[0]
    assert relation.replica_server == "broker-osaka"
    assert relation.state is ReplicationState.ReadyForInitialReplication


def test_a_reversal_names_the_broker_and_finds_the_node_that_has_the_copy(world: World) -> None:
    source, target = host(world, "hv-tokyo-1"), host(world, "hv-osaka-2")
    source.stop_vm("pay01", turn_off=True)
    target.start_vm_failover("pay01")
    target.complete_vm_failover("pay01")
    source.set_vm_replication("pay01", as_replica=True)
    move_vm(world, "pay01", "hv-tokyo-2")

    with pytest.raises(LabRefusal, match=r"Replica Broker \('broker-tokyo'\)"):
        target.set_vm_replication("pay01", reverse=True, replica_server="hv-tokyo-2")
    target.set_vm_replication("pay01", reverse=True, replica_server="broker-tokyo")

    relation = vm_on(world, "hv-osaka-2", "pay01").replications[0]
    assert relation.mode is ReplicationMode.Primary
    assert (relation.replica_server, relation.current_replica_server) == (
        "broker-tokyo",
        "hv-tokyo-2",
    )


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("broker: broker-tokyo", "broker: hv-tokyo-2"), "the broker has a name of its own"),
        (("hosts: [hv-tokyo-1, hv-tokyo-2]", "hosts: [hv-tokyo-1, hv-tokyo-9]"), "hv-tokyo-9"),
        (
            ("hosts: [hv-tokyo-1, hv-tokyo-2]", "hosts: [hv-tokyo-1, hv-tokyo-1]"),
            'is a node of "cluster-tokyo" already',
        ),
    ],
)
def test_a_wrong_cluster_is_refused(change: tuple[str, str], says: str, tmp_path: Path) -> None:
    path = estate(tmp_path)
    path.write_text(path.read_text(encoding="utf-8").replace(*change), encoding="utf-8")

    with pytest.raises(PlanError, match=says):
        load_lab_estate(path)
