"""Let one WinRM fault strike one request of a planned failover, and compare with a quiet run.

    python -m tests.campaign.faults [--points 320] [--behind 0] [--seed 1] [--only lose-reply]

The families are those of the WinRM notes, section 6: 1 refused or reset, 2 stalled, slow or half,
4 executed and the reply lost, 5 input twice or consumed under a fault, 6 output lost, cut, twice or
noisy, 8 process, shell or service gone. A run ends done by itself, or waits for people about a
failed step and is done after one `retry`; a preflight that failed has touched nothing, and the
run is started again. Afterwards the world is that of the quiet run, byte for byte, and nothing was
done twice. Whatever else becomes of a run is a difference.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from tests.campaign.choosing import chosen
from tests.campaign.comparison import Done, difference
from tests.campaign.world import Case, Outcome, World, a_world

__all__ = ["FAMILIES", "Kind", "Quiet", "Result", "Strike", "quiet", "strike", "strikes"]

CASE = Case(operation="planned", options={"unattended": False})
LIMITS = {
    "reply_timeout_s": 2.0,
    "poll_s": 1.0,
    "poll_grace_s": 1.0,
    "start_timeout_s": 10.0,
    "settle_s": 10.0,
    "ask_every_s": 2.0,
    "backoff_s": 0.05,
    "close_timeout_s": 1.0,
}
"""In the lab an answer takes milliseconds: what waits for seconds there waits here for parts."""

_OPERATION_TIMEOUT = 2150858793
_SERVICE_RESTARTED = 995


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of fault of the lab.

    Attributes:
        strikes: Which messages it can befall: WSMan actions, or `connection`.
        family: Of the WinRM notes.
        more: What else the lab must know of it.
    """

    fault: str
    strikes: tuple[str, ...]
    family: int
    more: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def name(self) -> str:
        """For people."""
        return " ".join([self.fault, *(str(each) for each in self.more.values())])


_ANY = ("Create", "Command", "Send", "Receive", "Signal", "Delete")
_IN_SHELL = _ANY[1:]

