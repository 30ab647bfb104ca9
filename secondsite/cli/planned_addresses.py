"""Which network and address each adapter of a plan's VMs will get, where that is known before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from secondsite.cli.network_choice import test_network_choice
from secondsite.errors import PreflightError
from secondsite.graph import Operation
from secondsite.plan.adapter_plan import AdapterPlanner, PlannedAdapter, SeenAdapter
from secondsite.plan.adapter_rules import rules_of
from secondsite.plan.created_networks import logical_of, reasons_against_created
from secondsite.plan.estate import Estate, Network, Protection, Site
from secondsite.plan.model import Direction, Plan, PlannedVm
from secondsite.run.adapters_seen import TARGET, TARGET_SITE, remembered
from secondsite.run.record import RunRecord

__all__ = ["AddressRow", "planned_addresses", "table_of"]

_MOVES = frozenset({Operation.TEST, Operation.PLANNED, Operation.UNPLANNED})


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressRow:
    """One adapter, in words for people.

    Attributes:
        adapter: Its name; empty where nobody has seen the VM's adapters yet: the first one then.
        network: Empty where nothing is known of it.
        address: The address, or what will give it.
        origin: Where that comes from.
        is_virtual: VMM connects it, because its network is virtual.
    """

    vm: str
    adapter: str
    network: str
    address: str
    origin: str
    is_virtual: bool = False


def planned_addresses(
    plan: Plan,
    estate: Estate,
    *,
    operation: Operation,
    direction: Direction,
    past: Sequence[RunRecord],
    test_network: str = "",
) -> list[AddressRow]:
    """A row for every adapter that is known; none for operations that move no VM.

    Args:
        plan: Says the rules.
        estate: Says networks and subnet rules.
        operation: What would be done.
        direction: Which site takes over.
        past: Runs of the plan, oldest first: what they have seen of networks and addresses.
        test_network: Of a test: a network's name, `created` or `none`; empty: as the estate says.
    """
    protection = estate.protection(plan.protection)
    if protection is None or operation not in _MOVES:
        return []
    source, target = protection.site_names(direction)
    site = estate.sites[target]

    def in_run(mapped: str | None) -> Network | None:
        if operation is Operation.TEST:
            return _in_test(mapped, site, protection, test_network)
        return site.network(mapped) if mapped else None

    planner = AdapterPlanner(
        protection=protection,
        direction=direction,
        target_site=site,
        in_run=in_run,
        is_test=operation is Operation.TEST,
    )
    rows: list[AddressRow] = []
    for vm in plan.vms:
        seen, former = _seen(past, vm, source), _seen(past, vm, target)
        planned = planner.plan(
            vm,
            source=seen,
            target=former or _copy(past, vm, target, seen),
            former=former or (),
        )
        rows += [_row(vm, each, is_known=seen is not None) for each in planned]
    return rows


def table_of(rows: Iterable[AddressRow]) -> Iterator[str]:
    """The rows as lines for a terminal."""
    cells = [("VM", "adapter", "network", "address", "from")]
    cells += [(each.vm, each.adapter, _shown(each), each.address, each.origin) for each in rows]
    widths = [max(len(row[column]) for row in cells) for column in range(5)]
    for row in cells:
        texts = (text.ljust(width) for text, width in zip(row, widths, strict=True))
        yield "  ".join(texts).rstrip()


def _shown(row: AddressRow) -> str:
    return f"{row.network} (virtual, by VMM)" if row.is_virtual else row.network


def _in_test(
    mapped: str | None, site: Site, protection: Protection, test_network: str
) -> Network | None:
    if test_network == "created":
        return _made(mapped, site, protection)
    # Prefect's world begins with `tasks`: it is not loaded for the sake of `--help`.
    from tasks.options import RunOptions

    chosen = RunOptions.model_validate(test_network_choice(test_network))
    try:
        return chosen.in_place_of(mapped, site, protection)
    except PreflightError:
        return None


def _made(mapped: str | None, site: Site, protection: Protection) -> Network | None:
    """The network that will be made in VMM, as far as the estate tells what it will be."""
    if reasons_against_created(site, protection):
        return None
    logical = logical_of(site, protection, mapped)
    name = f"made of {logical.name}" if logical is not None else "made in VMM"
    usual = site.network(mapped) if mapped else None
    if usual is None:
        return Network(name=name, switch=name, purpose="test")
    return usual.model_copy(update={"name": f"{name}, like {usual.name}", "purpose": "test"})


def _seen(past: Sequence[RunRecord], vm: PlannedVm, site: str) -> tuple[SeenAdapter, ...] | None:
    found = remembered(past, vm.name, site)
    return None if found is None else tuple(SeenAdapter.from_dict(each) for each in found)


def _copy(
    past: Sequence[RunRecord], vm: PlannedVm, site: str, seen: Sequence[SeenAdapter] | None
) -> Sequence[SeenAdapter]:
    """The adapters of the copy in the target site: as seen, or as those of the source, or named."""
    for record in reversed(past):
        found = record.vm(vm.name)
        if found is not None and found.facts.get(TARGET_SITE) == site and TARGET in found.facts:
            return [
                SeenAdapter(name=each["name"], number=each["number"])
                for each in found.facts[TARGET]
            ]
    if seen:
        return [SeenAdapter(name=each.name, number=each.number) for each in seen]
    named = [each.adapter for each in rules_of(vm) if each.adapter]
    return [SeenAdapter(name=""), *(SeenAdapter(name=each) for each in named)]


def _row(vm: PlannedVm, adapter: PlannedAdapter, *, is_known: bool) -> AddressRow:
    address = ", ".join(str(each) for each in adapter.addresses) or str(adapter.rule)
    if adapter.rule == "pool" and adapter.wanted:
        address = f"pool ({adapter.wanted[0]} if it is free)"
    origin = adapter.origin
    if not origin and not is_known:
        origin = "not known before a run has seen its address"
    return AddressRow(
        vm=vm.name,
        adapter=adapter.name or "(the first)",
        network=adapter.network or (f"none: {adapter.why_not}" if adapter.why_not else "none"),
        address=address,
        origin=origin,
        is_virtual=adapter.is_virtual,
    )
