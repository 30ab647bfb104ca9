"""What a check makes of what it sees: each finding with its severity, sentence and remedy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from secondsite.connectors.base import (
    Adapter,
    Inventory,
    InventoryAdapter,
    InventoryNetwork,
    InventoryVm,
    Replication,
    VmSurvey,
)
from secondsite.connectors.readiness import (
    CertificateView,
    HostReadiness,
    IntegrationService,
    VmReadiness,
    Volume,
    judge_certificate,
    judge_guest,
    judge_lag,
    judge_mapping,
    judge_space,
)
from secondsite.connectors.standing import SideView
from secondsite.plan.estate import Protection
from secondsite.plan.loader import load_estate
from secondsite.run.finding import Finding, Severity

NOW = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
ESTATE = load_estate(Path(__file__).parents[2] / "plans")
PROTECTION = ESTATE.protections[0].model_copy(update={"storage": {"GOLD": "GOLD-DR"}})


def relation(*, age_s: float = 60.0, health: str = "Normal") -> Replication:
    return Replication(
        mode="Replica",
        state="Replicating",
        health=health,
        relationship="Simple",
        primary_server="hv-tokyo-1",
        replica_server="hv-osaka-1",
        frequency_s=300,
        last_replication_at=(NOW - timedelta(seconds=age_s)).isoformat(),
    )


def told(findings: Sequence[Finding]) -> list[tuple[str, str]]:
    assert all(each.remedy for each in findings)
    return [(str(each.severity), each.sentence) for each in findings]


@pytest.mark.parametrize(
    ("health", "severity"), [("Warning", Severity.WARNING), ("Critical", Severity.ERROR)]
)
def test_the_health_of_a_replication_counts_as_hyper_v_calls_it(
    health: str, severity: Severity
) -> None:
    (found,) = judge_lag("sql01", relation(health=health), host="hv-osaka-1", rpo=None, now=NOW)

    assert found.severity is severity
    assert f"Hyper-V calls its replication {health}" in found.sentence
    assert "Measure-VMReplication" in found.remedy


@pytest.mark.parametrize(("age_s", "count"), [(899.0, 0), (901.0, 1)])
def test_a_lag_beyond_the_rpo_is_an_error(age_s: float, count: int) -> None:
    rpo = timedelta(minutes=15)

    found = judge_lag("sql01", relation(age_s=age_s), host="hv-osaka-1", rpo=rpo, now=NOW)

    assert [each.severity for each in found] == [Severity.ERROR] * count
    assert all("more than the RPO of 15m" in each.sentence for each in found)


@pytest.mark.parametrize(
    ("left", "severity"),
    [
        (timedelta(days=31), None),
        (timedelta(days=29), Severity.WARNING),
        (timedelta(0), Severity.BLOCKER),
    ],
)
def test_a_certificate_is_told_of_a_month_before_it_ends(
    left: timedelta, severity: Severity | None
) -> None:
    found = judge_certificate(CertificateView(host="hv1", expires_at=NOW + left), now=NOW)

    assert [each.severity for each in found] == ([severity] if severity else [])
    assert all("hv1" in each.sentence and "renew it" in each.remedy for each in found)


HEARTBEAT, EXCHANGE, SHUTDOWN = (
    "84EAAE65-2F2E-45F5-9BB5-0E857DC8EB47",
    "2A34B1C2-FD73-4043-8A5B-DD2159BC743F",
    "9F8233AC-BE49-4C79-8EE3-E7E1985B2077",
)


def guest(**states: str) -> VmReadiness:
    return VmReadiness(
        id="1",
        name="sql01",
        disks=(),
        services=tuple(
            IntegrationService(
                id=f"Microsoft:x\\{component}",
                name="in any language",
                enabled=states.get(word) != "off",
                status="OK" if states.get(word) in {None, "off"} else states[word],
            )
            for word, component in zip(
                ("heartbeat", "exchange", "shutdown"),
                (HEARTBEAT, EXCHANGE, SHUTDOWN),
                strict=True,
            )
        ),
    )


def test_integration_services_are_known_by_their_ids_and_told_of_by_what_they_are_for() -> None:
    found = [
        *judge_guest("a", guest(), host="hv1", is_running=True),
        *judge_guest("b", guest(shutdown="off"), host="hv1", is_running=False),
        *judge_guest("c", guest(exchange="LostCommunication"), host="hv1", is_running=True),
        *judge_guest("d", guest(exchange="NoContact"), host="hv1", is_running=False),
    ]

    assert told(found) == [
        ("error", "b on hv1: its integration service for shutdown is off"),
        (
            "error",
            "c on hv1: its integration service for data exchange does not answer "
            "(LostCommunication)",
        ),
    ]


@pytest.mark.parametrize(
    ("free_mib", "severity"), [(8191, "error"), (9000, "warning"), (20000, None)]
)
def test_room_is_counted_for_all_vms_of_a_volume_at_once(
    free_mib: int, severity: str | None
) -> None:
    def disks(number: int) -> VmReadiness:
        return VmReadiness(
            id=str(number), name=f"vm{number}", services=(), disks=(f"D:\\{number}.vhdx",)
        )

    readiness = HostReadiness(
        host="hv1",
        vms=(disks(1), disks(2)),
        volumes=(
            Volume(path="C:\\", size_mib=10**6, free_mib=1),
            Volume(path="D:\\", size_mib=10**5, free_mib=free_mib),
        ),
    )

    found = judge_space({"vm1": ("hv1", "1", 4096), "vm2": ("hv1", "2", 4096)}, [readiness])

    assert [str(each.severity) for each in found] == ([severity] if severity else [])
    assert all("D:\\ of hv1" in each.sentence and "8192 MiB" in each.sentence for each in found)
    assert all(each.remedy for each in found)


@pytest.mark.parametrize(
    ("free_mib", "expected"),
    [
        (0, "E:\\ of hv1 has 0 MiB free, but the plan's VMs there need 3072 MiB"),
        (3071, "E:\\ of hv1 has 3071 MiB free, but the plan's VMs there need 3072 MiB"),
        (
            4000,
            "E:\\ of hv1 has 4000 MiB free, 3072 MiB of which the plan's VMs need: less than a "
            "tenth would be left",
        ),
        (20000, None),
    ],
)
def test_a_full_volume_under_any_disk_is_found_and_each_disk_counts_where_it_lies(
    free_mib: int, expected: str | None
) -> None:
    def disks(number: int, *paths: str) -> VmReadiness:
        return VmReadiness(id=str(number), name=f"vm{number}", services=(), disks=paths)

    readiness = HostReadiness(
        host="hv1",
        vms=(
            disks(1, "D:\\1.vhdx", "E:\\data1.vhdx"),
            disks(2, "D:\\2.vhdx", "\\\\share\\x\\2.vhdx", "E:\\data2.vhdx", "E:\\log2.vhdx"),
            disks(3),
        ),
        volumes=(
            # Memory is counted once for each VM: with that of one more, this would be too small.
            Volume(path="D:\\", size_mib=10**4, free_mib=10_000),
            Volume(path="E:\\", size_mib=10**5, free_mib=free_mib),
        ),
    )

    placed = {f"vm{number}": ("hv1", str(number), 4096) for number in (1, 2, 3)}
    found = judge_space(placed, [readiness])

    assert [each.sentence for each in found] == ([expected] if expected else [])
    grave = Severity.ERROR if free_mib < 3072 else Severity.WARNING
    assert all(each.severity is grave and each.remedy for each in found)


def network(name: str) -> InventoryNetwork:
    return InventoryNetwork(
        name=name,
        id=name,
        logical_network="",
        isolation="VLANNetwork",
        subnets=(),
        pools=(),
    )


WHOLE = Inventory(
    clouds=("Osaka-Gold",),
    hosts=("hv-osaka-1.corp.example", "HV-OSAKA-2.corp.example"),
    vms=(),
    networks=(network("Osaka-Prod"), network("osaka-backup")),
    classifications=("gold-dr",),
)


@pytest.mark.parametrize(
    ("inventory", "unknown"),
    [
        (WHOLE, None),
        (replace(WHOLE, networks=(network("osaka-prod"),)), "VM network 'osaka-backup'"),
        (replace(WHOLE, clouds=()), "cloud 'osaka-gold'"),
        (replace(WHOLE, classifications=("GOLD",)), "storage classification 'GOLD-DR'"),
        (replace(WHOLE, hosts=("hv-osaka-1",)), "host 'hv-osaka-2'"),
    ],
)
def test_what_the_maps_name_and_vmm_does_not_know_is_an_error(
    inventory: Inventory, unknown: str | None
) -> None:
    found = judge_mapping(
        PROTECTION, sites=ESTATE.sites, views=[], inventories={"osaka": inventory}
    )

    wanted = [("error", f"vmm-osaka knows no {unknown}")] if unknown else []
    assert told(found) == wanted


def test_a_network_that_only_vmm_calls_virtual_is_an_error_of_a_check() -> None:
    virtual = replace(network("osaka-prod"), isolation="WindowsNetworkVirtualization")
    inventory = replace(WHOLE, networks=(virtual, network("osaka-backup")))

    (found,) = judge_mapping(
        PROTECTION, sites=ESTATE.sites, views=[], inventories={"osaka": inventory}
    )

    assert found.severity is Severity.ERROR
    assert "shows osaka-prod as a network of Windows Network Virtualization" in found.sentence
    assert "`virtual` as the `isolation` of osaka-prod" in found.remedy


@pytest.mark.parametrize(("on", "count"), [("tokyo-backup", 1), ("tokyo-prod", 0), (None, 0)])
def test_a_vm_in_a_virtual_network_that_the_map_leaves_out_is_told_by_vmm(
    on: str | None, count: int
) -> None:
    home = ESTATE.sites["tokyo"]
    virtual = [
        each.model_copy(update={"isolation": "virtual", "switch": "", "vlan": None})
        for each in home.networks
    ]
    known = InventoryVm(
        name="pay01",
        id="1",
        vmm_id="v",
        host="hv-tokyo-1",
        cloud=None,
        status="",
        adapters=(InventoryAdapter(name="lan", network=on),),
    )
    networks = tuple(
        replace(network(each.name), isolation="WindowsNetworkVirtualization") for each in virtual
    )
    inventory = Inventory(
        clouds=("tokyo-gold",),
        hosts=("hv-tokyo-1", "hv-tokyo-2"),
        vms=(known,),
        networks=networks,
        classifications=("GOLD",),
    )

    found = judge_mapping(
        PROTECTION.model_copy(update={"networks": {"tokyo-prod": "osaka-prod"}}),
        sites={**ESTATE.sites, "tokyo": home.model_copy(update={"networks": tuple(virtual)})},
        views=[SideView(site="tokyo", host="hv-tokyo-1", survey=surveyed(vlan=None))],
        inventories={"tokyo": inventory},
    )

    assert [each.sentence for each in found] == [
        "pay01 is in tokyo-backup, which `networks` of tokyo-osaka does not map"
    ] * count


def surveyed(*, vlan: int | None) -> VmSurvey:
    adapter = Adapter(name="lan", id="", mac="", switch="vs-prod", vlan=vlan, addresses=())
    return VmSurvey(
        name="pay01",
        id="1",
        state="Running",
        generation=2,
        heartbeat="Ok",
        memory_mib=1,
        adapters=(adapter,),
        replication=(),
        recovery_points=(),
    )


@pytest.mark.parametrize(("vlan", "count"), [(110, 0), (120, 1), (999, 0)])
def test_a_vm_in_a_network_that_the_map_leaves_out_is_told(vlan: int, count: int) -> None:
    protection: Protection = PROTECTION.model_copy(
        update={"networks": {"tokyo-prod": "osaka-prod"}}
    )

    found = judge_mapping(
        protection,
        sites=ESTATE.sites,
        views=[SideView(site="tokyo", host="hv-tokyo-1", survey=surveyed(vlan=vlan))],
        inventories={},
    )

    assert (
        told(found)
        == [("error", "pay01 is in tokyo-backup, which `networks` of tokyo-osaka does not map")]
        * count
    )
