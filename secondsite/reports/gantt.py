"""What the picture of a run shows: bands, rows, bars. Pure layout; drawing is `gantt_svg`.

One band per group and one for what concerns the whole plan; in a band one row per hook or gate and
one per VM. Bars of one row that overlap in time get lanes of their own, so that none hides another.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from secondsite.reports.phrasing import say_duration
from secondsite.reports.shape import RunFacts, State, StepFacts
from secondsite.reports.spans import Span, merged
from secondsite.reports.timescale import TimeScale, make_scale

__all__ = ["WHOLE_PLAN", "Band", "Bar", "Chart", "Row", "lay_out", "worst_state"]

WHOLE_PLAN = "Whole plan"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One step on the time axis.

    Attributes:
        start_s: Seconds since the start of the run.
        end_s: Likewise; of a step under way, the moment of the report.
        lane: 0 unless another bar of the row overlaps it.
        label: The action in a word.
        hint: Everything that there is to say about it.
    """

    step: str
    action: str
    state: State
    start_s: float
    end_s: float
    lane: int
    critical: bool
    label: str
    hint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One VM, hook or gate."""

    name: str
    is_vm: bool
    state: State
    bars: tuple[Bar, ...]
    ready_s: float | None = None

    @property
    def lanes(self) -> int:
        """How many bars lie over one another."""
        return 1 + max((bar.lane for bar in self.bars), default=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """A group of the plan, or what concerns the whole plan.

    Attributes:
        spans: When any of its steps was under way.
    """

    name: str
    rows: tuple[Row, ...]
    spans: tuple[Span, ...]
    state: State


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """The whole picture.

    Attributes:
        bands: In the order of the plan.
        in_service_s: When the last VM was ready and in DNS.
        rto_s: The objective, where there is one.
    """

    scale: TimeScale
    bands: tuple[Band, ...]
    in_service_s: float | None
    rto_s: float | None


def lay_out(facts: RunFacts) -> Chart:
    """The picture of the run that `facts` tell of; a run that never started has no bars."""
    clock = _Clock(began_at=facts["created_at"], now=facts["ended_at"] or facts["reported_at"])
    timed = [step for step in facts["steps"] if step["action"] != "barrier"]
    spans = {step["id"]: span for step in timed if (span := clock.span(step))}
    end_s = max([clock.now_s, *(end for _, end in spans.values())])
    scale = make_scale(
        end_s=end_s,
        working=[spans[s["id"]] for s in timed if s["id"] in spans and s["action"] != "gate"],
        waiting=[spans[s["id"]] for s in timed if s["id"] in spans and s["action"] == "gate"],
    )
    ready = {vm["name"]: clock.seconds(vm["ready_at"]) for vm in facts["vms"]}
    actual_s = facts["objectives"]["rto_actual_s"]
    return Chart(
        scale=scale,
        bands=tuple(_bands(timed, spans=spans, ready=ready)),
        in_service_s=actual_s,
        rto_s=facts["objectives"]["rto_s"],
    )


class _Clock:
    """Moments as seconds since the start of the run."""

    def __init__(self, *, began_at: str, now: str) -> None:
        self._began = datetime.fromisoformat(began_at)
        self.now_s = max(0.0, (datetime.fromisoformat(now) - self._began).total_seconds())

    def seconds(self, moment: str | None) -> float | None:
        """`moment` on this clock."""
        if moment is None:
            return None
        return max(0.0, (datetime.fromisoformat(moment) - self._began).total_seconds())

    def span(self, step: StepFacts) -> Span | None:
        """When `step` was under way; None when it never was."""
        start_s = self.seconds(step["started_at"])
        if start_s is None:
            return None
        end_s = self.seconds(step["ended_at"])
        return start_s, max(start_s, self.now_s if end_s is None else end_s)


def _bands(
    steps: Sequence[StepFacts],
    *,
    spans: dict[str, Span],
    ready: dict[str, float | None],
) -> Iterable[Band]:
    by_group: dict[str, dict[tuple[bool, str], list[StepFacts]]] = {"": {}}
    for step in steps:
        rows = by_group.setdefault(step["group"], {})
        key = (True, step["vm"]) if step["vm"] else (False, _row_name(step))
        rows.setdefault(key, []).append(step)
    for group, rows in by_group.items():
        if not rows:
            continue
        drawn = tuple(
            Row(
                name=name,
                is_vm=is_vm,
                state=worst_state(step["state"] for step in members),
                bars=_bars(members, spans=spans),
                ready_s=ready.get(name) if is_vm else None,
            )
            for (is_vm, name), members in rows.items()
        )
        done = [spans[step["id"]] for row in rows.values() for step in row if step["id"] in spans]
        yield Band(
            name=group or WHOLE_PLAN,
            rows=drawn,
            spans=tuple(merged(done)),
            state=worst_state(row.state for row in drawn),
        )


def _row_name(step: StepFacts) -> str:
    group = step["group"]
    return step["id"].removeprefix(f"{group}/") if group else step["id"]


def _bars(steps: Iterable[StepFacts], *, spans: dict[str, Span]) -> tuple[Bar, ...]:
    under_way = sorted(
        (step for step in steps if step["id"] in spans), key=lambda step: spans[step["id"]]
    )
    lane_ends: list[float] = []
    bars: list[Bar] = []
    for step in under_way:
        start_s, end_s = spans[step["id"]]
        lane = next((n for n, taken in enumerate(lane_ends) if taken <= start_s), len(lane_ends))
        if lane == len(lane_ends):
            lane_ends.append(end_s)
        lane_ends[lane] = end_s
        bars.append(
            Bar(
                step=step["id"],
                action=step["action"],
                state=step["state"],
                start_s=start_s,
                end_s=end_s,
                lane=lane,
                critical=step["critical"],
                label=step["action"],
                hint=_hint(step, duration_s=end_s - start_s),
            )
        )
    return tuple(bars)


def _hint(step: StepFacts, *, duration_s: float) -> str:
    parts = [f"{step['id']}: {step['state']}, {say_duration(duration_s)}"]
    if step["host"]:
        parts.append(f"on {step['host']}")
    if step["critical"]:
        parts.append("on the critical path")
    if step["error"]:
        parts.append(step["error"]["message"])
    return "; ".join(parts)


# What a reader must notice first.
_GRAVITY: tuple[State, ...] = (
    *("failed", "aborted", "waiting", "running", "pending", "skipped"),
    "done",
)


def worst_state(states: Iterable[State]) -> State:
    """The state of a whole: what most needs attention; `running` only if a part runs just now."""
    seen = set(states)
    return next((state for state in _GRAVITY if state in seen), "pending")
