"""The address rules that a plan writes for the adapters of a VM, each with its place. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from secondsite.plan.guests import AddressRule, StaticAddress
from secondsite.plan.model import PlannedVm

__all__ = ["AdapterRule", "has_pool", "rules_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterRule:
    """One rule as it is written.

    Attributes:
        adapter: The adapter's name on Hyper-V; None: the first one.
        place: Keys that lead to it, from the VM on.
    """

    adapter: str | None
    rule: AddressRule
    place: tuple[str, ...]

    def is_for(self, name: str, *, is_first: bool) -> bool:
        """Whether it speaks of the adapter of that name."""
        if self.adapter is None:
            return is_first
        return self.adapter.casefold() == name.casefold()


def rules_of(vm: PlannedVm) -> Iterator[AdapterRule]:
    """Those of `adapters`, which name their adapter, and then `address`."""
    for name, rule in vm.adapters.items():
        yield AdapterRule(adapter=name, rule=rule, place=("adapters", name))
    if vm.address is not None:
        named = vm.address.adapter if isinstance(vm.address, StaticAddress) else None
        yield AdapterRule(adapter=named, rule=vm.address, place=("address",))


def has_pool(vm: PlannedVm) -> bool:
    """Whether an adapter of `vm` gets its address from a pool."""
    return any(each.rule == "pool" for each in rules_of(vm))
