"""What a run comes to, in words: the headline, what failed first, what to do next. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from secondsite.reports.phrasing import KIND_WORDS, count_of, say_action, say_duration
from secondsite.reports.shape import ObjectiveFacts, PlanOfRunFacts, RunFacts, StepFacts

__all__ = [
    "HOW_TO_ANSWER",
    "Problem",
    "Question",
    "headline",
    "objective_sentences",
    "operation_of",
    "outcome_of",
    "plan_sentences",
    "problems",
    "progress_sentence",
    "questions",
]

_NEXT_WHEN_UNKNOWN = "Read the step's evidence below and look at the VM on its host."


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One failure and everything that a person needs to act on it.

    Attributes:
        is_tolerated: The plan says to go on as if it were done.
        held_back: Steps that never started because of it, directly or through others.
        vms_held_back: The VMs of those steps, the failed one left out.
    """

    step: str
    action: str
    vm: str
    host: str
    site: str
    at: str | None
    kind: str
    message: str
    next_step: str
    attempts: int
    is_tolerated: bool
    held_back: int
    vms_held_back: tuple[str, ...]


HOW_TO_ANSWER = "Press Resume on this run's page in Prefect's UI, or see: secondsite gates"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What people are asked, and how they answer.

    Attributes:
        answer: What to do, as an imperative sentence.
    """

    step: str
    name: str
    instructions: str
    approvers: tuple[str, ...]
    required: int
    deadline_at: str | None
    answer: str


def plan_sentences(facts: RunFacts) -> list[str]:
    """Whether the objectives were met; of a rehearsal, plan by plan."""
    plans = facts["plans"]
    if len(plans) == 1:
        return objective_sentences(plans[0]["objectives"])
    return [
        f"{plan['plan']}: {sentence}"
        for plan in plans
        for sentence in objective_sentences(plan["objectives"])
    ]


def headline(facts: RunFacts) -> str:
    """The run in a line: `Test failover of storefront: succeeded. RTO 45 min: met, 3 min 12 s.`."""
    plans = facts["plans"]
    judged = plan_sentences(facts) if len(plans) == 1 else _counted_objectives(plans)
    return " ".join([f"{operation_of(facts)}: {outcome_of(facts)}.", *judged])


def _counted_objectives(plans: Sequence[PlanOfRunFacts]) -> list[str]:
    """Whose objectives were met, and whose were missed."""
    by_verdict = {
        words: [plan["plan"] for plan in plans if plan["objectives"]["met"] is is_met]
        for words, is_met in (("Objectives met", True), ("Objectives missed", False))
    }
    return [f"{words}: {', '.join(names)}." for words, names in by_verdict.items() if names]


def operation_of(facts: RunFacts) -> str:
    """`Test failover of storefront`."""
    what = f"{KIND_WORDS.get(facts['kind'], facts['kind'])} of {facts['plan']}"
    return f"{what}, failing back" if facts["direction"] == "back" else what


def outcome_of(facts: RunFacts) -> str:
    """How the run stands, in the words that end the sentence "Test failover of storefront: …"."""
    failed = sum(step["state"] == "failed" for step in facts["steps"])
    of_plan = {gate["id"] for gate in facts["gates"] if gate["via"] == "plan"}
    skipped = sum(
        step["state"] == "skipped" and step["id"] not in of_plan for step in facts["steps"]
    )
    match facts["state"]:
        case "done" if failed or skipped:
            parts = [count_of(failed, "failed step")] if failed else []
            parts += [count_of(skipped, "skipped step")] if skipped else []
            return f"ended with {' and '.join(parts)}"
        case "done":
            return "succeeded"
        case "failed":
            return f"failed ({count_of(failed, 'failed step')})" if failed else "failed"
        case "aborted":
            return "aborted"
        case "waiting":
            return f"waiting for people ({progress_sentence(facts)})"
        case "running":
            return f"running ({progress_sentence(facts)})"
        case _:
            return "not started"


def progress_sentence(facts: RunFacts) -> str:
    """`31 of 60 steps done, 5 of 12 VMs in service`."""
    steps = [step for step in facts["steps"] if step["action"] != "barrier"]
    over = sum(step["state"] in {"done", "skipped"} for step in steps)
    text = f"{over} of {count_of(len(steps), 'step')} done"
    if not _brings_vms_up(facts):
        return text
    in_service = sum(vm["in_service_at"] is not None for vm in facts["vms"])
    return f"{text}, {in_service} of {count_of(len(facts['vms']), 'VM')} in service"


def _brings_vms_up(facts: RunFacts) -> bool:
    return any(step["action"] == "start" for step in facts["steps"])


def objective_sentences(objectives: ObjectiveFacts) -> list[str]:
    """One sentence per objective that the plan has and that can be judged."""
    sentences = []
    for name, promised_s, actual_s, met in (
        ("RTO", objectives["rto_s"], objectives["rto_actual_s"], objectives["rto_met"]),
        ("RPO", objectives["rpo_s"], objectives["rpo_actual_s"], objectives["rpo_met"]),
    ):
        if promised_s is None or met is None:
            continue
        measured = "not every VM came into service" if actual_s is None else say_duration(actual_s)
        verdict = "met" if met else "missed"
        sentences.append(f"{name} {say_duration(promised_s)}: {verdict}, {measured}.")
    return sentences


def problems(facts: RunFacts) -> list[Problem]:
    """Every failure, the first one first: the later ones are often its consequences."""
    failed = [step for step in facts["steps"] if step["state"] == "failed"]
    followers = _followers(facts["steps"])
    steps = {step["id"]: step for step in facts["steps"]}
    return [
        _problem(step, steps=steps, followers=followers)
        for step in sorted(failed, key=lambda step: (step["ended_at"] or "9", step["id"]))
    ]


def _problem(
    step: StepFacts, *, steps: dict[str, StepFacts], followers: dict[str, list[str]]
) -> Problem:
    never = [
        steps[follower]
        for follower in _all_after(step["id"], followers=followers)
        if steps[follower]["state"] == "pending"
    ]
    error = step["error"] or {"kind": "unknown", "message": "No cause was recorded.", "next": ""}
    vms = {other["vm"] for other in never if other["vm"] and other["vm"] != step["vm"]}
    return Problem(
        step=step["id"],
        action=say_action(step["action"]),
        vm=step["vm"],
        host=step["host"],
        site=step["site"],
        at=step["ended_at"],
        kind=error["kind"],
        message=error["message"],
        next_step=error["next"] or _NEXT_WHEN_UNKNOWN,
        attempts=step["attempts"],
        is_tolerated=step["tolerated"],
        held_back=sum(other["action"] != "barrier" for other in never),
        vms_held_back=tuple(sorted(vms)),
    )


def questions(facts: RunFacts) -> list[Question]:
    """What people are asked now."""
    return [
        Question(
            step=gate["id"],
            name=gate["name"],
            instructions=gate["instructions"],
            approvers=tuple(gate["approvers"]),
            required=gate["required"],
            deadline_at=gate["deadline_at"],
            answer=HOW_TO_ANSWER,
        )
        for gate in facts["gates"]
        if gate["asked_at"] and not gate["decision"] and not facts["ended_at"]
    ]


def _followers(steps: Iterable[StepFacts]) -> dict[str, list[str]]:
    followers: dict[str, list[str]] = {}
    for step in steps:
        for before in step["waits_for"]:
            followers.setdefault(before, []).append(step["id"])
    return followers


def _all_after(step: str, *, followers: dict[str, list[str]]) -> list[str]:
    seen: set[str] = set()
    to_visit = [step]
    while to_visit:
        for follower in followers.get(to_visit.pop(), ()):
            if follower not in seen:
                seen.add(follower)
                to_visit.append(follower)
    return sorted(seen)
