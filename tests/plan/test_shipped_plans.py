"""Every shipped plan and estate is right, and fits the lab that it is written for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from secondsite.lab.estate import LabEstate
from secondsite.lab.estate_loader import load_lab_estate
from secondsite.plan.hooks import Direction, FailoverKind, ScriptHook
from secondsite.plan.loader import examine, load_folder
from secondsite.plan.starter import starter_files
from secondsite.plan.suite import Suite
from secondsite.plan.yaml_source import read_model

ROOT = Path(__file__).parents[2]
LOADED = load_folder(ROOT / "plans")


@pytest.fixture(scope="module")
def lab() -> LabEstate:
    return load_lab_estate(ROOT / "lab" / "two-sites.yaml")


def test_the_shipped_plans_have_neither_fault_nor_warning() -> None:
    assert sorted(LOADED.plans) == ["payroll", "storefront"]
    assert LOADED.warnings == ()


def test_the_shipped_suite_rehearses_every_shipped_plan_and_only_when_somebody_asks() -> None:
    (suite,) = LOADED.suites.values()

    assert suite.name == "quarter"
    assert sorted(suite.plans) == sorted(LOADED.plans)
    assert suite.schedule is None, "a demo starts nothing by itself"


def test_every_name_of_the_shipped_estate_exists_in_the_lab(lab: LabEstate) -> None:
    estate = LOADED.estate

    assert estate.lab == lab.name
    assert set(estate.sites) == set(lab.sites)
    for name, site in estate.sites.items():
        simulated = lab.sites[name]
        assert site.vmm.name == simulated.vmm.name
        assert {host.name for host in site.hosts} == {host.name for host in simulated.hosts}
        assert set(site.clouds) <= set(simulated.clouds)
        known = {network.name: network for network in simulated.networks}
        for network in site.networks:
            other = known[network.name]
            assert (network.switch, network.vlan, network.purpose) == (
                other.switch,
                other.vlan,
                other.purpose,
            )
            assert set(network.subnets) == set(other.subnets)
    assert {key: account.username for key, account in estate.credentials.items()} == {
        key: account.username for key, account in lab.credentials.items()
    }
    assert {(key.name, key.algorithm) for key in estate.keys} == {
        (key.name, key.algorithm) for key in lab.dns.keys
    }


def test_every_dns_target_is_what_the_lab_serves_and_tests_have_a_server_of_their_own(
    lab: LabEstate,
) -> None:
    for_tests = {server.name: server.for_tests for server in lab.dns.servers}
    for target in LOADED.estate.dns:
        for zone in target.zones:
            (served,) = [
                each
                for each in lab.dns.zones
                if each.name == zone and set(each.servers) & {s.name for s in target.servers}
            ]
            assert served.servers[0] == target.servers[0].name
            assert target.key in served.keys
        assert {for_tests[server.name] for server in target.servers} == {target.for_tests}


def test_every_planned_vm_is_replicated_in_the_lab_and_answers_where_its_probes_ask(
    lab: LabEstate,
) -> None:
    simulated = {vm.name: vm for vm in lab.vms}
    for plan in LOADED.plans.values():
        for vm in plan.vms:
            assert simulated[vm.name].replica is not None
            ports = {service.port: service.http for service in simulated[vm.name].services}
            for probe in vm.ready:
                if not isinstance(probe, str):
                    wanted = getattr(probe, "tcp", 8080)
                    assert wanted in ports


def test_nobody_touches_the_machines_that_are_in_no_plan() -> None:
    planned = {vm.name for plan in LOADED.plans.values() for vm in plan.vms}

    assert not planned & {"hr01", "build01", "dc03"}


def test_the_storefront_is_the_demo_of_the_tutorial() -> None:
    plan = LOADED.plans["storefront"]

    assert [group.name for group in plan.groups] == ["directory", "databases", "apps", "web"]
    assert len(list(plan.vms)) == 12
    in_tests = [
        hook
        for group in plan.groups
        for hook in (*group.before, *group.after)
        if hook.applies_to(kind=FailoverKind.TEST, direction=Direction.FORWARD)
    ]
    assert [type(hook) for hook in in_tests] == [ScriptHook], "nobody is asked in a rehearsal"


def test_the_starter_files_are_right_as_they_are(tmp_path: Path) -> None:
    for name, text in starter_files().items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")

    verdict = examine(tmp_path / "estate.yaml", [tmp_path / "example.yaml"])
    loaded = load_folder(tmp_path)

    assert verdict.faults == ()
    assert verdict.warnings == ()
    assert {name: suite.plans for name, suite in loaded.suites.items()} == {"quarter": ("example",)}


@pytest.mark.parametrize("folder", ["plans", "secondsite/plan/starter"])
def test_the_schedule_that_a_suite_file_offers_is_right(folder: str, tmp_path: Path) -> None:
    text = (ROOT / folder / "suites" / "quarter.yaml").read_text("utf-8")
    (line,) = re.findall(r"^# +(schedule: .*)$", text, re.M)
    (tmp_path / "quarter.yaml").write_text(f"{text}{line}\n")

    suite = read_model(tmp_path / "quarter.yaml", Suite).model

    assert suite is not None
    assert suite.schedule is not None
    assert suite.schedule.timezone == "Asia/Tokyo"
