from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import timedelta

import pytest

from secondsite.reports.closing import closing_words
from secondsite.reports.console import LiveView, print_summary
from secondsite.reports.facts import run_facts
from secondsite.reports.lines import LineLog
from secondsite.reports.markdown import report_markdown
from secondsite.reports.shape import StandingFacts
from secondsite.run.events import Decision, ErrorFact, RunAttached, RunEnded, StepIntent
from secondsite.run.replay import replay
from tests.reports.story import BEGIN, Story, failed, of_size, succeeded, under_way


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.setenv("LINES", "50")
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    return Terminal()


def summary_of(story: Story) -> str:
    stream = io.StringIO()
    print_summary(story.record(), stream)
    return stream.getvalue()


def test_lines_tell_when_which_step_what_and_how_long() -> None:
    lines = LineLog().lines(succeeded().record())

    assert "2026-11-20T13:40:50Z directory/dc01/verify done 0.6 s on hv-osk-01" in lines
    pattern = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ \S+ .+")
    assert all(pattern.fullmatch(line) for line in lines)


def test_followed_bit_by_bit_every_step_ends_in_exactly_one_line() -> None:
    events = succeeded().events()
    log = LineLog()

    lines = [
        line
        for count in [*range(1, len(events), 7), len(events)]
        for line in log.lines(replay(events[:count]))
    ]

    done = [line.split()[1] for line in lines if " done " in line]
    real = [s.id for s in succeeded().steps() if s.action not in {"barrier", "gate"}]
    assert sorted(done) == sorted(real)


def test_lines_are_in_the_order_of_time() -> None:
    lines = LineLog().lines(failed().record())

    times = [line.split()[0] for line in lines]
    assert times == sorted(times)


def test_a_failure_is_followed_by_cause_and_next_step() -> None:
    lines = LineLog().lines(failed().record())

    at = next(n for n, line in enumerate(lines) if "FAILED" in line)
    assert "databases/sql02/ready FAILED after 10 min on hv-osk-01" in lines[at]
    assert "cause: sql02 on hv-osk-01: not ready" in lines[at + 1]
    assert "next: Open the console" in lines[at + 2]


def test_a_retried_step_tells_its_attempts() -> None:
    story = Story(
        gates=(),
        fails={"web/web01/ready": ErrorFact(kind="failed", message="refused")},
        fail_times=1,
        answers={"web/web01/ready": Decision.RETRY},
    )

    lines = LineLog().lines(story.record())

    assert any("web/web01/ready done" in line and "attempt 2" in line for line in lines)
    assert any("web/web01/ready retry by grace" in line for line in lines)


def test_warnings_are_told_in_lines_summary_and_markdown() -> None:
    story = replace(succeeded(), warnings=["PTR of 10.2.0.9 could not be set."])

    texts = [
        "\n".join(LineLog().lines(story.record())),
        summary_of(story),
        report_markdown(story.record()),
    ]

    assert all("PTR of 10.2.0.9 could not be set." in text for text in texts)


def test_a_gate_tells_how_to_answer_it() -> None:
    record = Story().record()

    lines = LineLog().lines(record)

    assert lines[-1].endswith(
        "hold waits for people: Inspect the test VMs. "
        "Press Resume on this run's page in Prefect's UI, or see: secondsite gates"
    )


def test_a_run_taken_up_again_says_so() -> None:
    events = under_way().events()
    again = RunAttached(at=BEGIN + timedelta(seconds=90), holder="engine-2:7")

    lines = LineLog().lines(replay([*events, again]))

    assert any("taken up again by engine-2:7" in line for line in lines)
    assert any("interrupted, will be looked at" in line for line in lines)


def test_names_cannot_control_the_terminal() -> None:
    hostile = "evil\x1b]0;owned\x07\u202e\r\n[bold]name[/]"
    story = Story(groups={hostile: (hostile,)}, gates=())

    texts = [summary_of(story), "\n".join(LineLog().lines(story.record()))]

    for text in texts:
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202e]", text)
        assert "[bold]name" in text


def test_a_pipe_gets_lines_and_the_summary_without_escape_codes() -> None:
    events, stream = failed().events(), io.StringIO()

    with LiveView(stream) as view:
        for count in (3, 40, len(events)):
            view.show(replay(events[:count]))

    text = stream.getvalue()
    assert "\x1b" not in text
    assert "databases/sql02/ready FAILED" in text
    assert "Next: Open the console" in text


def test_a_terminal_gets_a_picture_and_at_the_end_the_summary(terminal: Terminal) -> None:
    events = succeeded().events()

    with LiveView(terminal, now=lambda: BEGIN) as view:
        view.show(replay(events[:90]))
        view.show(replay(events))

    text = terminal.getvalue()
    assert "\x1b[" in text
    assert "waits for its turn" in text
    assert "Test failover of storefront: succeeded" in text


def test_a_view_without_any_record_ends_silently(terminal: Terminal) -> None:
    with LiveView(terminal):
        pass

    assert "Waiting for the run to begin" in terminal.getvalue()


def test_the_summary_holds_every_vm_with_its_addresses_and_names() -> None:
    text = summary_of(succeeded())

    for vm in succeeded().record().vms:
        assert any(
            vm.name in line and all(a in line for a in vm.addresses) for line in text.splitlines()
        )


def test_the_summary_of_many_vms_shows_those_in_trouble_first() -> None:
    story = replace(
        of_size(500),
        fails={"tier-20/vm499/ready": ErrorFact(kind="not-ready", message="no heartbeat")},
    )

    text = summary_of(story)

    assert "vm499" in text
    assert "100 of 500 VMs shown" in text


def test_the_closing_words_are_those_of_the_report() -> None:
    events = succeeded().events()
    end = events[-1]
    assert isinstance(end, RunEnded)

    words = closing_words(replay(events[:-1]), state="done", at=end.at)

    assert words.startswith("Test failover of storefront: succeeded. RTO 45 min: met")


def test_a_step_under_way_is_told_once() -> None:
    events = under_way().events()
    log = LineLog()
    record = replay(events)

    first, second = log.lines(record), log.lines(record)

    assert any(isinstance(event, StepIntent) for event in events)
    assert first
    assert second == []


def test_the_end_of_a_run_tells_what_it_means_for_its_plan() -> None:
    stream = io.StringIO()
    expected = run_facts(succeeded().record())
    expected["plans"][0]["standing_before"] = a_standing("draft")
    expected["plans"][0]["standing_after"] = a_standing("verified")

    with LiveView(stream, at_the_end=lambda _: expected) as view:
        view.show(succeeded().record())

    assert "· draft before this run, ✓ verified after it (because)." in stream.getvalue()


def a_standing(state: str) -> StandingFacts:
    return {
        "state": state,
        "reasons": ["because"],
        "next": "",
        "run_id": "",
        "verified_by": "",
        "verified_at": None,
        "stale_at": None,
        "changes": [],
    }
