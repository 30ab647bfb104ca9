from __future__ import annotations

from pathlib import Path

import pytest

from secondsite.errors import PlanError, UsageError
from secondsite.lab.builder import build_world
from secondsite.lab.estate_loader import load_lab_estate
from secondsite.lab.generator import generate
from secondsite.lab.reference import generated_files
from secondsite.lab.sizes import format_memory, parse_memory
from secondsite.plan.loader import load_folder

_ROOT = Path(__file__).parents[2]
_TWO_SITES = _ROOT / "lab" / "two-sites.yaml"

_MINIMAL = """\
name: tiny
credentials: {operator: {username: operator}}
sites:
  tokyo:
    vmm: {name: vmm}
    credential: operator
    hosts: [{name: hv-1}]
    networks:
      - {name: prod, switch: vs, subnets: [10.1.0.0/24]}
  osaka:
    vmm: {name: vmm-2}
    credential: operator
    hosts: [{name: hv-2}]
    clouds: [gold]
"""

_LINE = _MINIMAL.count("\n") + 1  # of what a test adds


def _write(folder: Path, text: str) -> Path:
    path = folder / "lab.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("path", sorted((_ROOT / "lab").glob("*.yaml")), ids=lambda path: path.name)
def test_every_shipped_lab_loads_and_stands(path: Path) -> None:
    world = build_world(load_lab_estate(path))

    assert list(world.hosts)


def test_two_sites_has_what_the_demo_needs() -> None:
    world = build_world(load_lab_estate(_TWO_SITES))

    replicas = {vm.name for host in world.sites["osaka"].hosts.values() for vm in host.vms.values()}
    plan = next(iter(load_folder(_ROOT / "plans").plans[name] for name in ("storefront",)))
    assert {vm.name for vm in plan.vms} <= replicas
    assert {"hr01"} <= replicas
    assert all(
        vm.memory_mib < host.free_memory_mib() / 4
        for host in world.sites["osaka"].hosts.values()
        for vm in host.vms.values()
    )


def test_every_file_that_is_generated_is_up_to_date() -> None:
    for name, text in generated_files().items():
        assert (_ROOT / name).read_text(encoding="utf-8") == text, (
            f"{name} is stale: python -m secondsite.lab.reference"
        )


_WRONG = [
    ("scales: 2\n", '"scales" is not known here (did you mean "scale"?)'),
    ("scale: 0\n", "greater than 0"),
    ("vms: [{name: a, host: hv-9}]\n", 'not a Hyper-V host of this lab (did you mean "hv-2"?)'),
    ("vms: [{name: a, host: hv-1, replica: hv-1}]\n", "name another"),
    ("vms: [{name: a, host: hv-1, memory: 4}]\n", "write 4MiB or 4GiB"),
    ("vms: [{name: a, host: hv-1, memory: lots}]\n", "not an amount of memory"),
    ("vms: [{name: a, host: hv-1}, {name: A, host: hv-1}]\n", 'a VM "A" already'),
    ("vms: [{name: a, host: hv-1, cloud: silver}]\n", "not a cloud of tokyo"),
    (
        "vms: [{name: a, host: hv-1, adapters: [{network: prod, ipv4: 10.9.0.1/24}]}]\n",
        "10.9.0.1 is not in a subnet",
    ),
    (
        "vms: [{name: a, host: hv-2, adapters: [{network: prod}]}]\n",
        'network "prod" is in tokyo',
    ),
    ("vms: [{name: a, host: hv-1, adapters: [{network: prob}]}]\n", 'did you mean "prod"'),
    (
        "vms: [{name: a, host: hv-1, replica: hv-2, replication: {frequency: 1m}}]\n",
        "30s, 5m or 15m",
    ),
    ("dns: {servers: [{name: ns, site: nara}]}\n", "not a site of this lab"),
    ("dns: {zones: [{name: example, servers: [ns]}]}\n", "not a DNS server"),
    (
        "dns: {servers: [{name: ns, site: tokyo}], zones: [{name: e, servers: [ns], keys: [k]}]}\n",
        "not a TSIG key",
    ),
    ("dns: {keys: [{name: operator}]}\n", "secret in one file"),
    ("faults: [{kind: vm-never-boot}]\n", "vm-never-boots"),
    ("dns: {servers: [{name: vmm, site: tokyo}]}\n", 'a server "vmm" already'),
]


@pytest.mark.parametrize(("added", "words"), _WRONG)
def test_a_wrong_lab_is_told_with_line_and_remedy(tmp_path: Path, added: str, words: str) -> None:
    with pytest.raises(PlanError) as caught:
        load_lab_estate(_write(tmp_path, _MINIMAL + added))

    (fault,) = caught.value.faults
    assert words in fault.message
    assert fault.line == _LINE


