"""Which recovery point of a replica a failover starts from: what was asked for, VM by VM. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from secondsite.connectors.base import RecoveryPoint, VmSurvey
from tasks.options import RunOptions

__all__ = ["Chosen", "choose"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The point to start from.

    Attributes:
        id: None means the latest data, which need not be a stored point.
        made_at: The age of that data; None if nothing tells it.
        refusal: Why there is no such point; empty if there is one.
    """

    id: str | None = None
    made_at: datetime | None = None
    refusal: str = ""


def choose(vm: VmSurvey, options: RunOptions) -> Chosen:
    """The recovery point of `vm` that `options` ask for."""
    per_vm = {name.casefold(): wish for name, wish in options.recovery_points.items()}
    wish = per_vm.get(vm.name.casefold(), options.recovery_point)
    if wish == "latest":
        return Chosen(made_at=_latest_data_at(vm))
    if wish == "latest-app-consistent":
        points = [each for each in vm.recovery_points if each.kind == "AppConsistentReplica"]
        missing = f"{vm.name} has no application-consistent recovery point"
    else:
        try:
            not_after = _moment(wish)
        except ValueError:
            return Chosen(
                refusal=f"{vm.name}: {wish!r} is no recovery point: write latest, "
                "latest-app-consistent, or a time such as 2026-11-24T03:00Z"
            )
        points = [each for each in vm.recovery_points if _moment(each.created_at) <= not_after]
        missing = f"{vm.name} has no recovery point that is not younger than {wish}"
    if not points:
        return Chosen(refusal=f"{missing} ({_listed(vm.recovery_points)})")
    newest = max(points, key=lambda point: _moment(point.created_at))
    return Chosen(id=newest.id, made_at=_moment(newest.created_at))


def _latest_data_at(vm: VmSurvey) -> datetime | None:
    moments = [_moment(point.created_at) for point in vm.recovery_points]
    moments += [
        _moment(each.last_replication_at)
        for each in vm.replication
        if each.last_replication_at and each.relationship != "Extended"
    ]
    return max(moments, default=None)


def _moment(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _listed(points: Sequence[RecoveryPoint]) -> str:
    moments = sorted((_moment(point.created_at) for point in points), reverse=True)
    if not moments:
        return "it keeps none; only `latest` is possible"
    texts = [f"{each.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" for each in moments]
    return f"it has {', '.join(texts)}"
