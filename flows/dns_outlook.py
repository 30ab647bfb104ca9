"""What a failover would make of DNS, as it is now: its servers are read, and nothing is touched."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from flows.blocks import read_block
from secondsite.errors import SecondsiteError
from secondsite.graph import Operation
from secondsite.home import home
from secondsite.plan.dns_intent import dns_names
from secondsite.plan.estate import Estate
from secondsite.plan.model import Direction, FailoverKind, Plan, PlannedVm
from secondsite.plan.way_back import static_address
from secondsite.run.record import RunRecord
from tasks.connections import Sites
from tasks.context import RunContext
from tasks.dns_at_home import AtHome
from tasks.dns_planning import holder_of, plan_changes
from tasks.options import RunOptions

__all__ = ["dns_outlook"]

_THERE = "what it gets there"
_WITHOUT = "without this VM, as before the failover"


async def dns_outlook(
    plan: Plan,
    estate: Estate,
    *,
    operation: Operation,
    direction: Direction,
    history: Sequence[RunRecord] = (),
) -> list[dict[str, Any]]:
    """Per record set what it is and what it would be: `{vm, target, name, type, before, after}`.

    Where the VM's new address is not known before it has one (DHCP, a pool), `after` says so in
    `address`; where something is in the way, `trouble` says what.
    """
    sites = Sites(estate, home=home(), block_reader=read_block)
    run = RunContext(
        run_id="",
        plan=plan,
        estate=estate,
        operation=operation,
        direction=direction,
        options=RunOptions(),
        steps={},
        sites=sites,
        now=lambda: datetime.now(UTC),
        history=lambda: history,
    )
    try:
        rows = await asyncio.gather(*(_of_vm(run, vm) for vm in plan.vms if vm.dns))
    finally:
        await sites.close()
    return [row for each in rows for row in each]


async def _of_vm(run: RunContext, vm: PlannedVm) -> list[dict[str, Any]]:
    planned = static_address(vm, run.protection, run.direction)
    known = [str(each).partition("/")[0] for each in _interfaces(planned)] if planned else []
    try:
        if not known:
            return await _without_address(run, vm)
        found = await plan_changes(run, vm, known)
    except SecondsiteError as error:
        return [{"vm": vm.name, "trouble": error.message}]
    return [
        *({"vm": vm.name, **change} for change in found.changes),
        *({"vm": vm.name, "trouble": trouble.message} for trouble in found.troubles),
    ]


async def _without_address(run: RunContext, vm: PlannedVm) -> list[dict[str, Any]]:
    kind = FailoverKind(run.operation.value)
    home = AtHome.of(run, vm)
    rows = []
    for wanted in dns_names(run.plan, vm, estate=run.estate, direction=run.direction, kind=kind):
        name, zone, records = await holder_of(run, wanted)
        if wanted.type != "A":
            records = await run.sites.zone(wanted.target.name, zone).read(name, wanted.type)
        if records is None and wanted.type != "A":
            continue
        key = wanted.target.name, zone, name, wanted.type
        row: Mapping[str, Any] = {
            "vm": vm.name,
            "target": wanted.target.name,
            "zone": zone,
            "name": name,
            "type": wanted.type,
            "before": records.as_dict() if records else None,
            "after": None,
            "address": _WITHOUT if home.goes(key) else _THERE,
        }
        rows.append(dict(row))
    return rows


def _interfaces(address: Any) -> list[object]:
    return [each for each in (address.ipv4, address.ipv6) if each is not None]
