"""Gates in every position, decided by people in every way, with an engine that dies in between.

    python -m tests.campaign.gates [--seeds 40] [--first 1] [--jobs 2]

Each seed makes a plan with gates in some positions, and a story: an engine that is killed now and
then, answers that must not count, two answers at once, a VM that does not come up. The lab's log
proves that nothing behind a gate was done before the decision was in the journal.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from secondsite.run.ballot import Proposal, Submission, Verdict
from secondsite.run.ballot_box import BallotBox
from secondsite.run.events import Decision
from secondsite.run.following import Following
from secondsite.run.journal import Journal
from secondsite.run.record import QuestionRecord, RunRecord
from tests.campaign.world import Case, Outcome, World, a_world

__all__ = ["PLAN", "POSITIONS", "GatedRun", "Told", "tell", "trespasses", "write_plan"]

PLAN = "gated"
POSITIONS = (
    *("shutdown/before", "shutdown/after", "failover/before", "failover/after"),
    *("first/before", "first/after", "first/pay01/before", "first/pay01/after"),
    *("second/before", "second/web01/before", "second/web01/after", "second/after"),
)
_ALICE, _BOB = "alice", "bob"
_TRACES = {
    "shutdown": ("Stop-VM", "tokyo"),
    "prepare": ("Start-VMFailover", "tokyo"),
    "failover": ("Start-VMFailover", "osaka"),
    "start": ("Start-VM", "osaka"),
    "reverse": ("Set-VMReplication", "osaka"),
}
"""What each action leaves in the lab's log, and in which site."""
_MOST_STARTS = 60

Event = Mapping[str, Any]


def write_plan(folder: Path, gates: Mapping[str, str]) -> None:
    """Write the plan with gates at positions; their further keys are YAML in braces, or empty."""

    def hooks(place: str, indent: str) -> str:
        lines = ""
        for when in ("before", "after"):
            position = f"{place}/{when}"
            if position in gates:
                more = f", {gates[position]}" if gates[position] else ""
                lines += f"{indent}{when}: [{{gate: '{position}'{more}}}]\n"
        return lines

    text = f"name: {PLAN}\nprotection: tokyo-osaka\n"
    for place in ("shutdown", "failover"):
        if inside := hooks(place, "  "):
            text += f"{place}:\n{inside}"
    text += "groups:\n  - name: first\n" + hooks("first", "    ") + "    vms:\n"
    text += "      - name: pay01\n        ready: [heartbeat]\n"
    text += "        address: {ipv4: 10.2.0.41/24, gateway: 10.2.0.1}\n"
    text += hooks("first/pay01", "        ")
    text += "      - {name: pay02, ready: [heartbeat]}\n"
    text += "  - name: second\n" + hooks("second", "    ") + "    vms:\n"
    text += "      - name: web01\n        ready: [heartbeat]\n" + hooks("second/web01", "        ")
    (folder / f"{PLAN}.yaml").write_text(text)


def trespasses(record: RunRecord, log: Iterable[Event]) -> tuple[list[str], int]:
    """What was done behind a gate before it was approved; and how much was done after that."""
    followers: dict[str, list[str]] = {}
    for step in record.steps:
        for before in step.waits_for:
            followers.setdefault(before, []).append(step.id)
    done: dict[tuple[str, str, str], list[datetime]] = {}
    for event in log:
        if event["kind"] == "change" and event.get("cmdlet"):
            vm = str(event["vm"]).removesuffix(" - Test")
            key = (event["cmdlet"], event["site"], vm)
            done.setdefault(key, []).append(datetime.fromisoformat(event["at"]))
    early: list[str] = []
    later = 0
    for gate in record.gates:
        approved_at = gate.at if gate.decision in {Decision.APPROVE, Decision.SKIP} else None
        for behind in _all_behind(gate.id, followers):
            trace = _TRACES.get(record.by_id[behind].action)
            for at in done.get((*trace, record.by_id[behind].vm), ()) if trace else ():
                if approved_at is not None and at > approved_at:
                    later += 1
                else:
                    early.append(f"{behind} at {at:%H:%M:%S.%f}, behind {gate.id}")
    return early, later


def _all_behind(gate: str, followers: Mapping[str, Sequence[str]]) -> set[str]:
    seen: set[str] = set()
    frontier = [gate]
    while frontier:
        for follower in followers.get(frontier.pop(), ()):
            if follower not in seen:
                seen.add(follower)
                frontier.append(follower)
    return seen


