from __future__ import annotations

from secondsite.connectors.base import Inventory, InventoryNetwork, InventoryVm
from secondsite.connectors.vmm.answers import read_addresses, read_inventory
from secondsite.errors import NotFoundError


def test_an_inventory_is_read_whole() -> None:
    vm = {
        "name": "sql02",
        "id": "1",
        "vmm_id": "2",
        "host": "os-hv1",
        "cloud": None,
        "status": "PowerOff",
    }
    network = {
        "name": "prod",
        "id": "3",
        "logical_network": "ln",
        "isolation": "VLANNetwork",
        "subnets": "10.2.0.0/24",
        "pools": None,
    }

    inventory = read_inventory(
        {
            "clouds": ["gold"],
            "hosts": ["os-hv1"],
            "vms": [vm],
            "networks": [network],
            "classifications": ["GOLD"],
        },
        host="v",
    )

    assert inventory == Inventory(
        clouds=("gold",),
        hosts=("os-hv1",),
        vms=(
            InventoryVm(
                name="sql02", id="1", vmm_id="2", host="os-hv1", cloud=None, status="PowerOff"
            ),
        ),
        networks=(
            InventoryNetwork(
                name="prod",
                id="3",
                logical_network="ln",
                isolation="VLANNetwork",
                subnets=("10.2.0.0/24",),
                pools=(),
            ),
        ),
        classifications=("GOLD",),
    )


def test_addresses_leave_link_local_ones_out_and_name_vms_that_vmm_does_not_know() -> None:
    answer = {
        "results": [
            {
                "vm": "id-1",
                "ok": True,
                "changed": False,
                "evidence": {"addresses": ["fe80::1", "10.2.0.22", "10.2.0.22"]},
                "error": None,
            },
            {
                "vm": "id-2",
                "ok": False,
                "changed": False,
                "evidence": {},
                "error": {"message": "Secondsite.VmNotInVmm: VMM does not know it."},
            },
        ]
    }

    found = read_addresses(answer, host="os-vmm", vm_ids=["id-1", "id-2"])

    assert found["id-1"] == ("10.2.0.22",)
    assert isinstance(found["id-2"], NotFoundError)
