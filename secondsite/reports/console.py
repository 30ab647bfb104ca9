"""A run on a terminal: tables of groups and VMs, a live view, and the summary at the end.

On a terminal the live view redraws itself; anywhere else it prints one plain line per event, so
that a pipe, a file or a screen reader gets the same facts.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import TextIO

from rich import box
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from secondsite.reports.facts import Reportable, as_facts, run_facts
from secondsite.reports.groups import group_progress, vm_standings
from secondsite.reports.lines import LineLog
from secondsite.reports.path import slowest
from secondsite.reports.phrasing import (
    STATE_GLYPHS,
    clock_time,
    count_of,
    plain_text,
    say_duration,
)
from secondsite.reports.plan_words import plan_lines
from secondsite.reports.shape import RunFacts, VmFacts
from secondsite.reports.verdict import (
    headline,
    operation_of,
    problems,
    progress_sentence,
    questions,
)
from secondsite.run.record import RunRecord

__all__ = ["LiveView", "console_for", "group_table", "print_summary", "summary", "vm_table"]

_STYLES = {
    STATE_GLYPHS["done"]: "green",
    STATE_GLYPHS["failed"]: "bold red",
    STATE_GLYPHS["aborted"]: "red",
    STATE_GLYPHS["waiting"]: "bold yellow",
    STATE_GLYPHS["running"]: "bold blue",
}
_URGENCY = {"failed": 0, "aborted": 0, "waiting": 1, "running": 2}
_PIPE_WIDTH = 150
_MOST_VMS = 100


def _utc_now() -> datetime:
    return datetime.now(UTC)


class LiveView:
    """Follows a run: show it each record as it comes.

    Args:
        stream: Where to; a terminal gets a live picture, anything else plain lines.
        now: The clock by which a run under way gets older.
        at_the_end: Tells all about a run that is over: what its plan's other runs have to do with
            it, too.
    """

    def __init__(
        self,
        stream: TextIO,
        *,
        now: Callable[[], datetime] = _utc_now,
        at_the_end: Callable[[RunRecord], RunFacts] = run_facts,
    ) -> None:
        self._console = console_for(stream)
        self._now = now
        self._at_the_end = at_the_end
        self._log = LineLog()
        self._record: RunRecord | None = None
        self._live: Live | None = None
        if self._console.is_terminal:
            self._live = Live(
                console=self._console,
                get_renderable=self._picture,
                refresh_per_second=2,
                redirect_stderr=False,
            )

    def __enter__(self) -> LiveView:
        """Begin to show."""
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the last state on the screen, and the summary of a run that is over or asks."""
        if self._live is not None:
            self._live.transient = self._record is not None  # the summary tells it all, and more
            self._live.stop()
        if self._record is None:
            return
        is_over = self._record.ended_at is not None and kind is None
        self._console.print(
            summary(
                self._at_the_end(self._record)
                if is_over
                else run_facts(self._record, reported_at=self._now())
            )
        )

    def show(self, record: RunRecord) -> None:
        """Show the run as it stands now."""
        self._record = record
        if self._live is not None:
            self._live.refresh()
            return
        for line in self._log.lines(record):
            self._console.out(line, highlight=False)

    def _picture(self) -> RenderableType:
        if self._record is None:
            return Text("Waiting for the run to begin …", style="dim")
        facts = run_facts(self._record, reported_at=self._now())
        groups = group_progress(facts)
        room = max(4, self._console.height - len(groups) - 10)
        head = f"{operation_of(facts)}: {progress_sentence(facts)}, {_elapsed(facts)}"
        return Group(
            Text(plain_text(head), style="bold"),
            group_table(facts),
            vm_table(facts, most=room),
            *_alerts(facts, most=3),
        )


def print_summary(source: Reportable, stream: TextIO) -> None:
    """Print what a run came to: verdict, failures with what to do next, VMs, what was slowest."""
    console_for(stream).print(summary(source))


def summary(source: Reportable) -> RenderableType:
    """What a run came to, or how it stands."""
    facts = as_facts(source)
    glyph = STATE_GLYPHS[facts["state"]]
    parts: list[RenderableType] = [
        Text(f"{glyph} {plain_text(headline(facts))}", style=f"{_STYLES.get(glyph, '')} bold"),
        *_alerts(facts, most=10),
    ]
    if facts["ended_at"] is None:
        parts += ["", group_table(facts)]
    if facts["vms"]:
        parts += ["", vm_table(facts, most=_MOST_VMS)]
    for plan in facts["plans"]:
        of = f"{plan['plan']}: " if len(facts["plans"]) > 1 else ""
        parts += [Text(plain_text(f"{of}{line}")) for line in plan_lines(plan)]
    parts.append(Text(plain_text(_times(facts)), style="dim"))
    return Group(*parts)