def test_all_faults_come_at_once(tmp_path: Path) -> None:
    text = _MINIMAL.replace("credential: operator", "credential: nobody") + (
        "colour: red\nvms: [{name: a, host: hv-9}]\n"
    )

    with pytest.raises(PlanError) as caught:
        load_lab_estate(_write(tmp_path, text))

    assert [fault.line for fault in caught.value.faults] == [6, 12, _LINE, _LINE + 1]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ("subnets: [10.0.0.0/8]", "a /16 or smaller"),
        ("subnets: [10.1.0.0/24], gateway: 10.2.0.1", "10.2.0.1 is not in 10.1.0.0/24"),
        (
            "subnets: [10.1.0.0/24], dhcp: {first: 10.1.0.9, last: 10.1.0.8}",
            "last address comes before",
        ),
        (
            "subnets: [10.1.0.0/24], pools: [{name: p, first: 10.1.1.1, last: 10.1.1.9}]",
            "is not in 10.1.0.0/24",
        ),
    ],
)
def test_addresses_of_a_network_must_be_its_own(tmp_path: Path, changed: str, words: str) -> None:
    with pytest.raises(PlanError, match=words):
        load_lab_estate(_write(tmp_path, _MINIMAL.replace("subnets: [10.1.0.0/24]", changed)))


_OTHER = "{vlan: 300, subnets: [10.8.0.0/24]}"
_AGAIN = "{vlan: 301, subnets: [10.9.0.0/24]}"
_DRILL = """\
    logical_networks:
      - name: drill
        isolation: vlan
        switch: vs
        sites: [{name: there, wires: [{vlan: 300, subnets: [10.9.0.0/24]}]}]
"""


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("switch: vs\n", "switch: vs\n        hosts: [hv-9]\n", '"hv-9" is not a host of'),
        ("vlan: 300, ", "", "has no untagged subnets: write vlan"),
        ("10.9.0.0/24]}", f"10.9.0.0/24]}}, {_OTHER}", "same switch and VLAN"),
        ("10.9.0.0/24]}", f"10.9.0.0/24]}}, {_AGAIN}", "write each subnet once"),
        ("10.9.0.0/24]}", "10.9.0.0/24], gateway: 10.8.0.1}", "10.8.0.1 is not in 10.9.0.0/24"),
        ("10.9.0.0/24]}", "10.0.0.0/8]}", "too large for the lab"),
        ("isolation: vlan", "isolation: gre", "isolation"),
        ("name: drill", "name: prod", '"prod" is on vs-x'),
    ],
)
def test_logical_networks_must_fit_their_site(
    tmp_path: Path, old: str, new: str, words: str
) -> None:
    drill = _DRILL.replace(old, new, 1)
    text = _MINIMAL.replace("  osaka:\n", f"{drill}  osaka:\n", 1)
    if "vs-x" in words:
        text = text.replace("{name: prod, switch: vs,", "{name: prod, switch: vs-x, vlan: 7,")
    assert _MINIMAL not in text

    with pytest.raises(PlanError) as caught:
        load_lab_estate(_write(tmp_path, text))

    assert words in str(caught.value)


def test_a_right_logical_network_is_no_fault(tmp_path: Path) -> None:
    text = _MINIMAL.replace("  osaka:\n", f"{_DRILL}  osaka:\n", 1)

    world = build_world(load_lab_estate(_write(tmp_path, text)))

    assert [each.name for each in world.sites["tokyo"].vmm.get_logical_networks()] == [
        "drill",
        "prod",
    ]


@pytest.mark.parametrize(("text", "mib"), [("512MiB", 512), ("4 GiB", 4096), ("1.5gib", 1536)])
def test_memory_is_read_with_its_unit_and_written_back(text: str, mib: int) -> None:
    assert parse_memory(text) == mib
    assert parse_memory(format_memory(mib)) == mib


@pytest.mark.parametrize(
    ("vms", "hosts", "groups"), [(1, None, 4), (12, 2, 3), (45, None, 4), (500, None, 10)]
)
def test_what_is_generated_validates_and_fits_together(
    tmp_path: Path, vms: int, hosts: int | None, groups: int
) -> None:
    files = generate(tmp_path, vms_count=vms, hosts_count=hosts, groups_count=groups)

    estate = load_lab_estate(files[0])
    loaded = load_folder(tmp_path / "plans")
    plan = loaded.plans["generated"]
    names = {vm.name for vm in estate.vms}
    assert {vm.name for vm in plan.vms} == names
    assert len(names) == vms
    assert len(plan.groups) == min(groups, vms)
    assert len(estate.sites["osaka"].hosts) == (hosts or -(-vms // 20))
    assert loaded.estate.lab == estate.name
    world = build_world(estate)
    for host in world.sites["osaka"].hosts.values():
        needed = sum(vm.memory_mib for vm in host.vms.values())
        assert needed <= host.free_memory_mib()


def test_generating_never_overwrites(tmp_path: Path) -> None:
    generate(tmp_path, vms_count=1)

    with pytest.raises(UsageError, match="nothing was written"):
        generate(tmp_path, vms_count=2)


@pytest.mark.parametrize(("vms", "scale"), [(0, 1.0), (6000, 1.0), (5, 0.0)])
def test_numbers_that_make_no_sense_are_refused(tmp_path: Path, vms: int, scale: float) -> None:
    with pytest.raises(UsageError):
        generate(tmp_path, vms_count=vms, scale=scale)

    assert list(tmp_path.iterdir()) == []
