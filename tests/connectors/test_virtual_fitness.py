"""What is told against virtual networks before a run touches anything."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from secondsite.connectors.base import Inventory, InventoryNetwork, InventoryVm
from secondsite.connectors.virtual_fitness import against_connecting, against_isolation
from tests.connectors.test_adapter_fitness import SITE, one, plan

OVERLAY = InventoryNetwork(
    name="Osaka-Overlay",
    id="n",
    logical_network="fabric",
    isolation="WindowsNetworkVirtualization",
    subnets=(),
    pools=(),
    hosts=("HV1.corp.example",),
)
KNOWN = InventoryVm(name="sql01", id="ID-SQL01", vmm_id="v", host="hv1", cloud=None, status="")
VIRTUAL = one(plan(network="osaka-overlay", is_virtual=True))


def inventory(*networks: InventoryNetwork, vms: tuple[InventoryVm, ...] = (KNOWN,)) -> Inventory:
    return Inventory(clouds=(), hosts=(), vms=vms, networks=networks)


def wired(name: str) -> InventoryNetwork:
    return replace(OVERLAY, name=name, isolation="VLANNetwork")


def judge(known: Inventory | None, *, is_test: bool = False, **planned: Any) -> list[str]:
    vms = [one(replace(VIRTUAL.adapters[0], **planned))]
    return against_connecting(vms, site=SITE, inventory=known, is_test=is_test)


@pytest.mark.parametrize(
    ("known", "words"),
    [
        (inventory(OVERLAY), ""),
        (None, "vmm-osaka did not tell its networks, and only VMM connects sql01 to osaka-overlay"),
        (inventory(), "vmm-osaka knows no VM network osaka-overlay"),
        (inventory(OVERLAY, vms=()), "sql01 on hv1 is not in the inventory of vmm-osaka"),
        (
            inventory(replace(OVERLAY, hosts=("hv2",))),
            "hv1 has no network adapter with the logical network fabric, and sql01 would come up",
        ),
        (inventory(replace(OVERLAY, hosts=None)), ""),
    ],
)
def test_vmm_must_be_able_to_connect(known: Inventory | None, words: str) -> None:
    reasons = judge(known)

    assert len(reasons) == bool(words)
    assert all(words in each for each in reasons)


def test_a_test_vm_is_not_looked_for_and_what_stays_needs_nothing() -> None:
    assert judge(inventory(OVERLAY, vms=()), is_test=True) == []
    assert judge(None, keeps=True) == []
    assert judge(None, is_virtual=False) == []


@pytest.mark.parametrize(
    ("known", "names", "words"),
    [
        (inventory(OVERLAY, wired("osaka-prod")), None, ""),
        (
            inventory(replace(OVERLAY, name="osaka-prod")),
            None,
            "write `virtual` as the `isolation` of osaka-prod in the estate",
        ),
        (
            inventory(wired("osaka-overlay")),
            None,
            "the estate calls osaka-overlay virtual, and vmm-osaka shows it as VLANNetwork",
        ),
        (inventory(wired("osaka-overlay")), {"OSAKA-PROD"}, ""),
        (inventory(wired("osaka-overlay")), {"OSAKA-OVERLAY"}, "instead of its `isolation`"),
        (None, None, ""),
    ],
)
def test_what_vmm_and_the_estate_call_differently_is_said(
    known: Inventory | None, names: set[str] | None, words: str
) -> None:
    reasons = against_isolation(SITE, known, names)

    assert len(reasons) == bool(words)
    assert all(words in each for each in reasons)