FAMILIES = (
    Kind(fault="host-refuses", strikes=("connection",), family=1),
    Kind(fault="reset-before", strikes=_ANY, family=1),
    Kind(fault="stall", strikes=_ANY, family=2),
    Kind(fault="stall-after", strikes=_ANY, family=2),
    Kind(fault="half-body", strikes=_ANY, family=2),
    Kind(fault="slow-reply", strikes=_ANY, family=2, more={"seconds": 1.5}),
    Kind(fault="lose-reply", strikes=_ANY, family=4),
    Kind(fault="duplicate-input", strikes=("Send",), family=5),
    Kind(fault="wsman-fault-after", strikes=("Send",), family=5, more={"code": _OPERATION_TIMEOUT}),
    Kind(fault="lose-output", strikes=("Receive",), family=6),
    Kind(fault="truncate-output", strikes=("Receive",), family=6),
    Kind(fault="duplicate-output", strikes=("Receive",), family=6),
    Kind(fault="noise", strikes=("Receive",), family=6, more={"text": "<<BEGIN 0f 9>>x"}),
    Kind(fault="kill-process", strikes=("Send",), family=8),
    Kind(fault="kill-process-after", strikes=("Receive",), family=8),
    Kind(fault="drop-shell", strikes=_IN_SHELL, family=8),
    Kind(fault="wsman-fault", strikes=_ANY, family=8, more={"code": _SERVICE_RESTARTED}),
    Kind(fault="wsman-fault-after", strikes=_ANY, family=8, more={"code": _SERVICE_RESTARTED}),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quiet:
    """The run that no fault has struck.

    Attributes:
        messages: How many of each WSMan action it took, and how many connections.
    """

    state: Any
    done: Done
    messages: Counter[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Strike:
    """One kind of fault, at the nth message of one action."""

    kind: Kind
    action: str
    nth: int

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.kind.name} at {self.action} {self.nth}"

    def as_fault(self) -> dict[str, Any]:
        """As the lab takes it."""
        where = {} if self.action == "connection" else {"action": self.action}
        return {
            "kind": self.kind.fault,
            "nth": self.nth,
            "times": 1,
            **where,
            **self.kind.more,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of a run under one strike; no difference is an empty text.

    Attributes:
        ended: `done` by itself, after one `retried` decision, or `started again`: its preflight
            had failed, and had touched nothing.
    """

    strike: Strike
    struck: bool
    ended: str
    difference: str


def quiet(folder: Path) -> Quiet:
    """Carry the failover out undisturbed."""
    with a_world(folder, limits=LIMITS) as world:
        outcome = world.carry_out(CASE)
        assert outcome.state == "COMPLETED", outcome.message
        actions = Counter(event["wsman"] for event in world.log() if "wsman" in event)
        lanes = actions["Create"]
        return Quiet(
            state=world.state(),
            done=world.done(),
            messages=Counter({**{each: actions[each] for each in _ANY}, "connection": lanes}),
        )


def strikes(base: Quiet) -> list[Strike]:
    """Every fault at every message that it can befall."""
    return [
        Strike(kind=kind, action=action, nth=nth)
        for kind in FAMILIES
        for action in kind.strikes
        for nth in range(1, base.messages[action] + 1)
    ]


def strike(at: Strike, base: Quiet, folder: Path) -> Result:
    """Carry the failover out under that fault, help it once if it asks for that, and compare."""
    with a_world(folder, limits=LIMITS) as world:
        world.arm(**at.as_fault())
        outcome, ended = _carried_out(world)
        struck = any(
            event["kind"] == "fault" and "id" in event["detail"] and event["host"]
            for event in world.log()
        )
        world.mend()
        return Result(
            strike=at,
            struck=struck,
            ended=ended,
            difference=difference(
                outcome,
                expected=(base.state, base.done),
                found=(world.state(), world.done()),
            ),
        )


def _carried_out(world: World) -> tuple[Outcome, str]:
    flow_run = str(uuid4())
    before = world.state()
    first = world.start(CASE, flow_run=flow_run)
    if first.state == "waiting":
        return world.start(CASE, flow_run=flow_run, answers=True), "retried"
    if first.state == "FAILED" and not world.done() and world.state() == before:
        return world.carry_out(CASE), "started again"
    return first, "done"


def main(words: Sequence[str] | None = None) -> int:
    """Run the campaign; gives 0 when nothing differed."""
    parser = argparse.ArgumentParser(description="One WinRM fault at one request, then compare.")
    parser.add_argument("--points", type=int, default=320, help="faults in all; 0: every one")
    parser.add_argument("--seed", type=int, default=1, help="which of them")
    parser.add_argument("--behind", type=int, default=0, help="leave out so many: they were done")
    parser.add_argument("--within-s", type=float, default=1e9, help="begin none after so long")
    parser.add_argument("--jobs", type=int, default=2, help="cases at the same time")
    parser.add_argument("--only", default="", help="only kinds of this name")
    arguments = parser.parse_args(words)
    enough_at = time.monotonic() + arguments.within_s
    with (
        tempfile.TemporaryDirectory(prefix="faults-") as root,
        ThreadPoolExecutor(arguments.jobs) as workers,
    ):
        base = quiet(Path(root) / "quiet")
        every = [each for each in strikes(base) if arguments.only in each.kind.name]
        points = chosen(
            every,
            points=arguments.points,
            seed=arguments.seed,
            sort_of=lambda each: (each.kind.fault, each.action),
        )[arguments.behind :]

        def carried_out(number: int) -> Result | None:
            if time.monotonic() > enough_at:
                return None
            result = strike(points[number], base, Path(root) / str(number))
            if result.difference or not result.struck or result.ended != "done":
                print(_line(result), flush=True)
            return result

        results = [each for each in workers.map(carried_out, range(len(points))) if each]
    _print(results, of=len(every))
    return 1 if any(each.difference for each in results) else 0


def _line(result: Result) -> str:
    remark = "" if result.struck else ", never struck"
    wrong = f": {result.difference}" if result.difference else ""
    return f"{result.strike.name}: {result.ended}{remark}{wrong}"


def _print(results: Sequence[Result], *, of: int) -> None:
    print(
        f"{'fault':<32} {'family':>6} {'runs':>5} {'struck':>7} {'by itself':>10} "
        f"{'retried':>8} {'again':>6} {'differences':>12}"
    )
    for kind in [*dict.fromkeys(each.strike.kind for each in results), None]:
        mine = [each for each in results if kind in {None, each.strike.kind}]
        ended = Counter(each.ended for each in mine)
        print(
            f"{kind.name if kind else 'all':<32} {kind.family if kind else '':>6} {len(mine):>5} "
            f"{sum(each.struck for each in mine):>7} {ended['done']:>10} {ended['retried']:>8} "
            f"{ended['started again']:>6} {sum(bool(each.difference) for each in mine):>12}"
        )
    print(f"{len(results)} of {of} faults that can strike a planned failover.")
    for each in results:
        if each.difference:
            print(_line(each))


if __name__ == "__main__":
    sys.exit(main())
