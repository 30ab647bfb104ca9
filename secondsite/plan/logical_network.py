"""A logical network of VMM as the estate describes it: what test networks may be made of."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from secondsite.plan.written import FrozenDict, FrozenMapping, Written

__all__ = ["Isolation", "LogicalNetwork"]

Isolation = Literal["none", "vlan", "virtual"]
"""What keeps VM networks apart, in the words of the estate."""


class LogicalNetwork(Written):
    """A logical network of VMM.

    Attributes:
        name: Its name in VMM.
        isolation: What keeps its VM networks apart: `none` (there can be only one), `vlan` (one for
            each VLAN of its network sites), or `virtual` (Windows Network Virtualization).
        purpose: `test`: none of its network sites leads anywhere else, so that networks may be made
            of it for tests. Those of a `virtual` one are isolated whatever it is for.
        masquerade: Subnet of its network sites → the subnet of the same size under which the engine
            reaches guests there; only heartbeats count in those that are not named.
    """

    name: Annotated[str, Field(min_length=1, max_length=255)]
    isolation: Isolation
    purpose: Literal["production", "test"] = "production"
    masquerade: FrozenMapping[str, str] = FrozenDict()
