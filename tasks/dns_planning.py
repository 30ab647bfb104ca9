"""What one VM's move makes of each of its DNS records: read first, decided, not yet written."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import Any

from secondsite.connectors.dns import RecordSet, canonical_name, is_within
from secondsite.connectors.dns.deciding import Move, decide
from secondsite.errors import SiteError, WrongStateError
from secondsite.plan.dns_intent import DnsChange, dns_changes
from secondsite.plan.estate import Estate
from secondsite.plan.model import PlannedVm
from secondsite.run.dns_ledger import Change, Key, key_of
from tasks.adapters import adapters_of, network_of
from tasks.context import RunContext
from tasks.dns_at_home import AtHome
from tasks.former_addresses import former_addresses, in_subnets_of

__all__ = ["PlannedChanges", "holder_of", "plan_changes"]

_MAX_ALIASES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedChanges:
    """What shall be written for one VM.

    Attributes:
        changes: `{target, zone, name, type, before, after}`, as the journal keeps them.
        troubles: What people are told and holds nothing up: PTR records that cannot be written,
            records that a failover made and somebody has changed since.
        is_contested: Whether other VMs may change one of these record sets at the same time.
    """

    changes: tuple[Change, ...]
    troubles: tuple[SiteError, ...] = ()
    is_contested: bool = False


async def plan_changes(run: RunContext, vm: PlannedVm, addresses: Sequence[str]) -> PlannedChanges:
    """Read every record of `vm` and decide what becomes of it.

    Raises:
        ConflictError: a record is not the VM's, or nothing says which of its values is.
        WrongStateError: an alias leads where nothing can be changed, or an address is not one of
            the site that takes over.
        SiteError: a server does not answer.
    """
    kind = run.operation.failover_kind
    assert kind is not None  # noqa: S101 - only failovers have steps for DNS
    _check_addresses(run, vm, addresses)
    wanted = dns_changes(
        run.plan,
        vm,
        addresses,
        kind=kind,
        estate=_with_living_targets(run),
        direction=run.direction,
        former=former_addresses(run, vm, addresses=addresses),
    )
    planner = _Planner(run, vm)
    names: dict[tuple[str, str], list[DnsChange]] = {}
    for change in wanted:
        if change.type != "PTR":
            names.setdefault((change.target.name, change.name), []).append(change)
    planned = await asyncio.gather(*(planner.name(each) for each in names.values()))
    pointers = await asyncio.gather(
        *(planner.pointer(each) for each in wanted if each.type == "PTR"), return_exceptions=True
    )
    changes = {key_of(change): change for group in planned for change in group}
    for pointer in pointers:
        if isinstance(pointer, BaseException) and not isinstance(pointer, SiteError):
            raise pointer
        if isinstance(pointer, Mapping):
            changes[key_of(pointer)] = pointer
    return PlannedChanges(
        changes=tuple(changes.values()),
        troubles=(*planner.troubles, *(each for each in pointers if isinstance(each, SiteError))),
        is_contested=planner.is_contested or _is_named_twice(run, vm),
    )


def _with_living_targets(run: RunContext) -> Estate:
    """The estate without the DNS targets whose updates nobody takes any more."""
    living = tuple(each for each in run.estate.dns if not run.sites.absent.lacks(each))
    return run.estate.model_copy(update={"dns": living})


async def holder_of(run: RunContext, change: DnsChange) -> tuple[str, str, RecordSet | None]:
    """(name, zone, A records) that the name of `change` leads to when aliases are followed.

    Raises:
        WrongStateError: an alias leads out of the target's zones, or in a circle.
    """
    seen = [canonical_name(change.name)]
    zone = change.zone
    while True:
        access = run.sites.zone(change.target.name, zone)
        try:
            return seen[-1], zone, await access.read(seen[-1], "A")
        except WrongStateError as error:
            if "alias_of" not in error.evidence:
                raise
            aim = canonical_name(str(error.evidence["alias_of"]))
        around = [each for each in change.target.zones if is_within(aim, each)]
        if aim in seen or not around or len(seen) > _MAX_ALIASES:
            chain = " → ".join((*seen, aim))
            where = "in a circle" if aim in seen else f"out of the zones of {change.target.name}"
            raise WrongStateError(
                f"{chain}: the alias leads {where}. Nothing was changed.",
                host=access.server,
                next_step="Name the record that holds the address in the plan, with its zone.",
                evidence={"chain": [*seen, aim], "zone": zone},
            )
        seen.append(aim)
        zone = max(around, key=len)


class _Planner:
    """Reads and decides for one VM."""

    def __init__(self, run: RunContext, vm: PlannedVm) -> None:
        self.is_contested = False
        self.troubles: list[SiteError] = []
        self._run = run
        self._holders: dict[tuple[str, str], str] = {}
        self._home = AtHome.of(run, vm)
        self._prepared = {} if run.is_test else run.prepared_names()
        source = run.estate.sites.get(run.source_site_name)
        self._was_left = in_subnets_of(source)

    async def name(self, kinds: Sequence[DnsChange]) -> list[Change]:
        """One name: its A and AAAA records, together."""
        asked = kinds[0]
        name, zone, first = await holder_of(self._run, asked)
        is_aliased = name != canonical_name(asked.name)
        self._holders[asked.target.name, canonical_name(asked.name)] = name
        access = self._run.sites.zone(asked.target.name, zone)
        found = {
            kind.type: first if kind.type == "A" else await access.read(name, kind.type)
            for kind in kinds
        }
        self.is_contested = (
            self.is_contested
            or is_aliased
            or any(each is not None and len(each.values) > 1 for each in found.values())
        )
        moves = [
            self._move(replace(kind, name=name, zone=zone), found[kind.type], is_aliased=is_aliased)
            for kind in kinds
        ]
        keys = {kind.type: (kind.target.name, zone, name, kind.type) for kind in kinds}
        kept = _families(
            moves,
            had={kind for kind, key in keys.items() if self._home.had(key)},
            is_known=any(self._home.knows(key) for key in keys.values()),
        )
        return [
            self._change(keys[kind.type], move, self._home.ttl_s(keys[kind.type], kind.ttl_s))
            for kind, move in zip(kinds, kept, strict=True)
            if move is not None
        ]

    async def pointer(self, change: DnsChange) -> Change:
        """One PTR record; it points to the name that holds the address."""
        access = self._run.sites.zone(change.target.name, change.zone)
        found = await access.read(change.name, "PTR")
        held = {
            canonical_name(alias): holder
            for (target, alias), holder in self._holders.items()
            if target == change.target.name
        }

        def names(values: Iterable[str]) -> tuple[str, ...]:
            return tuple(held.get(canonical_name(each), each) for each in values)

        key = change.target.name, change.zone, canonical_name(change.name), change.type
        change = replace(
            change,
            values=names(change.values),
            former=tuple(dict.fromkeys((*names(change.former), *change.former))),
        )
        change = self._home.pointer(key, change, found)
        return self._change(key, self._move(change, found), self._home.ttl_s(key, change.ttl_s))

    def _move(
        self, change: DnsChange, found: RecordSet | None, *, is_aliased: bool = False
    ) -> Move:
        key = change.target.name, change.zone, canonical_name(change.name), change.type
        move = Move(
            name=change.name,
            type=change.type,
            server=self._run.sites.zone(change.target.name, change.zone).server,
            found=found,
            values=change.values,
            former=change.former,
            was_left=self._was_left,
            is_alone=is_aliased and not change.shared,
            is_free=change.target.for_tests,
            fellows=self._fellows(key),
        )
        return move if change.type == "PTR" else self._home.address(key, move)

    def _fellows(self, key: Key) -> tuple[str, ...]:
        """What this run has put there for other VMs already."""
        return tuple(
            str(value)
            for known in self._run.dns_planned.values()
            for change in known
            if key_of(change) == key and change["after"]
            for value in change["after"]["values"]
            if value not in (change["before"] or {"values": ()})["values"]
        )

    def _change(self, key: Key, move: Move, final_ttl_s: int | None) -> Change:
        """`move` decided; a TTL that was lowered stays so until the failover is committed."""
        target, zone, name, kind = key
        prepared = self._prepared.get(key)
        is_lowered = (
            prepared is not None
            and move.found is not None
            and move.found.ttl_s == prepared.lowered_ttl_s
        )
        after = decide(replace(move, ttl_s=None if is_lowered else final_ttl_s))
        if self._home.leaves_alone(key, move.found, after):
            after = move.found
        if (trouble := self._home.trouble(key, move)) is not None:
            self.troubles.append(trouble)
        change: dict[str, Any] = {
            "target": target,
            "zone": zone,
            "name": name,
            "type": kind,
            "before": move.found.as_dict() if move.found else None,
            "after": after.as_dict() if after else None,
        }
        if is_lowered and prepared is not None:
            change["former_ttl_s"] = prepared.ttl_s
            change["final_ttl_s"] = prepared.ttl_s if final_ttl_s is None else final_ttl_s
        return change


def _families(moves: Sequence[Move], *, had: Set[str], is_known: bool = False) -> list[Move | None]:
    """Of A and AAAA, a kind that the name does not have is added only if it has no other.

    A failover is no time to begin publishing addresses of another kind; those that it `had` at home
    come back, and no others if it `is_known` what it had.
    """
    keeps = {move.type for move in moves if move.found is not None and move.values}
    return [
        None
        if move.found is None
        and (not move.values or ((keeps or is_known) and move.type not in had))
        else move
        for move in moves
    ]


def _check_addresses(run: RunContext, vm: PlannedVm, addresses: Sequence[str]) -> None:
    adapters = adapters_of(run, vm) if vm.name in run.vms else ()
    own = [network for each in adapters if (network := network_of(run, each)) is not None]
    networks = own or [*run.estate.sites[run.running_site_name].networks]
    subnets = [subnet for each in networks for subnet in each.subnets]
    strange = [
        address
        for address in addresses
        if subnets and not any(ip_address(address) in subnet for subnet in subnets)
    ]
    if strange:
        raise WrongStateError(
            f"{vm.name} has {', '.join(strange)}, which is in none of the subnets of "
            f"{run.running_site_name} ({', '.join(map(str, subnets))}): no name is pointed there. "
            "DNS was not touched.",
            vm=vm.name,
            next_step="Look at the guest's address, or complete `subnets` in the estate.",
        )


def _is_named_twice(run: RunContext, vm: PlannedVm) -> bool:
    own = {record.name for record in vm.dns}
    return any(
        record.name in own
        for other in run.plan.vms
        if other.name != vm.name
        for record in other.dns
    )
