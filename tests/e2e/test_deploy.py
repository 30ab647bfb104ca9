"""`secondsite deploy` and `secondsite notify` with the real Prefect."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.test_prefect_itself import run
from tests.receivers import webhook

if TYPE_CHECKING:
    from tests.e2e.conftest import Machine

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

MAKE_WEBHOOK = """
from prefect.blocks.notifications import CustomWebhookNotificationBlock

CustomWebhookNotificationBlock(
    name="dr",
    url="{address}",
    method="POST",
    json_data={{"subject": "{{{{subject}}}}", "body": "{{{{body}}}}"}},
).save("dr", overwrite=True)
"""


@pytest.fixture
def plans(machine: Machine, tmp_path: Path) -> Iterator[Path]:
    """A copy of the machine's plans, for an estate of our own; its deployments are as before."""
    yield Path(shutil.copytree(machine.plans, tmp_path / "plans"))
    machine.ok("up", "--json")
    assert not is_there(machine, "deployment", "planned-failover/payroll-back")


def test_deploy_registers_what_is_there_and_removes_what_is_gone(
    machine: Machine, plans: Path, tmp_path: Path
) -> None:
    file = tmp_path / "prefect.yaml"
    estate, payroll = plans / "estate.yaml", plans / "payroll.yaml"
    estate.write_text(estate.read_text() + "prefect:\n  pools: {tokyo: pool-in-tokyo}\n")
    (plans / "wages.yaml").write_text(payroll.read_text().replace("payroll\n", "wages\n", 1))

    def deploy(*words: str) -> Any:
        result = machine.run(
            *("deploy", "--json", "--file", str(file), *words), SECONDSITE_PLANS=str(plans)
        )
        assert result.code == 0, result.gist
        return result.facts

    planned = deploy("--dry-run")
    was_written = file.exists()
    deploy()
    is_pool_there = is_there(machine, "work-pool", "pool-in-tokyo")
    was_there = is_there(machine, "deployment", "planned-failover/wages-back")
    (plans / "wages.yaml").unlink()
    announced = deploy("--dry-run")["removed"]
    removed = deploy()["removed"]
    again = deploy()

    names = {each["name"]: each["work_pool"] for each in planned["deployments"]}
    assert not was_written
    assert names["planned-failover/wages"] == "secondsite"
    assert names["planned-failover/wages-back"] == "pool-in-tokyo"
    assert is_pool_there
    assert was_there
    assert "test-failover/wages" in removed
    assert all("/wages" in name for name in removed)
    assert announced == removed
    assert again["removed"] == []
    assert not is_there(machine, "deployment", "planned-failover/wages-back")
    assert "name: payroll" in file.read_text()


def test_messages_go_through_a_notification_block_of_prefect(machine: Machine, plans: Path) -> None:
    estate = plans / "estate.yaml"
    estate.write_text(
        estate.read_text()
        + "notifications:\n"
        + "  - {name: hook, block: custom-webhook/dr}\n"
        + "  - {name: none, block: custom-webhook/absent}\n"
    )
    with webhook() as receiver:
        address = f"http://127.0.0.1:{receiver.port}/planted-token"
        made = run(machine, "-c", MAKE_WEBHOOK.format(address=address))

        sent = machine.run("notify", "--json", SECONDSITE_PLANS=str(plans))
        receiver.status = 500
        refused = machine.run("notify", "hook", "--json", SECONDSITE_PLANS=str(plans))

    assert made.returncode == 0, made.stderr
    assert [each["subject"] for each in receiver.taken] == ["Secondsite: test message"]
    states = {each["target"]: (each["state"], each["why"]) for each in sent.facts}
    assert sent.code == 1
    assert states["hook"] == ("sent", "")
    assert 'Prefect has no notification block "custom-webhook/absent".' in states["none"][1]
    assert refused.facts[0]["state"] == "failed"
    assert "planted-token" not in sent.out + sent.err + refused.out + refused.err


def is_there(machine: Machine, kind: str, name: str) -> bool:
    """Whether Prefect's own command knows it."""
    done = run(machine, "-m", "prefect", "--no-prompt", kind, "inspect", name)
    assert done.returncode == 0 or "not found" in done.stdout + done.stderr, done.stderr
    return done.returncode == 0
