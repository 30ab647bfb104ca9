from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from secondsite.reports.facts import run_facts
from secondsite.reports.html import report_html
from secondsite.reports.shape import JournalFacts
from secondsite.run.events import Decision, ErrorFact
from tests.reports.story import Story, failed, of_size, succeeded, under_way

STORIES = {
    "succeeded": succeeded(),
    "failed": failed(),
    "under way": under_way(),
    "waiting": Story(),
    "clean-up": Story(kind="cleanup"),
    "hundred": of_size(100),
    "no VMs": Story(groups={"empty": ()}),
}

HOSTILE = '<script>alert(\'x\')</script>" onload="y" {{ 7*7 }} \x1b[31m\u202e\x00 &amp;'


def parsed(page: str) -> ET.Element:
    # The page is written so that an XML parser reads it too: every tag closed, every value escaped.
    return ET.fromstring(page[page.index("<html") :])  # noqa: S314  # our own page


def text_of(page: str) -> str:
    (body,) = parsed(page).iter("body")
    return " ".join(" ".join(body.itertext()).split())


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES.keys())
def test_the_page_is_well_formed_and_needs_nothing_else(story: Story) -> None:
    page = report_html(story.record())

    root = parsed(page)
    assert page.startswith("<!DOCTYPE html>")
    assert not {e.tag for e in root.iter()} & {"script", "link", "img", "iframe", "object", "base"}
    assert not any(name in e.attrib for e in root.iter() for name in ("src", "href"))
    assert not any(name.startswith("on") for e in root.iter() for name in e.attrib)
    assert not re.search(r"url\((?!#)|@import|https?://", page)


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES.keys())
def test_the_page_accounts_for_every_step_and_vm(story: Story) -> None:
    record = story.record()

    cells = {"".join(cell.itertext()) for cell in parsed(report_html(record)).iter("code")}

    assert {step.id for step in record.steps if step.action != "barrier"} <= cells
    assert {vm.name for vm in record.vms} <= {
        "".join(e.itertext()) for e in parsed(report_html(record)).iter("strong")
    }


def test_the_first_thing_said_is_the_verdict_and_the_objective() -> None:
    text = text_of(report_html(succeeded().record()))

    head = text[text.index("Recovery plan run report") :]
    assert "✓ Test failover of storefront: succeeded. RTO 45 min: met, 2 min 33 s." in head[:160]
    assert "asked for by ada" in head[:80]


def test_a_failure_comes_before_the_tables_with_cause_place_and_next_step() -> None:
    text = text_of(report_html(failed().record()))

    block = text[text.index("What failed first") : text.index("Time line")]
    assert "sql02: wait until ready" in block
    assert "no OK heartbeat" in block
    assert "Open the console of 'sql02 - Test' on hv-osk-01" in block
    assert "hv-osk-01 in osaka" in block
    assert "Held back 39 steps of 7 other VMs" in block


def test_the_earliest_failure_is_told_first() -> None:
    late = ErrorFact(kind="failed", message="late", next="")
    early = ErrorFact(kind="failed", message="early", next="")
    story = Story(
        gates=(),
        fails={"directory/dc01/ready": late, "directory/dc02/ready": early},
        lasts_s={"directory/dc01/ready": 90.0, "directory/dc02/ready": 10.0},
    )

    text = text_of(report_html(story.record()))

    assert text.index("early") < text.index("late")


def test_no_name_or_message_can_inject_anything() -> None:
    story = Story(
        groups={HOSTILE: (HOSTILE,)},
        gates=("hold",),
        answers={"hold": Decision.APPROVE},
        comment=HOSTILE,
        evidence={f"{HOSTILE}/{HOSTILE}/ready": {HOSTILE: HOSTILE}},
        fails={
            f"{HOSTILE}/{HOSTILE}/ready": ErrorFact(kind=HOSTILE, message=HOSTILE, next=HOSTILE)
        },
    )
    story = replace(story, run_id=HOSTILE)

    page = report_html(story.record())

    root = parsed(page)
    assert not list(root.iter("script"))
    assert not any("onload" in e.attrib for e in root.iter())
    assert "{{ 7*7 }}" in page
    assert "49" not in "".join(e.text or "" for e in root.iter("h3"))
    assert not re.search(r"[\x00-\x08\x0b-\x1f\u202e]", page)


def test_what_people_decided_is_on_the_page() -> None:
    text = text_of(report_html(succeeded().record()))

    assert re.search(
        r"hold approve grace \(at a terminal\) 2026-11-20 [0-9:]{8} UTC Seen and approved\.", text
    )


def test_a_run_that_waits_shows_how_to_answer() -> None:
    record = Story().record()

    text = text_of(report_html(record))

    assert "Press Resume on this run's page in Prefect's UI" in text
    assert "Look at the test VMs, then approve to clean up." in text


def test_warnings_come_before_the_time_line() -> None:
    story = replace(succeeded(), warnings=["PTR of 10.2.0.9 could not be set."])

    text = text_of(report_html(story.record()))

    assert text.index("PTR of 10.2.0.9 could not be set.") < text.index("Time line")


def test_dns_is_shown_from_before_to_in_the_run_and_put_back() -> None:
    text = text_of(report_html(succeeded().record()))

    assert "dc01.corp.example A 10.1.0.106 → 10.2.0.106 ✓ put back" in text


@pytest.mark.parametrize(
    ("journal", "words"),
    [
        ({"events": 3, "verified": True, "head": "9f3a", "problem": ""}, "✓ hash chain verified"),
        (
            {"events": 3, "verified": False, "head": "", "problem": "event 2: changed"},
            "HASH CHAIN BROKEN : event 2: changed",
        ),
        (None, "not checked for this page"),
    ],
)
def test_the_page_says_whether_the_journal_was_verified(
    journal: JournalFacts | None, words: str
) -> None:
    facts = run_facts(succeeded().record(), journal=journal)

    assert words in text_of(report_html(facts))


def test_large_runs_are_folded_except_where_something_is_amiss() -> None:
    story = replace(
        of_size(100),
        fails={"tier-02/vm030/ready": ErrorFact(kind="not-ready", message="no heartbeat")},
    )

    bands = [
        (fold.get("open") is not None, "".join(fold.itertext()))
        for fold in parsed(report_html(story.record())).iter("details")
        if fold.get("class") == "band"
    ]

    assert [is_open for is_open, _ in bands] == [False, False, True, False, False]


def test_five_hundred_vms_make_a_page_that_a_browser_opens() -> None:
    page = report_html(of_size(500).record())

    assert len(page) < 6_000_000
