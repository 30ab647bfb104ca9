"""Finding things in the facts of a run and in the lab's log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Facts = Mapping[str, Any]

GROUPS = {
    "directory": ["dc01", "dc02"],
    "databases": ["sql01", "sql02", "mq01"],
    "apps": ["app01", "app02", "app03", "api01"],
    "web": ["web01", "web02", "web03"],
}
PLANNED = sorted(vm for vms in GROUPS.values() for vm in vms)


def step(facts: Facts, step_id: str) -> dict[str, Any]:
    """One step of a run."""
    found: dict[str, Any] = next(each for each in facts["steps"] if each["id"] == step_id)
    return found


def changes(log: Iterable[Facts], cmdlet: str = "") -> list[Facts]:
    """What really changed in the lab, by one cmdlet or by any."""
    return [
        event
        for event in log
        if event["kind"] == "change" and (not cmdlet or event.get("cmdlet") == cmdlet)
    ]


def vm_of(event: Facts) -> str:
    """The planned VM that the event is about; a test VM stands for its replica."""
    return str(event.get("vm", "")).removesuffix(" - Test")


def zone(state: Facts, server: str, name: str) -> dict[tuple[str, str], list[str]]:
    """What a name server holds: values by name and type."""
    servers = {name: held for site in state["sites"].values() for name, held in site["dns"].items()}
    found = next(each for each in servers[server]["zones"] if each["zone"] == name)
    return {(record["name"], record["type"]): record["values"] for record in found["records"]}


def made_for_tests(state: Facts) -> set[str]:
    """Names of all test VMs that exist."""
    return {
        vm["name"]
        for site in state["sites"].values()
        for host in site["hosts"]
        for vm in host["vms"]
        if vm["is_test"]
    }
