"""Runs that go on by themselves while a test does something else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import httpx

from tests.e2e.conftest import Machine, until

Log = list[dict[str, Any]]


def a_run_until(
    machine: Machine,
    plan: str,
    seen: Callable[[Log], Any],
    *,
    kind: str = "test",
    options: Sequence[str] = (),
    then: Callable[[], None] = lambda: None,
) -> str:
    """Start a run; as soon as `seen` finds something in the lab's log, do `then`.

    Gives the run's id.
    """
    started = machine.ok("run", plan, "--kind", kind, "--detach", "--json", "--yes", *options).facts
    until(lambda: seen(machine.lab_log()), what="the run has come so far", limit_s=120)
    then()
    return run_of(machine, started["flow_run"])


def run_of(machine: Machine, flow_run: str) -> str:
    """The id of the run of that flow run, as soon as the journal has it."""

    def found() -> list[str]:
        runs = machine.ok("runs", "--json").facts
        return [run["run_id"] for run in runs if run["run_id"].endswith(flow_run[:8])]

    return str(until(found, what="the run is in the journal")[0])


def api(machine: Machine) -> str:
    """Where Prefect's server is."""
    return (machine.home / "api-url").read_text().strip()


def task_runs(machine: Machine, flow_run: str) -> list[str]:
    """The names of a flow run's task runs that Prefect shows (the first 200)."""
    wish = {"flow_runs": {"id": {"any_": [flow_run]}}}
    url = f"{api(machine)}/task_runs/filter"
    answer = httpx.post(url, json=wish, trust_env=False, timeout=30).json()
    return [each["name"] for each in answer]


def ended(machine: Machine, run_id: str, *, limit_s: float = 90) -> Any:
    """The facts of that run once it is over."""

    def over() -> Any:
        runs = machine.ok("runs", "--json").facts
        return next(run["ended_at"] for run in runs if run["run_id"] == run_id)

    until(over, what=f"{run_id} is over", limit_s=limit_s)
    return machine.ok("report", run_id, "--json").facts
