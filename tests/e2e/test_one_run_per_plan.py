"""Prefect starts whatever it is told to; the journal lets one run hold a plan."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import Machine, until
from tests.e2e.following import api
from tests.e2e.reading import changes, vm_of

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

_OVER = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}


def ask(machine: Machine, method: str, path: str, **body: Any) -> Any:
    answer = httpx.request(
        method, f"{api(machine)}/{path}", json=body or None, trust_env=False, timeout=30
    )
    answer.raise_for_status()
    return answer.json()


def test_two_runs_of_one_plan_that_prefect_starts_at_once_never_run_together(
    estate: Machine,
) -> None:
    for host in ("hv-osaka-1", "hv-osaka-2"):
        fault = ("slow-reply", "--host", host, "--cmdlet", "Start-VMFailover", "--seconds", "8")
        estate.ok("lab", "break", *fault)
    deployment = ask(estate, "GET", "deployments/name/test-failover/payroll")["id"]

    def start(_: int) -> str:
        wanted = {"state": {"type": "SCHEDULED"}, "parameters": {"clean_up": True}}
        made = ask(estate, "POST", f"deployments/{deployment}/create_flow_run", **wanted)
        return str(made["id"])

    def states() -> dict[str, dict[str, str]] | None:
        found = {each: ask(estate, "GET", f"flow_runs/{each}")["state"] for each in started}
        return found if all(state["type"] in _OVER for state in found.values()) else None

    with ThreadPoolExecutor(2) as threads:
        started = list(threads.map(start, range(2)))
    over = until(states, what="both are over", limit_s=180)

    by_type = {state["type"]: (flow_run, state) for flow_run, state in over.items()}
    assert set(by_type) == {"COMPLETED", "FAILED"}, over
    carried, refused = by_type["COMPLETED"][0], by_type["FAILED"][1]
    runs = [run["run_id"] for run in estate.ok("runs", "--json").facts]
    (mine,) = [run for run in runs if run.endswith(carried[:8])]
    assert mine in refused["message"], "it is told by whom the plan is held"
    assert not [run for run in runs if run.endswith(by_type["FAILED"][0][:8])]
    begun = sorted(vm_of(each) for each in changes(estate.lab_log(), "Start-VMFailover"))
    assert begun == ["pay01", "pay02"]
