"""Who holds what: one active run per plan, no VM in two active runs, one process per run.

A *claim* ties a plan or a VM to a run until the run ends. A *lease* ties a run to the process that
carries it, and needs a heartbeat; a run whose lease is stale was interrupted, and keeps its claims,
because nobody may touch its VMs before it is taken up again or ended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, delete, insert, select, text, update

from secondsite.errors import RunConflictError
from secondsite.run.schema import claims, leases, runs

__all__ = [
    "LEASE_S",
    "Lease",
    "beat",
    "claim",
    "detach",
    "lease_of",
    "release",
    "require",
    "stale_leases",
]

LEASE_S = 30.0
"""A process that was not heard of for this long is taken for dead."""

IsGone = Callable[[str], bool]
"""Whether a holder has surely ended, heartbeat or not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The process that carries a run; `holder` is empty while it waits without a process."""

    run_id: str
    holder: str
    heartbeat_at: datetime

    def is_stale(self, *, now: datetime, is_gone: IsGone, after_s: float = LEASE_S) -> bool:
        """Whether its process has ended, or has not been heard of for `after_s`."""
        if not self.holder:
            return False
        return now - self.heartbeat_at > timedelta(seconds=after_s) or is_gone(self.holder)


def claim(
    connection: Connection,
    *,
    run_id: str,
    plan: str,
    vms: Iterable[str],
    holder: str,
    now: datetime,
    is_gone: IsGone,
) -> None:
    """Claim plan and VMs for the run, and the run for the process; all or nothing.

    Raises:
        RunConflictError: another run has one of them, or another live process has this run.
    """
    if connection.dialect.name == "postgresql":  # SQLite has one writer at a time as it is
        # What its former process is writing just now is written before, or not at all (`require`).
        connection.execute(select(runs.c.run_id).where(runs.c.run_id == run_id).with_for_update())
        connection.execute(text("LOCK TABLE journal_claims IN EXCLUSIVE MODE"))
    _refuse_live_holder(connection, run_id=run_id, holder=holder, now=now, is_gone=is_gone)
    wanted = [("plan", plan), *(("vm", vm) for vm in vms)]
    keys = {(kind, name.casefold()): name for kind, name in wanted}
    taken = {
        (row.kind, row.name): row.run_id
        for row in connection.execute(select(claims))
        if (row.kind, row.name) in keys
    }
    others: dict[str, list[str]] = {}
    for key, other in taken.items():
        if other != run_id and not _is_left_over(connection, other, now=now, is_gone=is_gone):
            others.setdefault(other, []).append(f"{key[0]} {keys[key]}")
    if others:
        raise _conflict(connection, others, now=now, is_gone=is_gone)
    for other in {other for other in taken.values() if other != run_id}:
        release(connection, run_id=other)
    mine = {key for key, other in taken.items() if other == run_id}
    rows = [{"kind": kind, "name": name, "run_id": run_id} for kind, name in keys.keys() - mine]
    if rows:
        connection.execute(insert(claims), rows)
    connection.execute(delete(leases).where(leases.c.run_id == run_id))
    connection.execute(insert(leases).values(run_id=run_id, holder=holder, heartbeat_at=now))


def beat(connection: Connection, *, run_id: str, holder: str, now: datetime) -> None:
    """Tell that `holder` is alive and carries the run.

    Raises:
        RunConflictError: another process carries it by now.
    """
    mine = (leases.c.run_id == run_id) & (leases.c.holder == holder)
    if connection.execute(update(leases).where(mine).values(heartbeat_at=now)).rowcount != 1:
        raise _lost(run_id, holder)


def require(connection: Connection, *, run_id: str, holder: str) -> None:
    """Make sure that `holder` carries the run, in the transaction in which it writes.

    The run's row must be locked: then nobody takes the run over before that transaction is through.

    Raises:
        RunConflictError: another process carries it by now, or it was ended.
    """
    lease = lease_of(connection, run_id)
    if lease is None or lease.holder != holder:
        raise _lost(run_id, holder)


def detach(connection: Connection, *, run_id: str, holder: str, now: datetime) -> None:
    """The process lets go of the run (it waits for people); the run keeps its claims."""
    mine = (leases.c.run_id == run_id) & (leases.c.holder == holder)
    connection.execute(update(leases).where(mine).values(holder="", heartbeat_at=now))


def release(connection: Connection, *, run_id: str) -> None:
    """The run is over: plan and VMs are free."""
    connection.execute(delete(claims).where(claims.c.run_id == run_id))
    connection.execute(delete(leases).where(leases.c.run_id == run_id))


def lease_of(connection: Connection, run_id: str) -> Lease | None:
    """The lease of a run, if it has one."""
    row = connection.execute(select(leases).where(leases.c.run_id == run_id)).first()
    if row is None:
        return None
    return Lease(run_id=row.run_id, holder=row.holder, heartbeat_at=_aware(row.heartbeat_at))


def stale_leases(
    connection: Connection, *, now: datetime, is_gone: IsGone, older_than_s: float
) -> tuple[Lease, ...]:
    """Leases whose process has not been heard of for `older_than_s`: interrupted runs."""
    found = (
        Lease(run_id=row.run_id, holder=row.holder, heartbeat_at=_aware(row.heartbeat_at))
        for row in connection.execute(select(leases).order_by(leases.c.run_id))
    )
    return tuple(
        lease for lease in found if lease.is_stale(now=now, is_gone=is_gone, after_s=older_than_s)
    )


def _refuse_live_holder(
    connection: Connection, *, run_id: str, holder: str, now: datetime, is_gone: IsGone
) -> None:
    lease = lease_of(connection, run_id)
    if lease is None or lease.holder in {"", holder} or lease.is_stale(now=now, is_gone=is_gone):
        return
    raise RunConflictError(
        [
            f"{run_id} is carried by {lease.holder}, "
            f"last heard of at {lease.heartbeat_at:%H:%M:%S} UTC"
        ],
        next_step=f"See what it does or waits for: secondsite status {run_id}",
    )


def _lost(run_id: str, holder: str) -> RunConflictError:
    return RunConflictError(
        [f"{run_id} is no longer carried by {holder}"],
        next_step=(
            "This process does nothing more; another one has taken the run up, or ended it. "
            "See: secondsite runs"
        ),
    )


def _is_left_over(connection: Connection, run_id: str, *, now: datetime, is_gone: IsGone) -> bool:
    """Whether a run's claims bind nobody: it has ended, or died before its first event."""
    run = connection.execute(select(runs.c.ended_at).where(runs.c.run_id == run_id)).first()
    if run is not None:
        return run.ended_at is not None
    lease = lease_of(connection, run_id)
    return lease is None or lease.is_stale(now=now, is_gone=is_gone)


def _conflict(
    connection: Connection, others: dict[str, list[str]], *, now: datetime, is_gone: IsGone
) -> RunConflictError:
    reasons = []
    is_interrupted = False
    for run_id, things in sorted(others.items()):
        lease = lease_of(connection, run_id)
        if lease is not None and lease.is_stale(now=now, is_gone=is_gone):
            is_interrupted = True
            state = f"interrupted, last heard of at {lease.heartbeat_at:%Y-%m-%d %H:%M:%S} UTC"
        else:
            state = "active" if lease is None or lease.holder else "waiting for people"
        reasons.append(f"run {run_id} ({state}) holds {', '.join(sorted(things))}")
    first = min(others)
    advice = f"See what it does or waits for: secondsite status {first}"
    if is_interrupted:
        plan = connection.scalar(select(runs.c.plan).where(runs.c.run_id == first))
        advice = (
            f"Let it go on where it stopped: secondsite resume {first}. "
            f"Or end a test that died: secondsite cleanup {plan}"
        )
    return RunConflictError(reasons, next_step=advice)


def _aware(at: datetime) -> datetime:
    """SQLite gives times without their zone; all of ours are UTC."""
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)