@dataclass(slots=True, kw_only=True)
class GatedRun:
    """One run of the plan with gates, in a world of its own.

    Attributes:
        ahead_s: By how much the clock of its machine is ahead.
    """

    world: World
    case: Case
    flow_run: str = field(default_factory=lambda: str(uuid4()))
    ahead_s: float = 0.0

    def go_on(self, instant: str = "") -> Outcome:
        """Start an engine for it; it may be killed at an instant."""
        return self.world.start(
            self.case, flow_run=self.flow_run, instant=instant, ahead_s=self.ahead_s
        )

    def record(self) -> RunRecord | None:
        """The run, if it has come into the journal."""
        with closing(self._journal()) as journal:
            run_id = journal.find(UUID(self.flow_run).hex[:8])
            return Following(journal, run_id).record if run_id else None

    def answer(
        self,
        step: str,
        by: str,
        decision: Decision = Decision.APPROVE,
        *,
        via: str = "cli",
        account: str = "",
    ) -> Verdict:
        """Put an answer to the vote, as a terminal or the form does."""
        with closing(self._journal()) as journal:
            run_id = journal.find(UUID(self.flow_run).hex[:8]) or ""
            proposal = Proposal(step=step, decision=decision, by=by, via=via, account=account)
            now = datetime.now(UTC) + timedelta(seconds=self.ahead_s)
            box = BallotBox(journal, run_id, rule_for=lambda _: None)
            return box.cast(Submission(proposals=(proposal,)), now=now)

    def _journal(self) -> Journal:
        return Journal.open(f"sqlite:///{self.world.home}/journal.db")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What became of the story of one seed.

    Attributes:
        trespasses: What was done behind a gate before it was approved.
        later: How much was done behind gates when they had been.
        wrong: What else was not as it must be.
    """

    seed: int
    operation: str
    gates: int
    starts: int
    killed: int
    trespasses: tuple[str, ...]
    later: int
    wrong: tuple[str, ...]


def tell(seed: int, folder: Path) -> Told:
    """Live through the story of a seed."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    operation = chance.choice(["planned", "planned", "test"])
    possible = [each for each in POSITIONS if operation != "test" or "shutdown" not in each]
    gates = {
        position: f"approvers: [{_ALICE}, {_BOB}], required: {chance.choice([1, 1, 2])}"
        for position in sorted(chance.sample(possible, chance.randint(2, 5)))
    }
    with a_world(folder) as world:
        write_plan(world.plans, gates)
        if chance.random() < 0.5:
            world.arm(kind="cmdlet-fails", cmdlet="Start-VM", vm="pay02", text="Not enough memory")
        case = Case(operation=operation, plan=PLAN, options={"unattended": False})
        return _live(GatedRun(world=world, case=case), chance, seed=seed, gates=len(gates))


def _live(run: GatedRun, chance: random.Random, *, seed: int, gates: int) -> Told:
    starts = killed = 0
    wrong: list[str] = []
    early: list[str] = []
    outcome = Outcome(state="none")
    while outcome.state not in {"COMPLETED", "FAILED", "stuck"} and starts < _MOST_STARTS:
        instant = f"after-write:{chance.randint(1, 9)}" if chance.random() < 0.3 else ""
        outcome = run.go_on(instant)
        starts += 1
        killed += outcome.state == "killed"
        record = run.record()
        if record is None:
            continue
        early += trespasses(record, run.world.log())[0]
        if record.open_questions:
            wrong += _decide(run, chance.choice(record.open_questions), chance)
    record = run.record()
    if outcome.state != "COMPLETED" or record is None:
        wrong.append(f"it ended {outcome.state}: {outcome.message}")
    twice = [f"{key}: {count}" for key, count in run.world.done().items() if count > 1]
    wrong += [each for each in twice if "Start-VM'" in each or "Stop-VM" in each]
    last, later = trespasses(record, run.world.log()) if record else ([], 0)
    return Told(
        seed=seed,
        operation=run.case.operation,
        gates=gates,
        starts=starts,
        killed=killed,
        trespasses=tuple(dict.fromkeys([*early, *last])),
        later=later,
        wrong=tuple(wrong),
    )


def _decide(run: GatedRun, question: QuestionRecord, chance: random.Random) -> list[str]:
    """Answer, in one of the ways of people; gives what should not have counted, or should have."""
    step = question.id
    if question.about == "failure":
        verdict = run.answer(step, _ALICE, Decision.RETRY, via="ui")
        return [] if verdict.counted else [f"retry of {step} did not count"]
    wrong: list[str] = []
    if chance.random() < 0.4 and run.answer(step, "mallory", via="ui").counted:
        wrong.append(f"{step}: somebody else's answer counted")
    if question.required > 1:
        first = run.answer(step, _ALICE)
        if run.answer(step, "ALICE", via="ui").counted:
            wrong.append(f"{step}: one person counted twice")
        if question.decisions == () and not first.counted:
            wrong.append(f"{step}: alice's answer did not count")
        return wrong if run.answer(step, _BOB).counted else [*wrong, f"{step}: bob did not count"]
    with ThreadPoolExecutor(2) as doors:  # both at once, by two doors
        answers = [
            doors.submit(run.answer, step, who, Decision.APPROVE, via=via)
            for who, via in ((_ALICE, "ui"), (_BOB, "cli"))
        ]
        counted = sum(len(each.result().counted) for each in answers)
    return wrong if counted == 1 else [*wrong, f"{step}: of two answers at once {counted} counted"]


def main(words: Sequence[str] | None = None) -> int:
    """Run the campaign; gives 0 when nothing was wrong."""
    parser = argparse.ArgumentParser(description="Gates everywhere, decided in every way.")
    parser.add_argument("--seeds", type=int, default=40, help="how many stories")
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--jobs", type=int, default=2, help="stories at the same time")
    arguments = parser.parse_args(words)
    seeds = range(arguments.first, arguments.first + arguments.seeds)
    with (
        tempfile.TemporaryDirectory(prefix="gates-") as root,
        ThreadPoolExecutor(arguments.jobs) as workers,
    ):
        stories = list(workers.map(lambda seed: tell(seed, Path(root) / str(seed)), seeds))
    bad = [each for each in stories if each.trespasses or each.wrong]
    print(f"stories {len(stories)}, gates {sum(each.gates for each in stories)}", end=", ")
    print(f"starts {sum(each.starts for each in stories)}", end=", ")
    print(f"killed {sum(each.killed for each in stories)}", end=", ")
    print(f"done behind gates {sum(each.later for each in stories)}, wrong {len(bad)}")
    for each in bad:
        print(f"seed {each.seed} ({each.operation}): {[*each.trespasses, *each.wrong]}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
