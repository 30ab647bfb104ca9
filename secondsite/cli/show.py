"""`secondsite show`: the run graph of a plan, numbered and explained. Touches nothing.

Only with `--dns` anybody is asked: the DNS servers, for what they hold now.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from secondsite.cli.network_choice import add_test_network
from secondsite.cli.planned_addresses import planned_addresses, table_of
from secondsite.cli.show_dns import ask_dns, dns_diff
from secondsite.errors import JournalError, UsageError
from secondsite.graph import Action, Operation, PrimarySide, RunGraph, Step, compile_graph
from secondsite.plan.model import Direction, ScriptHook
from secondsite.reports.prediction import Gain, predict
from secondsite.run.record import RunRecord

__all__ = ["add_arguments", "run"]

_PAST_RUNS = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("plan", metavar="PLAN", help="a plan's name, or the path of its file")
    parser.add_argument(
        "--kind",
        choices=[each.value for each in Operation],
        default=Operation.TEST.value,
        help="what a run would do (default: test)",
    )
    parser.add_argument(
        "--direction", choices=[each.value for each in Direction], default=Direction.FORWARD.value
    )
    parser.add_argument(
        "--primary-side",
        choices=[each.value for each in PrimarySide],
        default=PrimarySide.ATTEMPT.value,
        help="unplanned: whether the site that is left is shut down in order first",
    )
    parser.add_argument(
        "--clean-up", action="store_true", help="test: with the clean-up in the same run"
    )
    parser.add_argument(
        "--hold", action="store_true", help="test: people are asked before the clean-up"
    )
    add_test_network(parser)
    parser.add_argument(
        "--dns",
        action="store_true",
        help="failovers: what would become of each DNS record; its servers are asked",
    )
    parser.add_argument("--svg", metavar="FILE", help="draw the graph into this file")
    parser.add_argument("--json", action="store_true", help="print JSON")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Estimate:
    """What past runs tell about how long it will take.

    Attributes:
        runs: The ids of those runs; empty when there is none.
        speed_up: What would shorten the run most, most first.
    """

    runs: tuple[str, ...]
    durations_s: Mapping[str, float]
    path: tuple[str, ...]
    length_s: float
    speed_up: tuple[Gain, ...] = ()


def run(arguments: argparse.Namespace) -> int:
    """Print (and draw) the graph; gives 0."""
    from secondsite.home import plans_folder
    from secondsite.plan.created_networks import reasons_against_created
    from secondsite.plan.loader import find_plan, load_estate, load_plan

    file = find_plan(arguments.plan, folder=plans_folder())
    estate = load_estate(file.parent)
    plan = load_plan(file, estate)
    operation, direction = Operation(arguments.kind), Direction(arguments.direction)
    is_created = operation is Operation.TEST and arguments.test_network == "created"
    graph = compile_graph(
        plan,
        operation=operation,
        direction=direction,
        primary_side=PrimarySide(arguments.primary_side),
        hold=arguments.hold,
        cleanup=arguments.clean_up,
        created_networks=is_created,
        settles=estate.dns_policy.settles,
    )
    protection = next(each for each in estate.protections if each.name == plan.protection)
    sites = dict(zip(("source", "target"), protection.site_names(direction), strict=True))
    estimate = _estimate(graph, plan.name, operation)
    rows = planned_addresses(
        plan,
        estate,
        operation=operation,
        direction=direction,
        past=_past_runs(plan.name)[::-1],
        test_network=arguments.test_network,
    )
    refused = (
        reasons_against_created(estate.sites[sites["target"]], protection) if is_created else []
    )
    title = f"{plan.name}: {operation}, {direction}, {sites['source']} to {sites['target']}"
    names = ask_dns(plan, file, operation, direction) if arguments.dns else None
    if arguments.svg:
        _draw(arguments.svg, graph, title, estimate)
    if arguments.json:
        facts: dict[str, Any] = {
            "plan": plan.name,
            "kind": str(operation),
            "direction": str(direction),
            **_facts(graph, sites, estimate),
            "addresses": [asdict(row) for row in rows],
            "refused": refused,
        }
        if names is not None:
            facts["dns"] = names
        print(json.dumps(facts, indent=2))
        return 0
    print(title)
    vm_count = sum(1 for _ in plan.vms)
    group_word = "group" if len(plan.groups) == 1 else "groups"
    print(f"{vm_count} VMs in {len(plan.groups)} {group_word}, {len(graph)} steps\n")
    for line in _table(graph, sites, estimate):
        print(line)
    print()
    if rows:
        print("\n".join([*table_of(rows), ""]))
    for reason in refused:
        print(f"This test would be refused: {reason}.")
    for line in _outlook(graph, estimate):
        print(line)
    for line in () if names is None else dns_diff(names):
        print(line)
    if arguments.svg:
        print(f"Drawn: {arguments.svg}")
    return 0


def _past_runs(plan: str, operation: Operation | None = None) -> list[RunRecord]:
    """The latest runs of the plan (of that operation), newest first; none if it cannot be read."""
    from secondsite.home import journal_url
    from secondsite.run.journal import Journal
    from secondsite.run.replay import replay

    try:
        if not Journal.exists(journal_url()):
            return []
        with Journal.open(journal_url()) as journal:
            past = [
                each
                for each in journal.runs(plan=plan)
                if operation is None or each.operation == operation
            ]
            return [
                replay(entry.event for entry in journal.read(each.run_id))
                for each in past[:_PAST_RUNS]
            ]
    except JournalError as error:
        # The graph is worth showing without an estimate; what is wrong must still be known.
        if operation is not None:
            print(f"{error.message} No estimate from past runs.", file=sys.stderr)
        return []


def _estimate(graph: RunGraph, plan: str, operation: Operation) -> _Estimate:
    from secondsite.run.estimates import estimate_durations

    records = _past_runs(plan, operation)
    durations_s = estimate_durations(graph, records)
    path, length_s = graph.critical_path(durations_s)
    ids = [record.run_id for record in records]
    expected = predict(graph, durations_s, kind=str(operation), runs=ids)
    return _Estimate(
        speed_up=tuple(expected["speed_up"]) if expected else (),
        runs=tuple(record.run_id for record in records) if durations_s else (),
        durations_s=durations_s,
        path=tuple(step for step in path if step in durations_s),
        length_s=length_s,
    )


def _draw(file: str, graph: RunGraph, title: str, estimate: _Estimate) -> None:
    from secondsite.graph.drawing import draw_svg

    try:
        Path(file).write_text(draw_svg(graph, title=title, critical=estimate.path), "utf-8")
    except OSError as error:
        raise UsageError(
            f"{file} cannot be written: {error.strerror}.", next_step="Name another file."
        ) from error


def _facts(graph: RunGraph, sites: Mapping[str, str], estimate: _Estimate) -> dict[str, Any]:
    return {
        "steps": [
            {
                "number": number,
                "id": step.id,
                "action": str(step.action),
                "title": step.title,
                "group": step.group,
                "vm": step.vm.name if step.vm else "",
                "site": sites.get(step.side, ""),
                "waits_for": graph.waits_for(step.id),
                "tolerates": graph.tolerates(step.id),
                "on_failure": step.on_failure,
                "estimate_s": estimate.durations_s.get(step.id),
            }
            for number, step in enumerate(graph, start=1)
        ],
        "critical_path": {
            "steps": estimate.path,
            "seconds": estimate.length_s if estimate.runs else None,
            "from_runs": estimate.runs,
            "speed_up": list(estimate.speed_up),
        },
    }


def _table(graph: RunGraph, sites: Mapping[str, str], estimate: _Estimate) -> Iterable[str]:
    number_of = {step: number for number, step in enumerate(graph.order(), start=1)}
    rows = [("", "step", "site", "about", "waits for")]
    for step in graph:
        tolerated = set(graph.tolerates(step.id))
        needed = [before for before in graph.waits_for(step.id) if before not in tolerated]
        waits = _ranges(number_of[before] for before in needed)
        if tolerated:
            end = _ranges(number_of[before] for before in tolerated)
            waits = f"{waits}; the end of {end}, failed or not"
        about_s = estimate.durations_s.get(step.id)
        rows.append(
            (
                str(number_of[step.id]),
                _name(step),
                sites.get(step.side, ""),
                _say(about_s) if about_s is not None else "",
                waits,
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    if not estimate.runs:
        widths[3] = 0
    for row in rows:
        cells = [row[0].rjust(widths[0])]
        cells += [row[index].ljust(widths[index]) for index in (1, 2)]
        cells += [row[3].rjust(widths[3])] if widths[3] else []
        yield "  ".join([*cells, row[4]]).rstrip()


def _name(step: Step) -> str:
    if step.action is Action.GATE:
        return f"{step.id}  (people decide: {step.title})"
    if isinstance(step.hook, ScriptHook) and step.hook.on_vm is not None:
        return f"{step.id}  ({step.title}, on {step.hook.on})"
    return f"{step.id}  ({step.title})" if step.action is Action.SCRIPT else step.id


def _outlook(graph: RunGraph, estimate: _Estimate) -> Iterable[str]:
    gates = sum(step.action is Action.GATE for step in graph)
    people = f" People decide at {gates} gate{'s' if gates > 1 else ''}." if gates else ""
    if not estimate.runs:
        yield f"Critical path: not known, there is no past run to learn from.{people}"
        return
    count = len(estimate.runs)
    source = "the last run" if count == 1 else f"the last {count} runs"
    yield f"Critical path: about {_say(estimate.length_s)}, from {source}.{people}"
    yield f"  {' → '.join(estimate.path)}"
    for gain in estimate.speed_up[:3]:
        yield (
            f"To speed up: {gain['step']} takes {_say(gain['takes_s'])}; without it the run ends "
            f"{_say(gain['gain_s'])} sooner."
        )


def _say(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.1f} h"


def _ranges(numbers: Iterable[int]) -> str:
    """`1, 4-6`: numbers in words that stay short for 500 VMs."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(_range(run_) for run_ in runs)


def _range(numbers: Sequence[int]) -> str:
    first, last = numbers[0], numbers[-1]
    if first == last:
        return str(first)
    return f"{first}, {last}" if last == first + 1 else f"{first}-{last}"
