"""DNS as a VM had it at home: when it comes back, each record set is what it was before it went.

A plan says what shall lead to the VM where it is taken to. At home DNS was right before, so what
the failover changed goes back, TTLs included: what it made goes, what it took away comes, and what
it never touched stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from secondsite.connectors.dns import RecordSet, canonical_name, reverse_name
from secondsite.connectors.dns.deciding import Move
from secondsite.errors import ConflictError, SiteError
from secondsite.plan.dns_intent import DnsChange
from secondsite.plan.model import Direction, PlannedVm
from secondsite.run.dns_ledger import Change, Key, former_changes, had_part
from tasks.context import RunContext
from tasks.former_addresses import in_subnets_of

__all__ = ["AtHome"]


def _never(_: str) -> bool:
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class AtHome:
    """What one VM had in DNS before it went away; nothing, if it does not come back now.

    Attributes:
        comes_back: Whether this run brings it home.
        former: What took each record set from it, as far as known.
        is_home: Whether an address is in the site that it comes to.
        was_left: Whether an address is in the site that it leaves.
    """

    comes_back: bool = False
    former: Mapping[Key, Change] = field(default_factory=dict)
    is_home: Callable[[str], bool] = _never
    was_left: Callable[[str], bool] = _never

    @classmethod
    def of(cls, run: RunContext, vm: PlannedVm) -> AtHome:
        """As the journal of the plan tells it."""
        if run.direction is not Direction.BACK or run.is_test:
            return cls()
        return cls(
            comes_back=True,
            former=former_changes(run.earlier_runs(), vm=vm.name, direction=str(run.direction)),
            is_home=in_subnets_of(run.estate.sites.get(run.target_site_name)),
            was_left=in_subnets_of(run.estate.sites.get(run.source_site_name)),
        )

    def knows(self, key: Key) -> bool:
        """Whether the failover that took the VM away looked at that record set."""
        return key in self.former

    def had(self, key: Key) -> bool:
        """Whether there were such records at all."""
        return bool(self.former.get(key, {}).get("before"))

    def goes(self, key: Key) -> bool:
        """Whether the VM had no part in those address records, and shall have none again."""
        change = self.former.get(key)
        return change is not None and not had_part(change, is_there=self.was_left)

    def ttl_s(self, key: Key, planned_s: int | None) -> int | None:
        """As it was at home; else as planned; None for as it is."""
        change = self.former.get(key)
        if change is None:
            return planned_s
        if not change["before"]:
            return None
        return int(change.get("former_ttl_s") or change["before"]["ttl_s"])

    def address(self, key: Key, move: Move) -> Move:
        """`move` of address records, as home wants it."""
        if self.goes(key):
            # Only what is surely the VM's own goes: whatever else is there, somebody else set.
            return replace(move, values=(), was_left=_never, is_alone=False)
        change = self.former.get(key)
        if change is None or not change["before"]:
            return move
        had = tuple(str(each) for each in change["before"]["values"])
        if not move.values and change["after"] is None:
            return replace(move, values=tuple(each for each in had if self.is_home(each)))
        after = set(change["after"]["values"]) if change["after"] else set()
        kept = tuple(each for each in had if each in after and each in move.former)
        if kept and set(had) - after:  # a name that led to the VM in both sites
            return replace(move, values=tuple(dict.fromkeys((*move.values, *kept))))
        return move

    def pointer(self, key: Key, change: DnsChange, found: RecordSet | None) -> DnsChange:
        """`change` of a PTR record, as home wants it: it leads to the VM's name if it did."""
        former = self.former.get(key)
        if former is None:
            # A failover that did not know the address at home has touched no PTR of it.
            is_as_before = found is None and canonical_name(change.name) in self._pointers()
            return replace(change, values=()) if is_as_before else change
        own = tuple(dict.fromkeys((*change.values, *change.former)))
        led = set(former["before"]["values"]) if former["before"] else set()
        names = RecordSet(name=change.name, type="PTR", ttl_s=0, values=own).values
        return replace(change, values=tuple(sorted(led.intersection(names))), former=own)

    def _pointers(self) -> set[str]:
        """The names of the PTR records of the addresses that it had at home."""
        return {
            reverse_name(value)
            for key, change in self.former.items()
            if key[3] != "PTR" and change["before"]
            for value in change["before"]["values"]
            if value not in (change["after"] or {"values": ()})["values"]
        }

    def leaves_alone(self, key: Key, found: RecordSet | None, after: RecordSet | None) -> bool:
        """Whether a record is right already, and was not changed when the VM went: its TTL too."""
        return (
            self.comes_back
            and not self.knows(key)
            and found is not None
            and after is not None
            and found.values == after.values
        )

    def trouble(self, key: Key, move: Move) -> SiteError | None:
        """A record that the failover made and that is somebody else's now; people are told."""
        change = self.former.get(key)
        if change is None or change["before"] or not change["after"] or move.found is None:
            return None
        own = (*move.former, *change["after"]["values"])
        if set(move.found.values) & set(
            RecordSet(name=move.name, type=move.type, ttl_s=0, values=own).values
        ):
            return None
        return ConflictError(
            f"{move.name} {move.type} on {move.server} is {move.found}: the failover had made it, "
            "and somebody has changed it since. It stays.",
            host=move.server,
            next_step="Before the failover there was no such record. Remove it if nobody needs it.",
            evidence={"found": move.found.as_dict()},
        )
