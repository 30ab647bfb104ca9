"""The lab and its estate with existing networks of Windows Network Virtualization."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

__all__ = ["VIRTUAL", "virtual_estate", "virtual_lab"]

VIRTUAL = frozenset(
    f"{site}-{name}"
    for site, names in (
        ("tokyo", ("prod", "backup")),
        ("osaka", ("prod", "backup", "test", "backup-test")),
    )
    for name in names
)
"""All networks that VMs of the payroll plan are on, or get; several share a switch."""


def virtual_lab(text: str) -> str:
    """The lab with these networks virtual: only a virtual subnet tells them apart."""
    lab = _read(text)
    for site in lab["sites"].values():
        for network in site["networks"]:
            if network["name"] not in VIRTUAL:
                continue
            network.pop("vlan", None)
            network.pop("dhcp", None)
            network["virtual"] = True
            if not network.get("pools"):
                subnet = network["subnets"][0].removesuffix(".0/24")
                pool = {"name": f"{network['name']}-pool"}
                span = {"first": f"{subnet}.200", "last": f"{subnet}.239"}
                network["pools"] = [{**pool, **span}]
    return _written(lab)


def virtual_estate(plans: Path, *, except_for: frozenset[str] = frozenset(), **limits: str) -> None:
    """The estate says so, but for some of them; with these limits."""
    file = plans / "estate.yaml"
    estate = _read(file.read_text())
    estate["limits"].update(limits)
    for site in estate["sites"].values():
        for network in site["networks"]:
            if network["name"] in VIRTUAL - except_for:
                del network["switch"], network["vlan"]
                network["isolation"] = "virtual"
    file.write_text(_written(estate))


def _read(text: str) -> Any:
    return YAML(typ="safe").load(text)


def _written(value: Any) -> str:
    stream = StringIO()
    YAML(typ="safe").dump(value, stream)
    return stream.getvalue()
