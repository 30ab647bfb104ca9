"""How a plan is rehearsed: when, on which network, and what proves that its service works."""

from __future__ import annotations

from typing import Literal

from secondsite.plan.hooks import ScriptHook
from secondsite.plan.quantities import Duration
from secondsite.plan.schedule import Cron, TimeZone
from secondsite.plan.written import Written

__all__ = ["Rehearsal", "RehearsalNetwork"]

RehearsalNetwork = Literal["as the estate says", "none", "existing", "created"]


class Rehearsal(Written):
    """How the plan is rehearsed: a test failover with its clean-up, nobody being there.

    Attributes:
        cron: When, as minute, hour, day, month and weekday: `0 3 * * 6` is Saturdays at 03:00.
            Without it the plan is rehearsed when somebody asks, or in a suite.
        timezone: Time zone in which `cron` is meant (IANA database).
        network: What the test VMs are connected to: the test network of the protection (`as the
            estate says`), `none`, an `existing` one, or networks `created` in VMM for the test.
        network_name: With `existing`: the network, one that the estate marks as for tests.
        hold: How long the test VMs stay up for people to look at, before the clean-up.
        verify: Scripts that prove that the service works, run in order after the last group in
            every test failover. One that fails fails the test.
    """

    cron: Cron | None = None
    timezone: TimeZone = "UTC"
    network: RehearsalNetwork = "as the estate says"
    network_name: str = ""
    hold: Duration | None = None
    verify: tuple[ScriptHook, ...] = ()
