"""How long things take in the simulated world, before scaling."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

__all__ = ["Pace"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Durations of the world's own work; guests have theirs.

    Attributes:
        power_on: Start-VM, until Hyper-V says Running.
        test_failover: Start-VMFailover -AsTest.
        failover: Start-VMFailover on the replica.
        prepare: Sending the last changes.
        undo: Stop-VMFailover, with or without a test VM.
        complete: Merging recovery points.
        reverse: Turning a relationship round.
        initial_replication: The first copy.
        resynchronization: Comparing both sides.
        recovery_point_every: A replica keeps one so often.
        vmm_refresh: From a change on a host until VMM's inventory has it.
    """

    power_on: timedelta = timedelta(seconds=3)
    test_failover: timedelta = timedelta(seconds=5)
    failover: timedelta = timedelta(seconds=5)
    prepare: timedelta = timedelta(seconds=20)
    undo: timedelta = timedelta(seconds=4)
    complete: timedelta = timedelta(seconds=10)
    reverse: timedelta = timedelta(seconds=10)
    initial_replication: timedelta = timedelta(minutes=10)
    resynchronization: timedelta = timedelta(minutes=5)
    recovery_point_every: timedelta = timedelta(hours=1)
    vmm_refresh: timedelta = timedelta(seconds=60)
