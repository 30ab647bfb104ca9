"""What an estate says of what keeps its networks apart: switch and VLAN, or VMM alone."""

from __future__ import annotations

import pytest

from secondsite.plan.loader import examine, load_estate
from tests.plan.conftest import ESTATE, PlansFolder

_PROD = "{name: osaka-prod, switch: prod, "


def written(network: str, *, logical: str = "") -> str:
    text = ESTATE.replace(_PROD, f"{{name: osaka-prod, {network}, ", 1)
    if logical:
        line = f"    logical_networks: [{logical}]\n    networks:\n      - {{name: osaka-prod"
        text = text.replace("    networks:\n      - {name: osaka-prod", line, 1)
    return text


def test_a_virtual_network_needs_neither_switch_nor_vlan(folder: PlansFolder) -> None:
    of = "isolation: virtual, logical_network: fabric"
    text = written(of, logical="{name: fabric, isolation: virtual}")

    network = load_estate(folder.write("estate.yaml", text)).sites["osaka"].network("osaka-prod")

    assert network is not None
    assert network.is_virtual


@pytest.mark.parametrize(
    "network",
    [
        "switch: prod",
        "switch: prod, vlan: 7",
        "switch: prod, vlan: 7, isolation: vlan",
        "switch: prod, isolation: none",
    ],
)
def test_switch_and_vlan_are_right_for_all_others(folder: PlansFolder, network: str) -> None:
    path = folder.write("estate.yaml", written(network))

    assert examine(path, []).faults == ()
    assert not load_estate(path).sites["osaka"].networks[0].is_virtual


@pytest.mark.parametrize(
    ("network", "words"),
    [
        ("isolation: virtual, vlan: 7", "such networks have no VLAN: take `vlan` out"),
        ("isolation: virtual, switch: prod", "VMM finds its switch on each host by the logical"),
        ("vlan: 7", "write the name of its virtual switch as `switch`, or `isolation: virtual`"),
        ("switch: prod, isolation: vlan", "osaka-prod is isolated by its VLAN: write it as `vlan`"),
        ("switch: prod, isolation: none, vlan: 7", "has the VLAN 7, so its isolation is `vlan`"),
        ("switch: prod, isolation: vxlan", "isolation"),
    ],
)
def test_what_does_not_go_together_is_said(folder: PlansFolder, network: str, words: str) -> None:
    faults = examine(folder.write("estate.yaml", written(network)), []).faults

    assert len(faults) == 1
    assert words in str(faults[0])


def test_a_virtual_network_is_of_a_virtual_logical_network(folder: PlansFolder) -> None:
    of = "isolation: virtual, logical_network: fabric"
    text = written(of, logical="{name: fabric, isolation: none}")

    faults = examine(folder.write("estate.yaml", text), []).faults

    assert "its logical network fabric is isolated by 'none'" in str(faults[0])
