"""Names by rule, and how carefully DNS is changed: what an estate says besides its targets."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from secondsite.plan.quantities import DnsName, Duration, parse_dns_name
from secondsite.plan.written import Written

__all__ = ["DnsPolicy", "DnsRule"]

_PLACE = "{vm}"


def _template(text: str) -> str:
    if _PLACE not in text:
        raise ValueError(f'"{text}" is the same name for every VM: write {_PLACE}.corp.example')
    return parse_dns_name(text.replace(_PLACE, "vm--name")).replace("vm--name", _PLACE)


class DnsRule(Written):
    """A name by rule, for every VM whose plan writes no `dns` for it.

    Attributes:
        name: The full name with `{vm}` in it, which stands for the VM's name: `{vm}.corp.example`.
        zone: The zone that holds it; some `dns` target of the estate must serve it.
        ttl: As for a name of a plan.
        ptr: As for a name of a plan.
    """

    name: Annotated[str, AfterValidator(_template)]
    zone: DnsName
    ttl: Duration | None = None
    ptr: bool = False

    @model_validator(mode="after")
    def _is_in_its_zone(self) -> DnsRule:
        if not self.name.endswith(f".{self.zone}"):
            raise ValueError(
                f'"{self.name}" is not in the zone {self.zone}: write {_PLACE}.{self.zone}'
            )
        return self

    def name_of(self, vm: str) -> str:
        """The name of that VM.

        Raises:
            ValueError: its name cannot be part of a DNS name.
        """
        return parse_dns_name(self.name.replace(_PLACE, vm.casefold()))


class DnsPolicy(Written):
    """How carefully DNS is changed.

    Attributes:
        rules: Names by rule, for protections without `dns_rules` of their own.
        max_records: How many record sets one run may change at most; a run that might change more
            is refused before anything is touched.
        settle_time: How long after the last change of a failover its records are looked at once
            more, because a VM may register itself; 0s for not at all.
        prepared_ttl: The time to live that `secondsite dns prepare` lowers records to.
    """

    rules: tuple[DnsRule, ...] = ()
    max_records: Annotated[int, Field(ge=1, le=100_000)] = 1000
    settle_time: Duration = timedelta(seconds=30)
    prepared_ttl: Duration = timedelta(seconds=60)

    @property
    def settles(self) -> bool:
        """Whether records are looked at once more."""
        return self.settle_time > timedelta(0)
