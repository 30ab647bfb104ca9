"""How `lab state` and `lab log` look to people."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

__all__ = ["log_line", "print_state"]


def print_state(state: Mapping[str, Any]) -> None:
    """The simulated world as tables, one per site."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from secondsite.reports.console import console_for

    console = console_for(sys.stdout, pipe_width=160)
    for name, site in state["sites"].items():
        table = Table(
            title=f"{name}  ({site['vmm']['name']})", title_justify="left", box=SIMPLE_HEAD
        )
        for heading in ("host", "VM", "power", "beats", "replication", "network", "addresses"):
            table.add_column(heading, overflow="fold", no_wrap=heading in {"host", "VM", "power"})
        for host in site["hosts"]:
            for index, vm in enumerate(host["vms"]):
                table.add_row(
                    host["name"] if index == 0 else "",
                    vm["name"],
                    vm["state"],
                    _beat(vm["heartbeat"]),
                    "\n".join(_relation(relation) for relation in vm["replication"]),
                    vm["network"] or "",
                    "\n".join(_reachable(vm["addresses"])),
                )
            table.add_section()
        console.print(table)
        for server, facts in site["dns"].items():
            for zone in facts["zones"]:
                console.print(f"  {server}: {zone['zone']}, {len(zone['records'])} record sets")
        console.print()
    if state["faults"]:
        console.print("Armed faults: " + ", ".join(fault["id"] for fault in state["faults"]))


def log_line(event: Mapping[str, Any]) -> str:
    """One event in one line."""
    at = str(event["at"])[11:23]
    what = event.get("cmdlet") or event.get("dns") or event.get("wsman") or ""
    detail = event.get("detail") or {}
    facts = " ".join(
        f"{key}={_short(value)}" for key, value in detail.items() if value or value == 0
    )
    words = (at, f"{event['kind']:<7}", event["host"], what, event["vm"], facts)
    return " ".join(str(word) for word in words if word)


def _relation(relation: Mapping[str, Any]) -> str:
    """Mode alone where all is well."""
    if (relation["state"], relation["health"]) == ("Replicating", "Normal"):
        return str(relation["mode"])
    return f"{relation['mode']} {relation['state']} {relation['health']}"


def _beat(heartbeat: str) -> str:
    return "yes" if heartbeat.startswith("Ok") else "" if heartbeat == "NoContact" else heartbeat


def _reachable(addresses: list[str]) -> list[str]:
    return [
        address
        for address in addresses
        if not address.startswith("fe80:") and not address.startswith("169.254.")
    ]


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 80 else f"{text[:77]}…"
