"""Runs for the tests of reports: events as an engine would write them, on a clock of its own.

A story is played by the real scheduler: whatever it says is ready starts, lasts as long as the
story says, and ends as the story says. Nothing here is a record; records come from `replay`.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from secondsite.run.events import (
    Asked,
    Decided,
    Decision,
    ErrorFact,
    InventoryTaken,
    JournalEvent,
    Noted,
    Objectives,
    PlannedStep,
    RunAttached,
    RunCreated,
    RunEnded,
    StepIntent,
    StepOutcome,
    VmFact,
)
from secondsite.run.record import RunRecord
from secondsite.run.replay import Replay, replay

BEGIN = datetime(2026, 11, 20, 13, 40, 5, tzinfo=UTC)
RUN_ID = "storefront-test-20261120-134005-7f3a"

LASTS_S = {
    "preflight": 3.1,
    "failover": 8.0,
    "connect": 1.2,
    "start": 2.3,
    "ready": 21.0,
    "address": 0.8,
    "dns": 0.6,
    "verify": 0.4,
    "script": 4.5,
    "gate": 95.0,
    "restore-dns": 0.7,
    "cleanup": 3.0,
}

OBJECTIVES = Objectives(rto_s=2700.0, rpo_s=900.0)

STOREFRONT: dict[str, tuple[str, ...]] = {
    "directory": ("dc01", "dc02"),
    "databases": ("sql01", "sql02", "sql03"),
    "application": ("app01", "app02", "app03", "app04"),
    "web": ("web01", "web02", "web03"),
}


@dataclass(kw_only=True)
class Story:
    """What is to happen.

    Attributes:
        fails: Step id to the error it ends with, the first `fail_times` times.
        lasts_s: Step id to its length, where it is not that of its action.
        until_s: The story breaks off here, as a run under way does.
        answers: Gate or failed step to the decision about it; without one it stays open.
    """

    groups: Mapping[str, Sequence[str]] = field(default_factory=lambda: STOREFRONT)
    kind: str = "test"
    run_id: str = RUN_ID
    objectives: Objectives = OBJECTIVES
    fails: Mapping[str, ErrorFact] = field(default_factory=dict)
    fail_times: int = 99
    lasts_s: Mapping[str, float] = field(default_factory=dict)
    until_s: float | None = None
    answers: Mapping[str, Decision] = field(default_factory=dict)
    gates: Sequence[str] = ("hold",)
    comment: str = "Seen and approved."
    evidence: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    warnings: Sequence[str] = ()
    point_age_s: float = 240.0
    begins_at: datetime = BEGIN

    def record(self) -> RunRecord:
        """The run, replayed from its events."""
        return replay(self.events())

    def events(self) -> list[JournalEvent]:
        """Everything the engine would have written."""
        return _Play(self).events()

    def steps(self) -> tuple[PlannedStep, ...]:
        """The graph of a test failover (or of a clean-up) of `groups`."""
        return _cleanup_steps(self) if self.kind == "cleanup" else _failover_steps(self)


class _Play:
    def __init__(self, story: Story) -> None:
        self._story = story
        self._now_s = 0.0
        self._events: list[JournalEvent] = []
        self._replay = Replay(self._created())
        self._events.append(self._replay.created)
        self._ends: list[tuple[float, int, str]] = []
        self._tries: dict[str, int] = {}

    def events(self) -> list[JournalEvent]:
        story = self._story
        self._now_s = 0.4  # from the decision until a worker takes it up
        self._say(RunAttached(at=self._at(), holder="engine-1:4711", flow_run="5d7e"))
        self._say(InventoryTaken(at=self._at(), vms=self._inventory()))
        for text in story.warnings:
            self._say(Noted(at=self._at(), text=text, level="warning"))
        while self._is_going_on():
            for step in self._replay.scheduler.ready():
                self._begin(step)
            if not self._ends:
                break
            end_s, _, step = heapq.heappop(self._ends)
            if story.until_s is not None and end_s > story.until_s:
                self._now_s = story.until_s
                self._say(Noted(at=self._at(), text="Prefect took note."))
                return self._events
            self._now_s = end_s
            self._finish(step)
        verdict = self._replay.scheduler.verdict()
        if verdict == "done" or (verdict == "failed" and story.until_s is None):
            self._now_s += 0.2
            state: Literal["done", "failed"] = "done" if verdict == "done" else "failed"
            self._say(RunEnded(at=self._at(), state=state))
        return self._events

    def _is_going_on(self) -> bool:
        return bool(self._ends or self._replay.scheduler.ready())

    def _at(self) -> datetime:
        return self._story.begins_at + timedelta(seconds=self._now_s)

    def _say(self, event: JournalEvent) -> None:
        self._events.append(event)
        self._replay.apply(event)

    def _created(self) -> RunCreated:
        story = self._story
        return RunCreated(
            at=story.begins_at,
            run_id=story.run_id,
            plan="storefront",
            plan_digest="sha256:4f0c1d7e9a",
            operation=story.kind,
            direction="forward",
            steps=story.steps(),
            objectives=story.objectives,
            parameters={"test_network": "none", "recovery_point": "latest"},
            requested_by="ada",
            versions={"secondsite": "0.1.0", "prefect": "3.8.6", "python": "3.11.2"},
        )

    def _inventory(self) -> tuple[VmFact, ...]:
        point_at = self._story.begins_at - timedelta(seconds=self._story.point_age_s)
        return tuple(
            VmFact(
                name=vm,
                id=f"00000000-0000-4000-8000-{number:012x}",
                site="osaka",
                host=_host(vm),
                source_host=f"hv-tyo-{1 + number % 2:02d}",
                recovery_point_at=point_at,
            )
            for number, vm in enumerate(vm for vms in self._story.groups.values() for vm in vms)
        )

    def _begin(self, step: str) -> None:
        planned = self._replay.scheduler.steps[step]
        if planned.action == "gate":
            self._say(
                Asked(
                    at=self._at(),
                    step=step,
                    title=planned.title,
                    shown="Look at the test VMs, then approve to clean up.",
                    approvers=("dba-on-call",),
                )
            )
            if step not in self._story.answers:
                return
        else:
            host = _host(planned.vm) if planned.vm else "vmm-osk"
            self._say(StepIntent(at=self._at(), step=step, host=host))
        lasts_s = self._story.lasts_s.get(step)
        if lasts_s is None:
            spread = 1 + (sum(map(ord, step)) % 17) / 20
            lasts_s = LASTS_S[planned.action] * spread
        heapq.heappush(self._ends, (self._now_s + lasts_s, len(self._events), step))

    def _finish(self, step: str) -> None:
        story, planned = self._story, self._replay.scheduler.steps[step]
        if planned.action == "gate":
            self._decide(step, story.answers[step])
            return
        tries = self._tries[step] = self._tries.get(step, 0) + 1
        error = story.fails.get(step) if tries <= story.fail_times else None
        self._say(
            StepOutcome(
                at=self._at(),
                step=step,
                state="failed" if error else "done",
                changed=planned.action not in {"preflight", "ready", "address", "verify"},
                evidence=story.evidence.get(step) or self._seen(planned),
                error=error,
            )
        )
        if error and step in story.answers:
            self._say(Asked(at=self._at(), step=step, about="failure", title=f"{step} failed"))
            self._now_s += 30
            self._decide(step, story.answers[step])

    def _decide(self, step: str, decision: Decision) -> None:
        self._say(
            Decided(
                at=self._at(), step=step, decision=decision, by="grace", comment=self._story.comment
            )
        )

    def _seen(self, step: PlannedStep) -> dict[str, Any]:
        number = 10 + sum(map(ord, step.vm)) % 200
        old, new = f"10.1.0.{number}", f"10.2.0.{number}"
        name = {"name": f"{step.vm}.corp.example", "type": "A", "zone": "corp.example"}
        match step.action:
            case "failover":
                return {"test_vm": f"{step.vm} - Test", "test_vm_id": "11111111"}
            case "connect":
                return {"network": "Test network"}
            case "address":
                return {"addresses": [new, f"2001:db8:2::{number}"]}
            case "dns":
                return {"dns": [{**name, "before": {"values": [old]}, "after": {"values": [new]}}]}
            case "restore-dns":
                return {"dns": [{**name, "before": {"values": [new]}, "after": {"values": [old]}}]}
            case "ready":
                return {"heartbeat": "OkApplicationsHealthy", "tcp": {"1433": "open"}}
            case _:
                return {}


def _host(vm: str) -> str:
    return f"hv-osk-{1 + sum(map(ord, vm)) % 2:02d}"


def _failover_steps(story: Story) -> tuple[PlannedStep, ...]:
    steps = [PlannedStep(id="preflight", action="preflight", site="osaka")]
    steps.append(_step("failover/begin", "barrier", after=["preflight"]))
    brought: list[str] = []
    for group, vms in story.groups.items():
        for vm in vms:
            over, connect = f"{group}/{vm}/failover", f"{group}/{vm}/connect"
            steps.append(_step(over, "failover", group=group, vm=vm, after=["failover/begin"]))
            steps.append(_step(connect, "connect", group=group, vm=vm, after=[over]))
            brought.append(connect)
    steps.append(_step("failover/end", "barrier", after=brought))
    before = "failover/end"
    for group, vms in story.groups.items():
        steps.append(_step(f"{group}/begin", "barrier", group=group, after=[before]))
        last = f"{group}/begin"
        gate = f"{group}/before/storage-released"
        if gate in story.gates:
            steps.append(_step(gate, "gate", group=group, after=[last], title="Storage released"))
            last = gate
        ends = []
        for vm in vms:
            step = last
            for action in ("start", "ready", "address", "dns", "verify"):
                step_id = f"{group}/{vm}/{action}"
                steps.append(_step(step_id, action, group=group, vm=vm, after=[step]))
                step = step_id
            ends.append(step)
        if group == "databases":
            script = "databases/after/point-app-at"
            steps.append(
                _step(script, "script", group=group, after=ends, title="scripts/point-app-at.ps1")
            )
            ends = [script]
        steps.append(_step(f"{group}/end", "barrier", group=group, after=ends or [last]))
        before = f"{group}/end"
    if "hold" in story.gates:
        steps.append(_step("hold", "gate", after=[before], title="Inspect the test VMs"))
        steps += _undo(story, after="hold")
    return tuple(steps)


def _cleanup_steps(story: Story) -> tuple[PlannedStep, ...]:
    return (PlannedStep(id="preflight", action="preflight"), *_undo(story, after="preflight"))


def _undo(story: Story, *, after: str) -> list[PlannedStep]:
    steps, ends = [], []
    for group, vms in story.groups.items():
        for vm in vms:
            dns, clean = f"{group}/{vm}/restore-dns", f"{group}/{vm}/cleanup"
            steps.append(_step(dns, "restore-dns", group=group, vm=vm, after=[after]))
            steps.append(_step(clean, "cleanup", group=group, vm=vm, after=[dns]))
            ends.append(clean)
    steps.append(_step("cleanup/end", "barrier", after=ends))
    return steps


def _step(
    step_id: str,
    action: str,
    *,
    after: Sequence[str],
    group: str = "",
    vm: str = "",
    title: str = "",
) -> PlannedStep:
    return PlannedStep(
        id=step_id,
        action=action,
        group=group,
        vm=vm,
        site="osaka" if vm else "",
        title=title,
        waits_for=tuple(after),
    )


NOT_READY = ErrorFact(
    kind="not-ready",
    message="sql02 on hv-osk-01: not ready within 10 min: no OK heartbeat (NoContact), "
    "tcp 1433 refused. The test VM is still running; nothing else was touched.",
    next="Open the console of 'sql02 - Test' on hv-osk-01, then: secondsite cleanup storefront",
)

Answer = Callable[[str], Decision]


def succeeded() -> Story:
    """A test failover that went well and was cleaned up."""
    return Story(answers={"hold": Decision.APPROVE})


def failed() -> Story:
    """A test failover in which a database never became ready."""
    return Story(
        fails={"databases/sql02/ready": NOT_READY},
        lasts_s={"databases/sql02/ready": 600.0},
        gates=(),
    )


def under_way() -> Story:
    """A test failover in the middle of its second group."""
    return Story(until_s=75.0)


def of_size(count: int) -> Story:
    """A test failover of `count` VMs in groups of up to 25."""
    names = [f"vm{number:03d}" for number in range(count)]
    groups = {
        f"tier-{1 + start // 25:02d}": tuple(names[start : start + 25])
        for start in range(0, count, 25)
    }
    return Story(groups=groups, answers={"hold": Decision.APPROVE})
