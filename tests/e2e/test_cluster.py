"""Prefect and the journal on PostgreSQL, an auth string, two workers: what survives, what leaks."""

from __future__ import annotations

import base64
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import httpx
import psutil
import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import create_engine

from tests.e2e.conftest import LAB, Machine, hasty_plans, until
from tests.e2e.following import a_run_until, ended
from tests.e2e.prefect_ui import PAGE_LIMIT_MS
from tests.e2e.reading import changes, vm_of
from tests.receivers import Webhook, webhook

pytestmark = [
    pytest.mark.integration,
    pytest.mark.timeout(300),
    pytest.mark.xdist_group("cluster"),
]
REPOSITORY = Path(__file__).parents[2]
AUTH = "operator:Pl4nted-auth-string"
DATABASE_PASSWORD = "Pl4nted-database-passw0rd"
TOKEN = "Pl4nted-webhook-t0ken"
SETTINGS = """
resume_by_itself: true
prefect:
  auth: {{file: "{home}/auth"}}
notifications:
  - name: hook
    url: {{file: "{home}/webhook"}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A machine whose Prefect and journal are on PostgreSQL, with a second worker."""

    machine: Machine
    api: str
    hook: Webhook
    workers: tuple[psutil.Process, ...]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory, postgresql_server: str) -> Iterator[Cluster]:
    home = tmp_path_factory.mktemp("cluster")
    plans = hasty_plans(tmp_path_factory.mktemp("cluster-plans") / "plans")
    estate = plans / "estate.yaml"
    in_file = 'password: {file: "{home}/lab/secrets/osaka-operator"}'
    text = estate.read_text() + SETTINGS.format(home=home)
    assert in_file in text
    estate.write_text(text.replace(in_file, "password: {prefect_block: osaka-operator}"))
    with_password = postgresql_server.replace("//secondsite", f"//secondsite:{DATABASE_PASSWORD}")
    for name in ("prefect", "journal"):
        engine = create_engine(f"{postgresql_server}/postgres", isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
        engine.dispose()
    machine = Machine(
        home=home,
        plans=plans,
        variables={
            "PREFECT_SERVER_DATABASE_CONNECTION_URL": (
                f"{with_password.replace('psycopg', 'asyncpg')}/prefect"
            ),
            "SECONDSITE_JOURNAL": f"{with_password}/journal",
        },
    )
    with webhook() as hook:
        secret(home / "auth", AUTH)
        secret(home / "webhook", f"json://127.0.0.1:{hook.port}/{TOKEN}")
        second = None
        try:
            machine.ok("lab", "up", "--estate", LAB, "--scale", "0.02")
            api = machine.ok("up", "--json").facts["api_url"]
            with (home / "second.log").open("wb") as log:
                second = subprocess.Popen(
                    [sys.executable, "-m", "secondsite", "worker", "--name", "second"],
                    env=machine.environment,
                    cwd=REPOSITORY,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                )
            workers = (machine.services()["worker"], psutil.Process(second.pid))
            yield Cluster(machine=machine, api=api, hook=hook, workers=workers)
        finally:
            if second is not None:
                second.kill()
                second.wait()
            machine.run("down")
            machine.run("lab", "down")


def secret(file: Path, text: str) -> None:
    file.write_text(text)
    file.chmod(0o600)


def online(cluster: Cluster) -> set[str]:
    """Names of the workers that Prefect knows to be alive."""
    user, _, password = AUTH.partition(":")
    url = f"{cluster.api}/work_pools/secondsite/workers/filter"
    found = httpx.post(url, json={}, auth=(user, password), timeout=30).json()
    return {worker["name"] for worker in found if worker["status"] == "ONLINE"}


def kill_the_engine_and_its_worker(cluster: Cluster) -> str:
    """`kill -9` of the worker that has the run, and of all below it, at once; gives which."""
    for number, worker in enumerate(cluster.workers):
        family = [worker, *worker.children(recursive=True)]
        if any("prefect.engine" in " ".join(process.cmdline()) for process in family):
            for process in family:
                process.kill()
            psutil.wait_procs(family[1:], timeout=10)
            return ("first", "second")[number]
    raise AssertionError("no worker has the run")


def test_nobody_gets_in_without_the_auth_string(cluster: Cluster) -> None:
    ask = f"{cluster.api}/flow_runs/filter"
    user, _, password = AUTH.partition(":")

    stranger = httpx.post(ask, json={}, timeout=30)
    friend = httpx.post(ask, json={}, auth=(user, password), timeout=30)
    refused = cluster.machine.run(
        *("run", "payroll", "--kind", "test", "--json"), PREFECT_API_AUTH_STRING="operator:wrong"
    )

    assert (stranger.status_code, friend.status_code) == (401, 200)
    assert refused.code == 5
    assert "refuses our auth string; nothing was started" in refused.facts["error"]["message"]
    assert "wrong" not in refused.out


def test_the_browser_asks_for_the_auth_string(cluster: Cluster, browser: Browser) -> None:
    # Under another name than the server's own: the page asks whom it came from.
    address = cluster.api.removesuffix("/api").replace("127.0.0.1", "localhost")
    context = browser.new_context(reduced_motion="reduce")
    context.set_default_timeout(PAGE_LIMIT_MS)
    page = context.new_page()
    page.goto(address)
    page.get_by_placeholder("admin:pass").fill(AUTH)
    with page.expect_request(re.compile("/api/")) as asked:
        page.get_by_role("button", name="Login").click()
    page.goto(f"{address}/deployments")

    expect(page.get_by_role("link", name="payroll", exact=True).first).to_be_visible()
    assert asked.value.url.startswith(address)
    context.close()


def test_a_password_from_a_block_serves_a_run_that_fails(cluster: Cluster) -> None:
    machine = cluster.machine
    before = machine.run("secrets", "list", "--json")
    password = machine.home / "lab" / "secrets" / "osaka-operator"
    machine.ok("secrets", "register", "osaka-operator", "--file", str(password))
    after = machine.ok("secrets", "list", "--json")
    machine.ok("lab", "break", "host-refuses", "--host", "hv-osaka-2")
    cluster.hook.status = 500

    failed = machine.run("run", "payroll", "--kind", "test", "--json")
    cluster.hook.status = 200
    machine.ok("lab", "mend", "--all")

    assert before.code == 3
    assert {each["kept_in"] for each in after.facts} >= {"the Secret block osaka-operator"}
    assert not any(each["problem"] for each in after.facts)
    assert failed.code == 1
    assert "hv-osaka-2" in failed.gist
    assert "answered (hv-osaka-1)" in failed.gist, "it let us in, with the password of the block"


def test_a_planned_failover_survives_the_loss_of_the_worker_that_carries_it(
    cluster: Cluster,
) -> None:
    machine = cluster.machine
    until(lambda: len(online(cluster)) == 2, what="both workers are online")
    status = machine.ok("status", "--json").facts
    assert "second in secondsite" in status["worker"]["online"], "nobody else started it"

    past = len(machine.lab_log())
    killed: list[str] = []
    run_id = a_run_until(
        machine,
        "payroll",
        lambda log: changes(log[past:], "Stop-VM"),
        kind="planned",
        then=lambda: killed.append(kill_the_engine_and_its_worker(cluster)),
    )
    facts = ended(machine, run_id)

    assert facts["state"] == "done", facts["headline"]
    assert len(facts["engines"]) == 2
    assert len(killed) == 1
    log = machine.lab_log()[past:]
    for cmdlet in ("Stop-VM", "Start-VM", "Set-VMReplication"):
        moved = Counter(vm_of(event) for event in changes(log, cmdlet))
        assert moved == Counter(["pay01", "pay02"]), cmdlet
    assert machine.ok("runs", "verify", run_id).code == 0
    titles = until(
        lambda: [each["title"] for each in cluster.hook.taken if "succeeded" in each["title"]],
        what="people are told of the end",
    )
    assert titles == ["payroll: planned failover succeeded"]
    told = Counter(each["title"] for each in cluster.hook.taken)
    assert told["payroll: planned failover started"] == 1
    assert told["payroll: nobody carries the run"] == 1


def test_no_planted_secret_is_found_anywhere_after_all_that(cluster: Cluster) -> None:
    machine = cluster.machine
    places = {
        **dumps(machine),
        **files(machine.home),
        **{f"process {pid}": words for pid, words in command_lines().items()},
    }
    for run in machine.ok("runs", "--json").facts:
        run_id = run["run_id"]
        page, text = machine.home / "report.html", machine.home / "report.md"
        machine.ok("report", run_id, "--html", str(page))
        machine.ok("report", run_id, "--md", str(text))
        places |= {
            f"{run_id} HTML": page.read_text(),
            f"{run_id} Markdown": text.read_text(),
            f"{run_id} JSON": machine.ok("report", run_id, "--json").out,
        }

    found = {
        (place, name)
        for name, shapes in planted(machine).items()
        for place, text in places.items()
        if any(shape in text for shape in shapes)
    }

    assert found == set()
    # The search would see them: what is known to be there is found.
    assert "payroll" in places["dump of prefect"]
    assert "osaka-operator" in places["dump of prefect"]
    assert "hook" in places["dump of journal"]
    assert any("secondsite.cli.server_process" in text for text in places.values())
    assert any(place.endswith("server.log") for place in places)


def planted(machine: Machine) -> dict[str, set[str]]:
    """Every secret by a name, in the shapes that it could be written in."""
    values = {
        "auth string": AUTH,
        "its password": AUTH.partition(":")[2],
        "database password": DATABASE_PASSWORD,
        "webhook token": TOKEN,
    }
    for file in (machine.home / "lab" / "secrets").iterdir():
        values[file.name] = file.read_text().strip()
    assert len(values) >= 8
    return {
        name: {value, quote(value, safe=""), base64.b64encode(value.encode()).decode()}
        for name, value in values.items()
    }


def dumps(machine: Machine) -> dict[str, str]:
    """Both databases as text."""
    program = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_dump"))[-1]
    url = machine.variables["SECONDSITE_JOURNAL"].replace("+psycopg", "").rpartition("/")[0]
    return {
        f"dump of {name}": subprocess.run(
            [program, f"{url}/{name}"], check=True, capture_output=True, text=True
        ).stdout
        for name in ("prefect", "journal")
    }


def files(home: Path) -> dict[str, str]:
    """Everything that was written below the home, but the files in which the secrets are kept."""
    kept = {home / "auth", home / "webhook", *(home / "lab" / "secrets").iterdir()}
    return {
        str(file): file.read_bytes().decode("utf-8", "replace")
        for file in home.rglob("*")
        if file.is_file() and file not in kept
    }


def command_lines() -> dict[int, str]:
    """The command line of every process of this machine but the tests."""
    found = psutil.process_iter(["pid", "cmdline"])
    mine = {os.getpid(), os.getppid()}
    return {
        each.info["pid"]: " ".join(each.info["cmdline"] or ())
        for each in found
        if each.info["pid"] not in mine
    }
