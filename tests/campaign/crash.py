"""Kill the engine everywhere, resume, and compare with the run that was never killed.

    python -m tests.campaign.crash [--points 320] [--behind 0] [--seed 1] [--only planned]

For every operation and kind (`stories`), at every door to the world (`instants`): writes to the
journal, WinRM messages, DNS messages. Prints, per operation and per kind of instant, kill points,
runs that were killed, and differences: the world afterwards is not the same byte for byte, or
something was done twice.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from tests.campaign.choosing import chosen
from tests.campaign.comparison import Done, difference
from tests.campaign.instants import DOORS
from tests.campaign.stories import STORIES, Story
from tests.campaign.world import Outcome, World, a_world

__all__ = ["Baseline", "Kill", "Result", "baseline", "kill", "kills"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """The run that was never killed.

    Attributes:
        passed: Of each engine that it took, how many passed each door.
    """

    story: Story
    state: Any
    done: Done
    passed: tuple[Mapping[str, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """One instant of one story.

    Attributes:
        at_start: Which of the engines that the run takes is killed.
    """

    story: Story
    instant: str
    at_start: int = 0

    @property
    def kind(self) -> str:
        """The kind of instant."""
        return self.instant.partition(":")[0]

    @property
    def name(self) -> str:
        """For people."""
        engine = f" of engine {self.at_start + 1}" if self.at_start else ""
        return f"{self.story.name}: {self.instant}{engine}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of a run that was killed and resumed; no difference is an empty text."""

    kill: Kill
    was_killed: bool
    difference: str


def baseline(story: Story, folder: Path) -> Baseline:
    """Carry the story out undisturbed."""
    with a_world(folder, *story.before) as world:
        outcomes = world.carry_on(story.case, flow_run=str(uuid4()))
        last = world.carry_out(story.then) if story.then else outcomes[-1]
        assert last.state == "COMPLETED", f"{story.name}: {last.state} {last.message}"
        return Baseline(
            story=story,
            state=world.state(),
            done=world.done(),
            passed=tuple(each.passed for each in outcomes),
        )


def kills(base: Baseline) -> list[Kill]:
    """Every instant at which the run can be killed."""
    return [
        Kill(story=base.story, instant=f"{kind}:{number}", at_start=start)
        for start, passed in enumerate(base.passed)
        for door, kinds in DOORS.items()
        for kind in kinds
        for number in range(1, passed.get(door, 0) + 1)
    ]


def kill(at: Kill, base: Baseline, folder: Path) -> Result:
    """Kill the run at that instant, take it up until it is over, and compare."""
    story = at.story
    with a_world(folder, *story.before) as world:
        before = world.state()
        if story.then is None:
            outcomes = world.carry_on(
                story.case, flow_run=str(uuid4()), instant=at.instant, at_start=at.at_start
            )
            last = outcomes[-1]
        else:
            killed = world.start(
                story.case, flow_run=str(uuid4()), instant=f"{story.case.stops},{at.instant}"
            )
            outcomes, last = [killed], world.carry_out(story.then)
            if _had_nothing_to_do(last, world, before):
                return Result(kill=at, was_killed=killed.state == "killed", difference="")
        return Result(
            kill=at,
            was_killed=outcomes[min(at.at_start, len(outcomes) - 1)].state == "killed",
            difference=difference(
                last,
                expected=(base.state, base.done),
                found=(world.state(), world.done()),
            ),
        )


def _had_nothing_to_do(last: Outcome, world: World, before: Any) -> bool:
    """Whether the run was killed before it did anything, and what was to take it over says so."""
    return last.state == "FAILED" and not world.done() and world.state() == before


def main(words: Sequence[str] | None = None) -> int:
    """Run the campaign; gives 0 when nothing differed."""
    parser = argparse.ArgumentParser(description="Kill the engine everywhere, resume, compare.")
    parser.add_argument("--points", type=int, default=320, help="kill points in all; 0: every one")
    parser.add_argument("--seed", type=int, default=1, help="which of them")
    parser.add_argument("--behind", type=int, default=0, help="leave out so many: they were done")
    parser.add_argument("--within-s", type=float, default=1e9, help="begin none after so long")
    parser.add_argument("--jobs", type=int, default=2, help="cases at the same time")
    parser.add_argument("--only", default="", help="only operations of this name")
    parser.add_argument("--at", default="", help="only instants of this name, as mid-request:92")
    arguments = parser.parse_args(words)
    enough_at = time.monotonic() + arguments.within_s
    stories = [each for each in STORIES if arguments.only in each.name]
    with (
        tempfile.TemporaryDirectory(prefix="crash-") as root,
        ThreadPoolExecutor(arguments.jobs) as workers,
    ):
        bases = {
            each.story.name: each
            for each in workers.map(lambda each: baseline(each, _folder(root)), stories)
        }
        every = [
            each for base in bases.values() for each in kills(base) if arguments.at in each.instant
        ]
        points = chosen(
            every,
            points=arguments.points,
            seed=arguments.seed,
            sort_of=lambda each: (each.story.name, each.at_start, each.kind),
        )[arguments.behind :]

        def killed(at: Kill) -> Result | None:
            if time.monotonic() > enough_at:
                return None
            result = kill(at, bases[at.story.name], _folder(root))
            if result.difference:
                print(f"{at.name}: {result.difference}", flush=True)
            return result

        results = [each for each in workers.map(killed, points) if each]
    _print(results, of=len(every))
    return 1 if any(each.difference for each in results) else 0


def _folder(root: str) -> Path:
    return Path(root) / uuid4().hex[:8]


def _print(results: Sequence[Result], *, of: int) -> None:
    _print_by("operation", results, lambda each: each.kill.story.name)
    _print_by("kind of instant", results, lambda each: each.kill.kind)
    print(f"{len(results)} of {of} kill points.")
    for each in results:
        if each.difference:
            print(f"{each.kill.name}: {each.difference}")


def _print_by(title: str, results: Sequence[Result], sort_of: Callable[[Result], str]) -> None:
    names = dict.fromkeys(map(sort_of, results))
    points = Counter(map(sort_of, results))
    killed = Counter(sort_of(each) for each in results if each.was_killed)
    wrong = Counter(sort_of(each) for each in results if each.difference)
    print(f"{title:<26} {'kill points':>11} {'killed':>7} {'differences':>12}")
    for name in names:
        print(f"{name:<26} {points[name]:>11} {killed[name]:>7} {wrong[name]:>12}")
    print(f"{'all':<26} {points.total():>11} {killed.total():>7} {wrong.total():>12}\n")


if __name__ == "__main__":
    sys.exit(main())
