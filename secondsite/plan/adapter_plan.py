"""What becomes of each network adapter of a VM in a failover: its network and its address. Pure.

The source site tells which network an adapter belongs to, the protection maps it, and the plan or
the subnet rules tell the address. What no source tells (the site is gone) earlier runs may have
seen. `secondsite show`, the preflight and every later step work with the same result.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from ipaddress import ip_address
from typing import Any, Literal

from secondsite.plan.adapter_rules import rules_of
from secondsite.plan.estate import Network, Protection, Site
from secondsite.plan.guests import AddressRule, StaticAddress
from secondsite.plan.hooks import Direction
from secondsite.plan.model import PlannedVm
from secondsite.plan.subnet_rules import Address, SubnetRules
from secondsite.plan.way_back import in_direction

__all__ = ["AdapterPlanner", "PlannedAdapter", "SeenAdapter", "Slot", "slot_of"]

RuleName = Literal["static", "pool", "dhcp", "keep"]
Slot = tuple[str, int]


def slot_of(name: str, number: int) -> Slot:
    """What tells an adapter from the others of its VM: its name, and its place among its likes."""
    return name.casefold(), number


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenAdapter:
    """One adapter of a VM as its site showed it.

    Attributes:
        name: Its name on Hyper-V; several adapters of a VM may have the same.
        number: Its place among those of its name, from 0.
        network: The network of the estate that it is connected to, if it is one.
        is_connected: Whether it is connected to anything.
        addresses: What its guest reports, without link-local ones.
        is_untold: It is connected, perhaps to a virtual network, and VMM, which alone knows to
            which one, did not tell.
    """

    name: str
    number: int = 0
    network: str | None = None
    is_connected: bool = False
    addresses: tuple[str, ...] = ()
    is_untold: bool = False

    @property
    def slot(self) -> Slot:
        """What tells it from the other adapters of its VM, in either site."""
        return slot_of(self.name, self.number)

    def as_dict(self) -> dict[str, Any]:
        """As plain JSON values, for the journal."""
        return {**asdict(self), "addresses": list(self.addresses)}

    @classmethod
    def from_dict(cls, written: Mapping[str, Any]) -> SeenAdapter:
        """What `as_dict` gave."""
        return cls(**{**written, "addresses": tuple(written.get("addresses", ()))})


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedAdapter:
    """One adapter as it will be.

    Attributes:
        network: The network that it is connected to in this run; None: to none of the estate.
        mapped: The network that a real failover connects it to.
        keeps: It stays connected to what it is connected to now.
        static: What is injected into the guest; of a pool, this comes later.
        wanted: Addresses to ask a pool for first, best first.
        origin: Where the rule comes from, in words.
        why_not: Why it is connected to nothing, in words.
        is_guess: Nobody has seen its network: it is the first that the protection names.
        is_virtual: `network` is one of Windows Network Virtualization, to which VMM connects it.
        is_allocated: VMM gives it an address of the network's pool there, and hands it out.
    """

    name: str
    number: int = 0
    network: str | None = None
    mapped: str | None = None
    keeps: bool = False
    rule: RuleName = "keep"
    static: StaticAddress | None = None
    wanted: tuple[str, ...] = ()
    origin: str = ""
    why_not: str = ""
    is_guess: bool = False
    is_virtual: bool = False
    is_allocated: bool = False

    @property
    def slot(self) -> Slot:
        """What tells it from the other adapters of its VM, in either site."""
        return slot_of(self.name, self.number)

    @property
    def addresses(self) -> tuple[Address, ...]:
        """The static addresses that it gets."""
        if self.static is None:
            return ()
        written = (self.static.ipv4, self.static.ipv6)
        return tuple(each.ip for each in written if each is not None)

    def as_dict(self) -> dict[str, Any]:
        """As plain JSON values, for the journal."""
        static = self.static.model_dump(mode="json") if self.static else None
        return {**asdict(self), "static": static, "wanted": list(self.wanted)}

    @classmethod
    def from_dict(cls, written: Mapping[str, Any]) -> PlannedAdapter:
        """What `as_dict` gave."""
        static = written.get("static")
        return cls(
            **{
                **written,
                "static": StaticAddress.model_validate(static) if static else None,
                "wanted": tuple(written.get("wanted", ())),
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterPlanner:
    """Plans the adapters of the VMs of one run.

    Attributes:
        target_site: The site in which the VMs come up.
        in_run: The network that takes the place of a mapped one in this run (tests), or of none
            where nothing is mapped; None: not connected to a network of the estate.
        is_test: The VMs are test VMs: nothing stays connected to where it is.
    """

    protection: Protection
    direction: Direction
    target_site: Site
    in_run: Callable[[str | None], Network | None]
    is_test: bool = False

    def plan(
        self,
        vm: PlannedVm,
        *,
        source: Sequence[SeenAdapter] | None,
        target: Sequence[SeenAdapter],
        former: Sequence[SeenAdapter] = (),
    ) -> tuple[PlannedAdapter, ...]:
        """The adapters of `vm`, in the order in which its copy in the target site has them.

        Args:
            vm: Says the rules.
            source: Its adapters in the site that it leaves; None: nobody knows them.
            target: Those of its copy in the target site.
            former: Those of that copy when it ran there last, where earlier runs have seen it.
        """
        left = {each.slot: each for each in source or ()}
        before = {each.slot: each for each in former}
        return tuple(
            self._adapter(
                vm,
                copy,
                is_first=index == 0,
                seen=left.get(copy.slot),
                former=before.get(copy.slot),
                is_known=source is not None,
            )
            for index, copy in enumerate(target)
        )

    def _adapter(
        self,
        vm: PlannedVm,
        copy: SeenAdapter,
        *,
        is_first: bool,
        seen: SeenAdapter | None,
        former: SeenAdapter | None,
        is_known: bool,
    ) -> PlannedAdapter:
        if is_known and not (seen is not None and seen.is_untold):
            place = self._mapped(copy, seen)
        else:
            place = self._guessed(vm, copy, is_first=is_first)
        mapped = self._network(place.mapped)
        network = None if place.why_not or place.keeps else self.in_run(place.mapped)
        if place.keeps:
            network = self._network(copy.network)
        around = [each for each in (network, mapped) if each is not None]
        written = next(
            (each.rule for each in rules_of(vm) if each.is_for(copy.name, is_first=is_first)), None
        )
        rule = self._rule(written, seen=seen, former=former, around=around)
        if rule.name == "pool" and network is None:
            rule = _Rule(name="keep", origin="it is on no network that has a pool")
        return PlannedAdapter(
            name=copy.name,
            number=copy.number,
            network=network.name if network else None,
            mapped=place.mapped,
            keeps=place.keeps,
            rule=rule.name,
            static=rule.static,
            wanted=rule.wanted,
            origin=rule.origin,
            why_not=place.why_not,
            is_guess=place.is_guess,
            is_virtual=network is not None and network.is_virtual,
        )

    def _network(self, name: str | None) -> Network | None:
        return self.target_site.network(name) if name else None

    def _pairs(self) -> list[tuple[str, str]]:
        """(network of the source, network of the target), whatever the direction."""
        pairs = self.protection.networks.items()
        if self.direction is Direction.FORWARD:
            return list(pairs)
        return [(there, here) for here, there in pairs]

    def _mapped(self, copy: SeenAdapter, seen: SeenAdapter | None) -> _Place:
        pairs = self._pairs()
        if not pairs:
            return _Place()
        name = seen.network.casefold() if seen is not None and seen.network else None
        found = [there for here, there in pairs if here.casefold() == name]
        if found:
            # Of several that map to where it is now, the one that it is on at home.
            at_home = [each for each in found if each.casefold() == (copy.network or "").casefold()]
            return _Place(mapped=(at_home or found)[0])
        if self._stays(copy):
            return _Place(keeps=True)
        if seen is None:
            return _Place(why_not="the VM has no such adapter in the site that it leaves")
        if not seen.is_connected:
            return _Place(why_not="it is not connected in the site that it leaves either")
        where = f"its network {seen.network}" if seen.network else "what it is connected to"
        return _Place(why_not=f"{where} is not in `networks` of the protection")

    def _guessed(self, vm: PlannedVm, copy: SeenAdapter, *, is_first: bool) -> _Place:
        """Where it belongs when the site that it leaves is silent, and was so from the start."""
        mapped = dict.fromkeys(there for _, there in self._pairs())
        if not mapped:
            return _Place()
        if self._stays(copy):
            return _Place(keeps=True)
        named = [self.target_site.network(name) for name in mapped]
        candidates = [each for each in named if each is not None]
        for each in rules_of(vm):
            address = self._localised(each.rule)
            if address is None or not each.is_for(copy.name, is_first=is_first):
                continue
            for network in candidates:
                if _holds(network, address):
                    return _Place(mapped=network.name)
        if is_first and candidates:
            return _Place(mapped=candidates[0].name, is_guess=len(candidates) > 1)
        return _Place(why_not="nobody knows its network in the site that it leaves")

    def _stays(self, copy: SeenAdapter) -> bool:
        """Without a counterpart it is, at home, where it was before it left."""
        return self.direction is Direction.BACK and copy.is_connected and not self.is_test

    def _localised(self, rule: AddressRule) -> StaticAddress | None:
        if not isinstance(rule, StaticAddress):
            return None
        return in_direction(rule, SubnetRules(self.protection, self.direction), self.direction)

    def _rule(
        self,
        written: AddressRule | None,
        *,
        seen: SeenAdapter | None,
        former: SeenAdapter | None,
        around: Sequence[Network],
    ) -> _Rule:
        rules = SubnetRules(self.protection, self.direction)
        is_back = self.direction is Direction.BACK
        own = [ip_address(each) for each in (seen.addresses if seen else ())]
        moved = [there for each in own if (there := rules.moved(each)) is not None]
        at_home = [ip_address(each) for each in (former.addresses if former else ())]
        before = _Rule(
            name="static",
            static=_composed(at_home, around),
            origin="its address there before it left",
        )
        match written:
            case StaticAddress():
                address = in_direction(written, rules, self.direction)
                if address is not None:
                    words = "the plan, through the subnet rules" if is_back else "the plan"
                    return _Rule(name="static", static=address, origin=words)
                if before.static is not None:
                    return before
                return _Rule(name="keep", origin="no subnet rule tells its address there")
            case "pool":
                if is_back and before.static is not None:
                    return before
                wanted = tuple(str(each) for each in dict.fromkeys([*moved, *own]))
                return _Rule(name="pool", wanted=wanted, origin="the plan")
            case "dhcp" | "keep":
                return _Rule(name=written, origin="the plan")
        address = _composed(moved, around, rules=rules)
        if address is None:
            return _Rule(name="keep")
        used = dict.fromkeys(str(rule) for each in own if (rule := rules.rule_for(each)))
        return _Rule(name="static", static=address, origin=f"the subnet rule {' and '.join(used)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where an adapter belongs in the target site."""

    mapped: str | None = None
    keeps: bool = False
    why_not: str = ""
    is_guess: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule:
    """Where its address comes from."""

    name: RuleName
    static: StaticAddress | None = None
    wanted: tuple[str, ...] = ()
    origin: str = ""


