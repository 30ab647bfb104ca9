"""Schedules of plans and suites in Prefect's own server; its clock is driven, not waited for."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from prefect.client.orchestration import get_client
from prefect.testing.utilities import prefect_test_harness

from flows.deployment import deployments_of, register
from flows.standing_artifact import show_standing
from flows.workers import worker_findings
from secondsite.plan.loader import load_folder
from secondsite.run.proof import Proof, ProofState
from tests.plan.conftest import PLAN, PlansFolder, folder

__all__ = ["folder"]

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]


async def due(deployment: str, *, start: datetime, end: datetime) -> list[tuple[str, Any, bool]]:
    """What the server makes of the deployment's schedule in that time."""
    async with get_client() as client:
        found = await client.read_deployment_by_name(deployment)
        answer = await client._client.post(
            f"/deployments/{found.id}/schedule",
            json={"start_time": start.isoformat(), "end_time": end.isoformat()},
        )
        answer.raise_for_status()
        made = await client.read_flow_runs()
    return sorted(
        (run.expected_start_time.astimezone(UTC).isoformat(), run.parameters, run.auto_scheduled)
        for run in made
        if run.deployment_id == found.id
        and run.expected_start_time is not None
        and run.expected_start_time < end
    )


@pytest.mark.anyio
async def test_when_the_day_comes_the_server_starts_the_rehearsal_in_the_plans_time_zone(
    folder: PlansFolder,
) -> None:
    folder.write_estate()
    folder.write("web.yaml", PLAN + 'rehearse: {cron: "0 3 * * 6", timezone: Asia/Tokyo}\n')
    folder.write("suites/all.yaml", 'name: all\nplans: [web]\nschedule: {cron: "0 1 1 * *"}\n')
    loaded = load_folder(folder.path)
    # A Saturday at 03:00 in Tokyo is a Friday in UTC.
    friday = datetime(2026, 11, 6, tzinfo=UTC)

    with prefect_test_harness(server_startup_timeout=120):
        wanted = deployments_of(loaded.plans.values(), loaded.estate, loaded.suites.values())
        await asyncio.to_thread(register, [each for each in wanted if each.schedules])
        plan = await due("rehearse/web", start=friday, end=friday.replace(day=8))
        suite = await due("rehearse/all", start=friday.replace(day=1), end=friday.replace(day=2))
        await show_standing("Web_1", Proof(state=ProofState.DRAFT, reasons=("none yet",)))
        unmanned, unknown = [
            await worker_findings(name) for name in ("rehearse/web", "rehearse/nowhere")
        ]
        async with get_client() as client:
            (artifact,) = await client.read_artifacts()
            pool = (await client.read_deployment_by_name("rehearse/web")).work_pool_name or ""
            await client.send_worker_heartbeat(pool, "one", heartbeat_interval_seconds=30)
        manned = await worker_findings("rehearse/web")

    assert plan == [("2026-11-06T18:00:00+00:00", {"plan": "web"}, True)]
    assert (artifact.key, artifact.flow_run_id) == ("standing-web-1", None)
    assert str(artifact.data).startswith("# Web\\_1: draft")
    assert [(str(each.severity), each.area) for each in unmanned] == [("error", "worker")]
    assert f"no worker is alive in the work pool {pool!r}" in unmanned[0].sentence
    assert f"secondsite worker --pool {pool}" in unmanned[0].remedy
    assert "Prefect has no deployment rehearse/nowhere" in unknown[0].sentence
    assert "secondsite deploy" in unknown[0].remedy
    assert manned == []
    assert suite == [("2026-11-01T01:00:00+00:00", {"plan": "all"}, True)]
