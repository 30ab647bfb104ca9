"""Names by rule, and Windows DNS in an estate: what is meant, and what is refused."""

from __future__ import annotations

import pytest

from secondsite.errors import PlanError
from secondsite.plan.derived_names import with_derived_names
from secondsite.plan.estate import Estate
from secondsite.plan.loader import load_estate, load_folder, load_plan
from secondsite.plan.model import Plan
from tests.plan.conftest import PlansFolder

RULES = """
dns_policy:
  rules: [{name: "{vm}.corp.example", zone: corp.example, ttl: 2m, ptr: true}]

protections:"""
PLAN = """
name: small
protection: tokyo-osaka
groups:
  - name: g
    vms:
      - APP01
      - {name: sql01, dns: [{name: sql.corp.example, zone: corp.example}]}
      - {name: quiet01, dns: []}
"""


def with_rules(text: str) -> str:
    return text.replace("protections:", RULES.lstrip(), 1)


def names(plan: Plan) -> dict[str, list[str]]:
    return {vm.name: [record.name for record in vm.dns] for vm in plan.vms}


def test_a_rule_names_the_vms_of_which_the_plan_says_nothing(folder: PlansFolder) -> None:
    estate = load_estate(folder.write_estate(with_rules))
    path = folder.write("small.yaml", PLAN)

    plan = load_plan(path, estate)

    assert names(plan) == {
        "APP01": ["app01.corp.example"],
        "sql01": ["sql.corp.example"],
        "quiet01": [],
    }
    (record,) = next(vm for vm in plan.vms if vm.name == "APP01").dns
    assert (record.ptr, record.ttl and record.ttl.total_seconds()) == (True, 120)
    assert names(load_folder(folder.path).plans["small"]) == names(plan)


def test_rules_of_a_protection_take_the_place_of_those_of_the_estate(folder: PlansFolder) -> None:
    own = '    dns_rules: [{name: "{vm}-dr.corp.example", zone: corp.example}]\n'
    estate = load_estate(
        folder.write_estate(
            lambda text: with_rules(text).replace(
                "    recovery: osaka\n", f"    recovery: osaka\n{own}"
            )
        )
    )

    plan = load_plan(folder.write("small.yaml", PLAN), estate)

    assert names(plan)["APP01"] == ["app01-dr.corp.example"]


def test_a_plan_that_was_kept_with_its_names_keeps_them(folder: PlansFolder) -> None:
    estate = load_estate(folder.write_estate(with_rules))
    plan = load_plan(folder.write("small.yaml", PLAN), estate)

    kept = Plan.model_validate(plan.model_dump(mode="json"))

    assert names(with_derived_names(kept, estate)) == names(plan)


def test_a_vm_that_fits_into_no_name_is_a_fault_with_its_line(folder: PlansFolder) -> None:
    estate = load_estate(folder.write_estate(with_rules))
    path = folder.write("small.yaml", PLAN.replace("- APP01", '- "app 01"'))

    with pytest.raises(PlanError, match=r'small\.yaml:7: .*"app 01" fits into no DNS name'):
        load_plan(path, estate)


@pytest.mark.parametrize(
    ("was", "instead", "words"),
    [
        ("{vm}.corp.example", "app.corp.example", "the same name for every VM"),
        ("{vm}.corp.example", "{vm}.other.example", "is not in the zone corp.example"),
        ("zone: corp.example, ttl", "zone: corp.exampel, ttl", "corp.exampel"),
    ],
)
def test_a_wrong_rule_is_refused(folder: PlansFolder, was: str, instead: str, words: str) -> None:
    estate = folder.write_estate(lambda text: with_rules(text).replace(was, instead))

    with pytest.raises(PlanError, match=words):
        load_estate(estate)


WINRM = "    winrm: {name: dns-osaka, credential: operator}\n"


def by_cmdlets(text: str, winrm: str = WINRM, key: str = "") -> str:
    return text.replace("    key: dr-key\n", f"{winrm}{key}", 1)


def test_a_windows_server_needs_no_key(folder: PlansFolder) -> None:
    estate: Estate = load_estate(folder.write_estate(by_cmdlets))

    assert estate.dns[0].winrm is not None
    assert estate.dns[0].key is None


@pytest.mark.parametrize(
    ("winrm", "key", "words"),
    [
        (WINRM, "    key: dr-key\n", "a target is changed in one way"),
        (WINRM.replace("dns-osaka", "dns-tokyo"), "", "the first server takes the changes"),
        (WINRM.replace("operator", "operatr"), "", "not one of the credentials"),
        ("    zone_scope: inside\n", "", "DNS updates reach no zone scope"),
    ],
)
def test_a_target_that_contradicts_itself_is_refused(
    folder: PlansFolder, winrm: str, key: str, words: str
) -> None:
    estate = folder.write_estate(lambda text: by_cmdlets(text, winrm, key))

    with pytest.raises(PlanError, match=words):
        load_estate(estate)
