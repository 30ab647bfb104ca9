from __future__ import annotations

from dataclasses import replace

import pytest

from secondsite.connectors.base import (
    HostSurvey,
    Inventory,
    InventoryVm,
    RecoveryPoint,
    Replication,
    VmSurvey,
)
from secondsite.connectors.fitness import judge_test, place
from secondsite.plan.estate import Network, Site
from secondsite.plan.model import Plan
from secondsite.run.finding import reasons

PLAN = Plan.model_validate(
    {
        "name": "shop",
        "protection": "tokyo-osaka",
        "groups": [{"name": "databases", "vms": ["sql01", "sql02"]}],
    }
)
SITE = Site.model_validate(
    {
        "vmm": {"name": "vmm-osaka", "credential": "osaka"},
        "hosts": [{"name": "hv1", "credential": "osaka"}, {"name": "hv2", "credential": "osaka"}],
    }
)
BUBBLE = Network(name="bubble", switch="vs-test", purpose="test")


def vm(name: str, *, mode: str = "Replica", state: str = "Replicating") -> VmSurvey:
    return VmSurvey(
        name=name,
        id=f"id-{name}",
        state="Off",
        generation=2,
        heartbeat="NoContact",
        memory_mib=4096,
        adapters=(),
        replication=(
            Replication(
                mode=mode,
                state=state,
                health="Normal",
                relationship="Simple",
                primary_server="hv-tokyo-1",
                replica_server="hv1",
                frequency_s=300,
                last_replication_at="2026-11-20T03:00:00+00:00",
            ),
        ),
        recovery_points=(
            RecoveryPoint(id="p1", kind="Replica", created_at="2026-11-20T02:00:00+00:00"),
            RecoveryPoint(id="p2", kind="Replica", created_at="2026-11-20T03:00:00+00:00"),
        ),
    )


def host(name: str, *vms: VmSurvey, free_memory_mib: int = 65_536) -> HostSurvey:
    return HostSurvey(
        host=name, switches=("vs-test", "vs-prod"), free_memory_mib=free_memory_mib, vms=vms
    )


def inventory(*names: str) -> Inventory:
    return Inventory(
        clouds=("osaka-gold",),
        hosts=("hv1", "hv2"),
        vms=tuple(
            InventoryVm(
                name=name,
                id=f"id-{name}".upper(),
                vmm_id="v",
                host="hv1",
                cloud="osaka-gold",
                status="PowerOff",
            )
            for name in names
        ),
        networks=(),
    )


def judge(
    *surveys: HostSurvey,
    network: Network | None = BUBBLE,
    known: tuple[str, ...] = ("sql01", "sql02"),
) -> list[str]:
    placements, missing = place(PLAN, surveys)
    found = judge_test(
        PLAN,
        site=SITE,
        networks=[network] if network else [],
        placements=placements,
        surveys=surveys,
        inventory=inventory(*known),
    )
    return reasons(missing + found)


def test_a_fit_site_gives_no_reason() -> None:
    assert judge(host("hv1", vm("sql01")), host("hv2", vm("sql02"))) == []


def test_vms_are_found_without_case_and_test_vms_are_not_taken_for_replicas() -> None:
    surveys = [host("hv1", vm("SQL01"), vm("sql02"), vm("sql02", mode="TestReplica"))]

    placements, missing = place(PLAN, surveys)

    assert missing == []
    assert placements["sql01"].host == "hv1"
    newest = placements["sql02"].newest_recovery_point
    assert newest is not None
    assert newest.id == "p2"


def test_all_reasons_are_told_at_once() -> None:
    sick = replace(vm("sql01", state="Error"), test_vm="sql01 - Test")

    text = "\n".join(judge(host("hv1", sick, free_memory_mib=1024), known=()))

    assert "sql02 is on none of the hosts that answered (hv1)" in text
    assert "sql01 on hv1 is not in the inventory of vmm-osaka" in text
    assert "sql01 on hv1 does not replicate: its state is Error" in text
    assert "already has the test VM 'sql01 - Test'" in text
    assert "hv1 has 1024 MiB of memory free" in text


@pytest.mark.parametrize(
    ("state", "remedy"),
    [
        ("FailedOverWaitingCompletion", "commit or undo that first"),
        ("FailedOver", "reverse it first"),
    ],
)
def test_nobody_is_told_to_resynchronize_a_replica_that_was_failed_over(
    state: str, remedy: str
) -> None:
    told = judge(host("hv1", vm("sql01", state=state), vm("sql02")))

    assert told == [f"sql01 on hv1 was failed over (state {state}): {remedy}"]


def test_a_test_vm_never_goes_to_a_production_network() -> None:
    production = Network(name="osaka-prod", switch="vs-prod", purpose="production")

    told = judge(host("hv1", vm("sql01"), vm("sql02")), network=production)

    assert told == [
        "osaka-prod is a production network, which test VMs never get: "
        "choose a network whose purpose is `test`"
    ]


def test_a_vm_that_is_primary_here_is_not_a_replica() -> None:
    told = judge(host("hv1", vm("sql01", mode="Primary"), vm("sql02")))

    assert told == [
        "sql01 on hv1 is the primary: it is in this site already: choose the other direction; "
        "secondsite status tells where the plan stands"
    ]


@pytest.mark.parametrize("mode", ["Replica", "Primary"])
def test_two_vms_of_one_name_are_refused_unless_one_is_the_replica(mode: str) -> None:
    surveys = [host("hv1", vm("sql01"), vm("sql02")), host("hv2", vm("sql01", mode=mode))]

    _, missing = place(PLAN, surveys)

    assert bool(missing) == (mode == "Replica")


def probed(masquerade: tuple[str, ...]) -> list[str]:
    plan = Plan.model_validate(
        {
            "name": "shop",
            "protection": "tokyo-osaka",
            "groups": [{"name": "db", "vms": [{"name": "sql01", "ready": [{"tcp": 1433}]}]}],
        }
    )
    same = {"switch": "vs-test", "subnets": ["10.2.0.0/24"]}
    site = Site.model_validate(
        {
            "vmm": {"name": "vmm-osaka", "credential": "osaka"},
            "hosts": [{"name": "hv1", "credential": "osaka"}],
            "networks": [
                {"name": "osaka-prod", **same},
                {"name": "bubble", "purpose": "test", "masquerade": masquerade, **same},
            ],
        }
    )
    surveys = [host("hv1", vm("sql01"))]
    placements, _ = place(plan, surveys)
    return reasons(
        judge_test(
            plan,
            site=site,
            networks=[each for each in site.networks if each.name == "bubble"],
            placements=placements,
            surveys=surveys,
            inventory=None,
        )
    )


def test_a_probe_into_a_bubble_never_asks_the_production_machine_of_the_same_address() -> None:
    assert probed(("127.61.2.0/24",)) == []
    (reason,) = probed(())
    assert "bubble has the addresses of osaka-prod and no `masquerade`" in reason
    assert "sql01" in reason
