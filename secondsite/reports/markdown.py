"""A run as Markdown: the progress that Prefect's run page shows, and the report as a document."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from secondsite.reports.facts import Reportable, as_facts
from secondsite.reports.groups import GroupProgress, group_progress, vm_standings
from secondsite.reports.markdown_plans import plan_sections
from secondsite.reports.markdown_text import markdown_table, markdown_text
from secondsite.reports.path import slowest
from secondsite.reports.phrasing import (
    clock_time,
    count_of,
    say_action,
    say_duration,
    say_how,
    say_moment,
    say_state,
)
from secondsite.reports.shape import DnsFacts, RunFacts, VmFacts
from secondsite.reports.verdict import headline, problems, progress_sentence, questions

__all__ = ["progress_markdown", "report_markdown"]

_MOST_VMS = 60
"""Beyond this the progress lists only the VMs that something is to be said of."""


def progress_markdown(source: Reportable) -> str:
    """How far a run is, per group and per VM."""
    facts = as_facts(source)
    groups, standings = group_progress(facts), vm_standings(facts)
    lines = [
        f"### {markdown_text(headline(facts))}",
        "",
        f"{progress_sentence(facts)}. Started {clock_time(facts['started_at'])} UTC, "
        f"{say_duration(facts['duration_s'])} ago."
        if facts["ended_at"] is None
        else f"{progress_sentence(facts)}. Took {say_duration(facts['duration_s'])}.",
        "",
        *_problem_lines(facts),
        *_question_lines(facts),
        *markdown_table(
            ("group", "state", "VMs in service", "steps", "now"), map(_group_row, groups)
        ),
        "",
    ]
    vms = facts["vms"]
    if len(vms) > _MOST_VMS:
        vms = [
            vm
            for vm in vms
            if "its turn" not in standings[vm["name"]] and vm["state"] not in {"done", "pending"}
        ]
        lines += [f"VMs under way or failed: {len(vms)} of {len(facts['vms'])}.", ""]
    if vms:
        lines += markdown_table(
            ("VM", "group", "state", "host", "addresses"),
            (
                (
                    vm["name"],
                    vm["group"],
                    standings[vm["name"]],
                    vm["host"],
                    ", ".join(vm["addresses"]),
                )
                for vm in vms[:_MOST_VMS]
            ),
        )
    return "\n".join(lines).rstrip() + "\n"


def report_markdown(source: Reportable) -> str:
    """The whole report: verdict, failures, objectives, VMs, decisions, steps, provenance."""
    facts = as_facts(source)
    standings = vm_standings(facts)
    lines = [
        f"# {markdown_text(headline(facts))}",
        "",
        *_problem_lines(facts),
        *_question_lines(facts),
        "## Summary",
        "",
        *markdown_table(("fact", "value"), _summary(facts)),
        "",
        *plan_sections(facts),
        "## What took the longest",
        "",
        *markdown_table(
            ("critical step", "duration", "share"),
            (
                (step["id"], say_duration(step["duration_s"]), f"{share:.0%}")
                for step, share in slowest(facts, most=10)
            ),
        ),
        "",
        "## Virtual machines",
        "",
        *markdown_table(
            (*("VM", "group", "state", "host", "addresses"), *("started", "ready", "in service")),
            (_vm_row(vm, standings[vm["name"]]) for vm in facts["vms"]),
        ),
        "",
        *_proof_lines(facts),
        *_dns_lines(facts),
        *_decision_lines(facts),
        *_warning_lines(facts),
        "## Steps",
        "",
        *markdown_table(
            ("step", "action", "state", "host", "started", "duration", "changed", "attempts"),
            (
                (
                    step["id"],
                    say_action(step["action"]),
                    f"{say_state(step['state'])}{', by hand' if step['by_hand'] else ''}",
                    step["host"],
                    clock_time(step["started_at"]),
                    say_duration(step["duration_s"]),
                    "yes" if step["changed"] else "no",
                    str(step["attempts"]),
                )
                for step in facts["steps"]
                if step["action"] != "barrier"
            ),
        ),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _group_row(group: GroupProgress) -> Sequence[str]:
    return (
        group.name,
        group.standing,
        f"{group.vms_in_service} of {group.vms}" if group.vms else "-",
        f"{group.steps_over} of {group.steps}",
        ", ".join(group.under_way[:3]) + (" …" if len(group.under_way) > 3 else ""),
    )


def _problem_lines(facts: RunFacts) -> list[str]:
    lines: list[str] = []
    for number, problem in enumerate(problems(facts)):
        where = " ".join(
            part
            for part in (
                f"of VM {problem.vm}" if problem.vm else "",
                f"on {problem.host}" if problem.host else "",
            )
            if part
        )
        first = "First failure" if number == 0 else "Then"
        lines += [
            f"**{first}: {markdown_text(problem.step)}** "
            f"{markdown_text(f'({problem.action} {where})' if where else f'({problem.action})')}",
            "",
            f"- What happened: {markdown_text(problem.message)}",
            f"- What to do next: {markdown_text(problem.next_step)}",
        ]
        if problem.held_back:
            lines.append(f"- Held back: {count_of(problem.held_back, 'step')}")
        lines.append("")
    return lines


def _question_lines(facts: RunFacts) -> list[str]:
    lines: list[str] = []
    for question in questions(facts):
        lines += [
            f"**Waiting for people: {markdown_text(question.name)}**",
            "",
            question.answer,
            "",
        ]
    return lines


def _summary(facts: RunFacts) -> Iterable[tuple[str, str]]:
    journal = facts["journal"]
    yield "run", facts["run_id"]
    yield "plan", f"{facts['plan']} ({facts['plan_digest']})"
    yield "kind and direction", f"{facts['kind']}, {facts['direction']}"
    yield "requested by", facts["requested_by"] or "-"
    yield "started", say_moment(facts["started_at"])
    yield "ended", say_moment(facts["ended_at"])
    yield "duration", say_duration(facts["duration_s"])
    yield "of that, waiting for people", say_duration(facts["people_s"])
    yield "critical path", say_duration(facts["critical_path_s"])
    if len(facts["plans"]) == 1:  # several have a table of their own
        objectives = facts["plans"][0]["objectives"]
        yield "RTO promised", say_duration(objectives["rto_s"])
        yield "RTO measured", say_duration(objectives["rto_actual_s"])
        yield "RPO promised", say_duration(objectives["rpo_s"])
        yield "RPO measured", say_duration(objectives["rpo_actual_s"])
    verified = {True: "verified", False: "BROKEN", None: "not checked"}[journal["verified"]]
    yield "journal", f"{count_of(journal['events'] or 0, 'event')}, chain {verified}"
    yield "journal head", journal["head"] or "-"
    yield from facts["versions"].items()


def _vm_row(vm: VmFacts, standing: str) -> Sequence[str]:
    return (
        vm["name"],
        vm["group"],
        standing,
        vm["host"],
        ", ".join(vm["addresses"]),
        clock_time(vm["started_at"]),
        clock_time(vm["ready_at"]),
        clock_time(vm["in_service_at"]),
    )


def _proof_lines(facts: RunFacts) -> list[str]:
    rows = [
        (vm["name"], say_moment(vm["recovery_point_at"]), "; ".join(vm["proof"]))
        for vm in facts["vms"]
        if vm["proof"]
    ]
    if not rows:
        return []
    head = ("VM", "data as of", "asked, and answered as wanted")
    return ["## What proves that they work", "", *markdown_table(head, rows), ""]


def _dns_lines(facts: RunFacts) -> list[str]:
    rows = [_dns_row(vm["name"], dns) for vm in facts["vms"] for dns in vm["dns"]]
    if not rows:
        return []
    return ["## DNS", "", *markdown_table(("VM", "name", "before", "during", "now"), rows), ""]


def _dns_row(vm: str, dns: DnsFacts) -> Sequence[str]:
    now = dns["now"]
    return (
        vm,
        f"{dns['name']} {dns['type']}".strip(),
        ", ".join(dns["before"]) or "nothing",
        ", ".join(dns["during"]) or "nothing",
        "-" if now is None else ", ".join(now) or "nothing",
    )


def _decision_lines(facts: RunFacts) -> list[str]:
    if not facts["approvals"]:
        return []
    rows = (
        (
            each["step"],
            each["decision"],
            each["by"],
            say_how(each["via"], with_code=each["with_code"], account=each["account"]),
            say_moment(each["at"]),
            each["comment"],
        )
        for each in facts["approvals"]
    )
    return [
        "## Decisions",
        "",
        *markdown_table(("step", "decision", "by", "how", "at", "comment"), rows),
        "",
        *_asked_lines(facts),
    ]


def _asked_lines(facts: RunFacts) -> list[str]:
    """What people were shown, word for word."""
    lines: list[str] = []
    for gate in facts["gates"]:
        if not gate["asked_at"] or not (gate["instructions"] or gate["escalations"]):
            continue
        lines += [
            f"Asked about {markdown_text(gate['name'])} at {say_moment(gate['asked_at'])}:",
            "",
        ]
        lines += [f"> {line}".rstrip() for line in gate["instructions"].splitlines()]
        lines += [
            f"> *escalated to {markdown_text(', '.join(each['to']))} at {say_moment(each['at'])}*"
            for each in gate["escalations"]
        ]
        lines.append("")
    return lines


def _warning_lines(facts: RunFacts) -> list[str]:
    warnings = [note for note in facts["notes"] if note["level"] == "warning"]
    if not warnings:
        return []
    rows = ((clock_time(note["at"]), note["step"], note["text"]) for note in warnings)
    return ["## Warnings", "", *markdown_table(("at", "step", "warning"), rows), ""]
