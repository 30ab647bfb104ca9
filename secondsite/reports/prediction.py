"""How long the next run will probably take, and what to speed up first. Pure.

From the medians of past runs, along the critical path of the graph as it is now. What a step is
worth is not how long it takes, but how much sooner the run would end without it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from typing_extensions import TypedDict  # pydantic needs this one before Python 3.12

__all__ = ["Gain", "Prediction", "predict"]

_MOST = 5
_WORTH_S = 0.05
"""A gain of less is none."""


class Gain(TypedDict):
    """One step of the critical path: how long it takes, and how much would be won without it."""

    step: str
    takes_s: float
    gain_s: float


class Prediction(TypedDict):
    """The next run of that kind; `low_s` and `high_s` are the shortest and longest of `runs`."""

    kind: str
    runs: list[str]
    length_s: float
    low_s: float | None
    high_s: float | None
    path: list[str]
    speed_up: list[Gain]


class _Graph(Protocol):
    def critical_path(self, durations_s: Mapping[str, float]) -> tuple[Sequence[str], float]: ...


def predict(
    graph: _Graph,
    durations_s: Mapping[str, float],
    *,
    kind: str,
    runs: Sequence[str],
    lengths_s: Sequence[float] = (),
) -> Prediction | None:
    """What is to be expected of the next run; None where no past run tells.

    Args:
        graph: Of the run, as the plan is now.
        durations_s: Of each step, from past runs.
        kind: The operation.
        runs: Ids of those runs.
        lengths_s: How long each of them took until all was in service, without people.
    """
    if not runs or not durations_s:
        return None
    path, length_s = graph.critical_path(durations_s)
    gains = [_gain(graph, durations_s, step, length_s) for step in path if step in durations_s]
    worth = [gain for gain in gains if gain["gain_s"] >= _WORTH_S]
    worth.sort(key=lambda gain: (-gain["gain_s"], -gain["takes_s"]))
    return {
        "kind": kind,
        "runs": list(runs),
        "length_s": round(length_s, 3),
        "low_s": round(min(lengths_s), 3) if lengths_s else None,
        "high_s": round(max(lengths_s), 3) if lengths_s else None,
        "path": [step for step in path if step in durations_s],
        "speed_up": worth[:_MOST],
    }


def _gain(graph: _Graph, durations_s: Mapping[str, float], step: str, length_s: float) -> Gain:
    _, without_s = graph.critical_path({**durations_s, step: 0.0})
    return {
        "step": step,
        "takes_s": round(durations_s[step], 3),
        "gain_s": round(length_s - without_s, 3),
    }
