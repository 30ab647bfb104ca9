"""What an estate says of logical networks, and what tests cannot make of them."""

from __future__ import annotations

import pytest

from secondsite.errors import PlanError
from secondsite.plan.created_networks import logical_of, reasons_against_created
from secondsite.plan.loader import examine, load_estate, load_plan
from tests.plan.conftest import ESTATE, PLAN, PlansFolder

_NETWORKS = "    networks:\n      - {name: osaka-prod,"


def written(
    *logical: str, chosen: str = "drill", of: str = "", second: str = "", vlan: str = ""
) -> str:
    """The estate with logical networks of osaka, one of them for tests."""
    lines = "".join(f"      - {each}\n" for each in logical)
    text = ESTATE.replace(_NETWORKS, f"    logical_networks:\n{lines}{_NETWORKS}", 1)
    text = text.replace("{name: osaka-prod, ", f"{{name: osaka-prod, {of}{vlan}", 1)
    if second:
        other = "      - {name: osaka-two, switch: prod, vlan: 7, subnets: [10.3.0.0/24]}\n"
        text = text.replace("      - {name: osaka-test", f"{other}      - {{name: osaka-test", 1)
        text = text.replace("{tokyo-prod: osaka-prod}", "{tokyo-prod: osaka-prod, t2: osaka-two}")
        text = text.replace(
            "networks: [{name: tokyo-prod,", "networks: [{name: t2, switch: t2}, {name: tokyo-prod,"
        )
    return text + (f"    test_logical_network: {chosen}\n" if chosen else "")


DRILL = "{name: drill, isolation: vlan, purpose: test}"
OVERLAY = "{name: overlay, isolation: virtual}"
FLAT = "{name: flat, isolation: none, purpose: test}"
PRODUCTION = "{name: production, isolation: vlan}"


def test_a_logical_network_for_tests_is_no_fault(folder: PlansFolder) -> None:
    for text in (
        written(DRILL),
        written(OVERLAY, chosen="Overlay"),
        written(FLAT, chosen="flat"),
        written(DRILL.replace("}", ", masquerade: {10.2.0.0/24: 172.31.7.0/24}}")),
        written(DRILL, PRODUCTION, of="logical_network: production, ", vlan="vlan: 210, "),
    ):
        assert examine(folder.write("estate.yaml", text), []).faults == (), text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            written(DRILL, chosen="dril"),
            '"dril" is not a logical network of osaka (did you mean "drill"?)',
        ),
        (written(DRILL, DRILL), 'there are two logical networks "drill"'),
        (
            written("{name: drill, isolation: vlan}"),
            "networks made of drill would lead into production: give it the purpose `test`",
        ),
        (
            written(FLAT, chosen="flat", second="yes"),
            "flat has no isolation, so there can be one VM network of it, and osaka-prod and "
            "osaka-two each need one of their own",
        ),
        (
            written(
                OVERLAY,
                "{name: plain, isolation: none}",
                chosen="overlay",
                of="logical_network: plain, ",
            ),
            "osaka-prod has no isolation and overlay is virtual (Windows Network Virtualization), "
            "so there are no subnets that could be copied, and no VM of osaka-prod can be tested",
        ),
        (
            written(DRILL, of="logical_network: produktion, "),
            '"produktion" is not in `logical_networks` of this site',
        ),
        (
            written(DRILL, PRODUCTION, of="logical_network: production, "),
            "production is isolated by VLANs and osaka-prod has none: write vlan",
        ),
        (
            written(DRILL, of="logical_network: drill, ", vlan="vlan: 210, "),
            "osaka-prod is a production network, and drill leads nowhere else (purpose: test)",
        ),
        (
            written(DRILL.replace("}", ", masquerade: {10.2.0.0/24: 172.31.0.0/16}}")),
            "10.2.0.0/24 and 172.31.0.0/16 differ in size",
        ),
        (
            written(DRILL.replace("}", ", masquerade: {10.2.0.9/24: 172.31.7.0/24}}")),
            "10.2.0.9/24",
        ),
        (written(DRILL.replace("vlan", "vxlan")), "isolation"),
    ],
    ids=lambda each: "estate" if "\n" in each else each[:40],
)
def test_what_is_wrong_is_said_beforehand(folder: PlansFolder, text: str, words: str) -> None:
    faults = examine(folder.write("estate.yaml", text), []).faults

    assert any(words in str(each) for each in faults), [str(each) for each in faults]


def test_two_networks_of_one_without_isolation_are_a_fault(folder: PlansFolder) -> None:
    text = written(DRILL, "{name: plain, isolation: none}", of="logical_network: plain, ")
    text = text.replace("{name: osaka-test, ", "{name: osaka-test, logical_network: plain, ")

    faults = examine(folder.write("estate.yaml", text), []).faults

    assert "plain has no isolation, so osaka-prod is its only VM network" in str(faults[0])


def test_a_plan_that_rehearses_on_vlans_of_production_is_refused(folder: PlansFolder) -> None:
    text = written(PRODUCTION, chosen="", of="logical_network: production, ", vlan="vlan: 210, ")
    estate = load_estate(folder.write("estate.yaml", text))
    plan = folder.write("web.yaml", f"{PLAN}rehearse: {{network: created}}\n")

    with pytest.raises(PlanError, match="osaka-prod is of the logical network production, whose"):
        load_plan(plan, estate)


def test_what_the_estate_does_not_say_only_vmm_can_tell(folder: PlansFolder) -> None:
    estate = load_estate(folder.write_estate())
    site, protection = estate.sites["osaka"], estate.protections[0]

    assert reasons_against_created(site, protection) == []
    assert logical_of(site, protection, "osaka-prod") is None
    assert logical_of(site, protection, None) is None