def group_table(source: Reportable) -> Table:
    """One row per group: how far it is."""
    table = _table("group", "state", "in service", "steps", "", "now")
    for group in group_progress(as_facts(source)):
        bar = ProgressBar(total=max(group.steps, 1), completed=group.steps_over, width=16)
        now = ", ".join(group.under_way[:2])
        more = f" +{len(group.under_way) - 2}" if len(group.under_way) > 2 else ""
        table.add_row(
            plain_text(group.name),
            _standing(group.standing),
            f"{group.vms_in_service} of {group.vms}" if group.vms else "",
            f"{group.steps_over} of {group.steps}",
            bar,
            Text(plain_text(now + more), style="dim"),
        )
    return table


def vm_table(source: Reportable, *, most: int | None = None) -> Table:
    """One row per VM; where there are too many, first those that need attention."""
    facts = as_facts(source)
    standings = vm_standings(facts)
    vms = facts["vms"]
    if most is not None and len(vms) > most:
        vms = sorted(vms, key=lambda vm: _URGENCY.get(vm["state"], 3))[:most]
    table = _table("VM", "group", "state", "host", "addresses", "DNS", "in service", "took")
    for vm in vms:
        table.add_row(
            plain_text(vm["name"]),
            plain_text(vm["group"]),
            _standing(standings[vm["name"]]),
            plain_text(vm["host"]),
            plain_text(", ".join(vm["addresses"])),
            _dns(vm),
            clock_time(vm["in_service_at"]),
            say_duration(vm["boot_s"]),
        )
    if len(vms) < len(facts["vms"]):
        table.caption = f"{len(vms)} of {count_of(len(facts['vms']), 'VM')} shown"
    return table


def _alerts(facts: RunFacts, *, most: int) -> list[RenderableType]:
    alerts: list[RenderableType] = []
    failures = problems(facts)
    for number, problem in enumerate(failures[:most]):
        text = Text(f"{'First failure' if number == 0 else 'Then'}: ", style="bold red")
        text.append(plain_text(problem.step), style="bold")
        text.append(f"\n{plain_text(problem.message)}\n", style="")
        text.append("Next: ", style="bold")
        text.append(plain_text(problem.next_step))
        if problem.held_back:
            text.append(f"\nHeld back: {count_of(problem.held_back, 'step')}", style="dim")
        alerts.append(Padding(text, (1, 0, 0, 2), expand=False))
    if len(failures) > most:
        alerts.append(Text(f"  … and {count_of(len(failures) - most, 'more failure')}"))
    warnings = [note for note in facts["notes"] if note["level"] == "warning"]
    if warnings:
        text = Text("".join(f"\nWarning: {plain_text(note['text'])}" for note in warnings[:most]))
        text.append(f"\n… {len(warnings) - most} more" if len(warnings) > most else "")
        alerts.append(Padding(text, (0, 0, 0, 2), expand=False))
    for question in questions(facts):
        text = Text(f"Waits for people: {plain_text(question.name)}\n", style="bold yellow")
        text.append(f"  {question.answer}", "")
        alerts.append(Padding(text, (1, 0, 0, 2), expand=False))
    return alerts


def _times(facts: RunFacts) -> str:
    parts = [f"{facts['run_id']}: {_elapsed(facts)}"]
    if facts["people_s"]:
        parts.append(f"{say_duration(facts['people_s'])} of it waiting for people")
    parts += [
        f"slowest on the critical path: {step['id']} ({say_duration(step['duration_s'])})"
        for step, _ in slowest(facts, most=1)
    ]
    return "; ".join(parts)


def _elapsed(facts: RunFacts) -> str:
    since = "took" if facts["ended_at"] else "for"
    return f"{since} {say_duration(facts['duration_s'])}"


def _dns(vm: VmFacts) -> Text:
    text = Text()
    for number, dns in enumerate(vm["dns"]):
        values = ", ".join(dns["during"]) or "nothing"
        text.append("\n" if number else "")
        text.append(plain_text(f"{dns['name']} → {values}"))
        if dns["restored"]:
            text.append(" ✓ put back", style="green")
    return text


def _standing(words: str) -> Text:
    return Text(plain_text(words), style=_STYLES.get(words[:1], "dim"))


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def console_for(stream: TextIO, *, pipe_width: int = _PIPE_WIDTH) -> Console:
    """A console on `stream`; in a pipe nobody can make the window wider, so it is wide."""
    console = Console(file=stream, highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console = Console(file=stream, highlight=False, markup=False, emoji=False, width=pipe_width)
    return console
