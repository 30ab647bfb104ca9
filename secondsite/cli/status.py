"""`secondsite status`: this machine, where a plan stands, or what a run waits for."""

from __future__ import annotations

import argparse
import json
import os
from typing import Any

from secondsite.cli.liveness import watch_lives, workers_online
from secondsite.cli.plan_outlook import proof_of
from secondsite.cli.run_status import show_run
from secondsite.cli.services import is_healthy, services
from secondsite.cli.start import open_journal
from secondsite.errors import PlanError
from secondsite.home import home, journal_url, plans_folder
from secondsite.plan.loader import load_folder
from secondsite.run.journal import Journal, RunSummary
from secondsite.run.proof import CHECK

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "plan",
        nargs="?",
        metavar="PLAN|RUN",
        help="a plan: asks both sites where it stands; a run: what it waits for, asking nobody",
    )
    parser.add_argument("--json", action="store_true", help="print facts as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Tell; gives 0 when everything that `up` starts is there, else 5."""
    if arguments.plan and (shown := _show_run(arguments.plan, as_json=arguments.json)) is not None:
        return shown
    if arguments.plan:
        from secondsite.cli.plan_status import show_plan

        return show_plan(arguments.plan, as_json=arguments.json)
    facts = _facts()
    if arguments.json:
        print(json.dumps(facts, indent=2))
    else:
        _print(facts)
    is_up = facts["server"]["answers"] and facts["worker"]["alive"] and facts["watch"]["alive"]
    return 0 if is_up else 5


def _show_run(name: str, *, as_json: bool) -> int | None:
    """Tell of the run of that id, or of that ending of an id; None if there is none."""
    if not Journal.exists(journal_url()):
        return None
    with open_journal() as journal:
        run_id = journal.find(name)
        return show_run(journal, run_id, as_json=as_json) if run_id else None


def _facts() -> dict[str, Any]:
    mine = services()
    running = mine.running()
    url = os.environ.get("PREFECT_API_URL") or mine.api_url
    answers = bool(url) and is_healthy(url)
    # Of what `up` has started we know at once that it has died; Prefect, only after a minute.
    is_ours = mine.has_started("worker")
    online = workers_online(url) if answers else []
    with open_journal() as journal:
        active = journal.runs(without=(CHECK,), only_open=True)
        standings = _standings(journal)
    return {
        "home": str(home()),
        "plans": str(plans_folder()),
        "journal": _without_password(journal_url()),
        "server": {
            "api_url": url,
            "ui_url": url.removesuffix("/api"),
            "answers": answers,
            "pid": running["server"].pid if "server" in running else None,
        },
        "worker": {
            "alive": "worker" in running or (bool(online) and not is_ours),
            "pid": running["worker"].pid if "worker" in running else None,
            "online": list(online),
        },
        "watch": {"alive": "watch" in running or (watch_lives() and not mine.has_started("watch"))},
        "plans_standing": standings,
        "runs": [
            {
                "run_id": run.run_id,
                "plan": run.plan,
                "operation": run.operation,
                "state": _state(run),
            }
            for run in active
        ],
    }


def _standings(journal: Journal) -> dict[str, Any]:
    """How well each plan is proved; nothing where the plans folder has faults."""
    try:
        loaded = load_folder(plans_folder())
    except PlanError:
        return {}
    return {
        name: proof_of(plan, loaded.estate, journal, folder=loaded.files[name].parent).as_dict()
        for name, plan in loaded.plans.items()
    }


def _state(summary: RunSummary) -> str:
    if summary.is_interrupted:
        return "cancelled" if summary.is_cancelled else "interrupted"
    return summary.state


def _without_password(url: str) -> str:
    from sqlalchemy.engine import make_url

    return make_url(url).render_as_string(hide_password=True)


def _print(facts: dict[str, Any]) -> None:
    server, worker, watch = facts["server"], facts["worker"], facts["watch"]
    answers = "answers" if server["answers"] else "does not answer (secondsite up)"
    print(f"Prefect's server  {server['ui_url'] or 'none known'}: {answers}")
    alive = ", ".join(worker["online"]) or "alive"
    print(f"Worker            {alive if worker['alive'] else 'not running (secondsite up)'}")
    print(f"Watch             {'alive' if watch['alive'] else 'not running (secondsite up)'}")
    print(f"Home              {facts['home']}")
    print(f"Plans             {facts['plans']}")
    print(f"Journal           {facts['journal']}")
    for name, standing in facts["plans_standing"].items():
        why = "" if standing["state"] == "verified" else f": {standing['reasons'][0]}"
        print(f"Plan              {name}: {standing['state']}{why}")
    for each in facts["runs"]:
        is_left = each["state"] in {"cancelled", "interrupted"}
        advice = f" (secondsite resume {each['run_id']})" if is_left else ""
        print(f"Run               {each['run_id']}: {each['state']}{advice}")
    if not facts["runs"]:
        print("Run               none is going on")