def _holds(network: Network, address: StaticAddress) -> bool:
    return any(
        written is not None and written.version == subnet.version and written.ip in subnet
        for written in (address.ipv4, address.ipv6)
        for subnet in network.subnets
    )


def _composed(
    addresses: Sequence[Address], around: Sequence[Network], rules: SubnetRules | None = None
) -> StaticAddress | None:
    """One address of each family, with prefix, gateway and name servers of the network around.

    Args:
        addresses: The first of each family counts.
        around: The network that the adapter is on, and the one that it stands for in a test.
        rules: Tell the prefix of an address that lies in no subnet of these networks.
    """
    written: dict[str, Any] = {}
    servers: list[str] = []
    for version, key, gateway_key in ((4, "ipv4", "gateway"), (6, "ipv6", "gateway6")):
        address = next((each for each in addresses if each.version == version), None)
        if address is None:
            continue
        subnets = [
            subnet
            for network in around
            for subnet in network.subnets
            if subnet.version == version and address in subnet
        ]
        subnets += [
            rule.target
            for rule in (rules.rules if rules else ())
            if rule.target.version == version and address in rule.target
        ]
        if not subnets:
            continue
        written[key] = f"{address}/{subnets[0].prefixlen}"
        gateways = [
            gateway
            for network in around
            for gateway in network.gateways
            if gateway.version == version and gateway in subnets[0] and gateway != address
        ]
        if gateways:
            written[gateway_key] = str(gateways[0])
        own = next((each.dns for each in around if each.dns), ())
        servers += [str(each) for each in own if each.version == version][:2]
    if not written:
        return None
    return StaticAddress.model_validate({**written, "dns": servers})
