"""Kill the engine everywhere, resume, and compare with the run that was never killed.

    python -m tests.campaign.crash [--points 320] [--seed 1] [--jobs 2] [--only planned]

For every operation: before and after each write to the journal, and before, during and after each
WinRM message. Prints, per operation, kill points, runs that were killed, and differences: the world
afterwards is not the same byte for byte, or something was done twice.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from tests.campaign.comparison import difference
from tests.campaign.world import Case, a_world

__all__ = ["STORIES", "Baseline", "Kill", "Result", "Story", "baseline", "kill", "kills"]

_GONE = {"primary_side": "skip", "other_site_is_gone": "the campaign says so"}
_PLANNED = Case(operation="planned")
_BACK = Case(operation="planned", direction="back")
_SKIP = Case(operation="unplanned", options=_GONE)
_ATTEMPT = Case(operation="unplanned")
_TEST = Case(operation="test")
_COMMIT = Case(operation="commit")
_MOST_STARTS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """An operation, and what came before it."""

    case: Case
    before: tuple[Case, ...] = ()


STORIES = (
    Story(case=_TEST),
    Story(case=Case(operation="cleanup"), before=(_TEST,)),
    Story(case=_PLANNED),
    Story(case=_BACK, before=(_PLANNED,)),
    Story(case=_ATTEMPT),
    Story(case=_SKIP),
    Story(case=Case(operation="undo"), before=(_ATTEMPT,)),
    Story(case=_COMMIT, before=(_ATTEMPT,)),
    Story(case=Case(operation="reverse"), before=(_ATTEMPT, _COMMIT)),
)
"""Each operation and kind. `cancel` has no story: it follows a failover that was broken off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """The run that was never killed."""

    story: Story
    state: Any
    done: Counter[tuple[str, str, str]]
    writes: int
    requests: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """One instant of one story."""

    story: Story
    instant: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of a run that was killed and resumed; no difference is an empty text."""

    kill: Kill
    was_killed: bool
    difference: str


def baseline(story: Story, folder: Path) -> Baseline:
    """Carry the story out undisturbed."""
    with a_world(folder, *story.before) as world:
        outcome = world.carry_out(story.case)
        assert outcome.state == "COMPLETED", f"{story.case.name}: {outcome.message}"
        return Baseline(
            story=story,
            state=world.state(),
            done=world.done(),
            writes=outcome.writes,
            requests=outcome.requests,
        )


def kills(base: Baseline) -> list[Kill]:
    """Every instant at which the run can be killed."""
    instants = [
        f"{kind}:{number}"
        for kinds, most in (
            (("before-write", "after-write"), base.writes),
            (("before-request", "mid-request", "after-request"), base.requests),
        )
        for kind in kinds
        for number in range(1, most + 1)
    ]
    return [Kill(story=base.story, instant=instant) for instant in instants]


def kill(at: Kill, base: Baseline, folder: Path) -> Result:
    """Kill the run at that instant, take it up until it is over, and compare."""
    story = at.story
    flow_run = str(uuid4())
    with a_world(folder, *story.before) as world:
        first = world.start(story.case, flow_run=flow_run, instant=at.instant)
        outcome = first
        for _ in range(_MOST_STARTS):
            if outcome.state != "killed":
                break
            outcome = world.start(story.case, flow_run=flow_run)
        return Result(
            kill=at,
            was_killed=first.state == "killed",
            difference=difference(
                outcome,
                expected=(base.state, base.done),
                found=(world.state(), world.done()),
            ),
        )


def main(words: Sequence[str] | None = None) -> int:
    """Run the campaign; gives 0 when nothing differed."""
    parser = argparse.ArgumentParser(description="Kill the engine everywhere, resume, compare.")
    parser.add_argument("--points", type=int, default=320, help="kill points in all; 0: every one")
    parser.add_argument("--seed", type=int, default=1, help="which of them")
    parser.add_argument("--jobs", type=int, default=2, help="cases at the same time")
    parser.add_argument("--only", default="", help="only operations of this name")
    arguments = parser.parse_args(words)
    stories = [each for each in STORIES if arguments.only in each.case.name]
    with (
        tempfile.TemporaryDirectory(prefix="crash-") as root,
        ThreadPoolExecutor(arguments.jobs) as workers,
    ):
        bases = list(workers.map(lambda each: baseline(each, _folder(root)), stories))
        chosen = _chosen(bases, points=arguments.points, seed=arguments.seed)
        results = list(workers.map(lambda pair: kill(pair[1], pair[0], _folder(root)), chosen))
    _print(results)
    return 1 if any(each.difference for each in results) else 0


def _chosen(bases: Sequence[Baseline], *, points: int, seed: int) -> list[tuple[Baseline, Kill]]:
    """The same share of every operation's kill points, spread over all its kinds."""
    everything = [(base, each) for base in bases for each in kills(base)]
    if not points or points >= len(everything):
        return everything
    picked = random.Random(seed).sample(range(len(everything)), points)  # noqa: S311 - no secret
    return [everything[index] for index in sorted(picked)]


def _folder(root: str) -> Path:
    return Path(root) / UUID(int=uuid4().int).hex[:8]


def _print(results: Sequence[Result]) -> None:
    names = dict.fromkeys(each.kill.story.case.name for each in results)
    print(f"{'operation':<20} {'kill points':>11} {'killed':>7} {'differences':>12}")
    for name in [*names, ""]:
        mine = [each for each in results if name in {"", each.kill.story.case.name}]
        killed = sum(each.was_killed for each in mine)
        wrong = sum(bool(each.difference) for each in mine)
        print(f"{name or 'all':<20} {len(mine):>11} {killed:>7} {wrong:>12}")
    for each in results:
        if each.difference:
            print(f"{each.kill.story.case.name} {each.kill.instant}: {each.difference}")


if __name__ == "__main__":
    sys.exit(main())
