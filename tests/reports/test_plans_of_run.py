"""A run's report in the light of the other runs of its plan, read from a real journal."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from secondsite.reports.html import report_html
from secondsite.reports.markdown import report_markdown
from secondsite.reports.proven import proven_facts
from secondsite.reports.shape import RunFacts
from secondsite.run.check_events import CHECK_STEPS, check_events
from secondsite.run.events import (
    Decision,
    Objectives,
    RunCreated,
    RunEnded,
    StepIntent,
    StepOutcome,
)
from secondsite.run.finding import Finding, Severity
from secondsite.run.journal import Journal
from secondsite.run.rehearsal import rehearsal_steps
from tests.reports.story import BEGIN, NOT_READY, Story, succeeded
from tests.reports.test_html import parsed, text_of

GOOD, BAD, LATER = "storefront-test-1", "storefront-test-2", "storefront-test-3"
REHEARSAL = "quarter-rehearse-4"


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with closing(Journal.open(f"sqlite:///{tmp_path / 'journal.db'}")) as opened:
        yield opened


def keep(journal: Journal, story: Story, run_id: str, *, day: int) -> None:
    begins_at = BEGIN + timedelta(days=day)
    story = replace(story, run_id=run_id, begins_at=begins_at)
    journal.append(run_id, *story.events())


def failing() -> Story:
    return Story(fails={"databases/sql02/ready": NOT_READY}, answers={"hold": Decision.APPROVE})


def slow() -> Story:
    return replace(succeeded(), lasts_s={"databases/sql02/ready": 300.0})


@pytest.fixture
def three_tests(journal: Journal) -> Journal:
    """One that went well, one that failed, and a slow one that went well."""
    keep(journal, succeeded(), GOOD, day=0)
    keep(journal, failing(), BAD, day=1)
    keep(journal, slow(), LATER, day=2)
    return journal


def plan_of(facts: RunFacts) -> Any:
    (plan,) = facts["plans"]
    return plan


def states(facts: RunFacts) -> tuple[str, str]:
    plan = plan_of(facts)
    return plan["standing_before"]["state"], plan["standing_after"]["state"]


def test_each_run_tells_the_standing_before_and_after_itself(three_tests: Journal) -> None:
    found = [states(proven_facts(three_tests, run)) for run in (GOOD, BAD, LATER)]

    assert found == [("draft", "verified"), ("verified", "failing"), ("failing", "verified")]


def test_a_rehearsal_that_is_too_old_makes_the_plan_stale_before_the_next_one(
    journal: Journal,
) -> None:
    promises = Objectives(rto_s=2700.0, rpo_s=900.0, rehearse_within_s=30 * 86400.0)
    story = replace(succeeded(), objectives=promises)
    keep(journal, story, GOOD, day=0)
    keep(journal, story, LATER, day=31)

    facts = proven_facts(journal, LATER)

    assert states(facts) == ("stale", "verified")
    assert "more than 30d ago" in plan_of(facts)["standing_before"]["reasons"][0]
    assert "! stale before → ✓ verified after this run" in text_of(report_html(facts))


def test_a_run_that_is_not_over_has_no_standing_after_it(journal: Journal) -> None:
    keep(journal, replace(succeeded(), until_s=75.0), GOOD, day=0)

    plan = plan_of(proven_facts(journal, GOOD))

    assert plan["standing_before"]["state"] == "draft"
    assert plan["standing_after"] is None


def test_what_was_under_way_when_a_run_began_counts_for_what_it_was_then(journal: Journal) -> None:
    keep(journal, succeeded(), GOOD, day=0)
    clean_up = replace(Story(kind="cleanup"), begins_at=BEGIN + timedelta(seconds=30))
    journal.append(LATER, *replace(clean_up, run_id=LATER).events())

    plan = plan_of(proven_facts(journal, LATER))

    assert plan["standing_before"]["state"] == "draft"


def keep_check(journal: Journal, run_id: str, findings: Sequence[Finding], *, day: int) -> None:
    at = BEGIN + timedelta(days=day)
    created = RunCreated(
        at=at,
        run_id=run_id,
        plan="storefront",
        plan_digest="sha256:1",
        operation="check",
        direction="forward",
        steps=CHECK_STEPS,
    )
    journal.append(run_id, *check_events(created, findings, hardware={}, ended_at=at))


def test_a_check_is_not_its_own_past(journal: Journal) -> None:
    wrong = Finding(severity=Severity.ERROR, area="space", sentence="no room", remedy="make some")
    keep(journal, succeeded(), GOOD, day=0)
    keep_check(journal, "storefront-check-1", [wrong], day=1)
    keep_check(journal, "storefront-check-2", [], day=2)

    assert states(proven_facts(journal, "storefront-check-2")) == ("failing", "verified")


def test_what_a_check_found_is_in_its_report_the_gravest_first_without_secrets(
    journal: Journal,
) -> None:
    late = Finding(severity=Severity.WARNING, area="certificates", sentence="it expires", remedy="")
    wrong = Finding(
        severity=Severity.ERROR, area="space", sentence="no room on `D:`", remedy="password=hunter2"
    )
    keep_check(journal, "storefront-check-1", [late, wrong], day=1)

    facts = proven_facts(journal, "storefront-check-1")

    assert [each["area"] for each in plan_of(facts)["findings"]] == ["space", "certificates"]
    for text in (text_of(report_html(facts)), report_markdown(facts), json.dumps(facts)):
        assert "no room on" in text
        assert "hunter2" not in text
    assert "no room on <code>D:</code>" in report_html(facts)


def test_a_report_says_the_same_whenever_it_is_made(journal: Journal) -> None:
    keep(journal, succeeded(), GOOD, day=0)
    before = proven_facts(journal, GOOD)
    keep(journal, failing(), BAD, day=1)
    keep(journal, slow(), LATER, day=2)

    assert proven_facts(journal, GOOD) == before


def test_past_runs_are_those_that_came_up_whole_and_their_spread_is_told(
    three_tests: Journal,
) -> None:
    plan = plan_of(proven_facts(three_tests, LATER))

    quick, slow_one = (each["rto_s"] for each in plan["past"])
    assert [each["run_id"] for each in plan["past"]] == [GOOD, LATER]
    assert plan["rto"] == {
        "count": 2,
        "low_s": quick,
        "median_s": pytest.approx((quick + slow_one) / 2, abs=0.001),
        "high_s": slow_one,
        "latest_s": slow_one,
    }
    assert plan["rpo"]["count"] == 2


def test_the_next_run_is_predicted_and_says_what_to_speed_up_first(three_tests: Journal) -> None:
    facts = proven_facts(three_tests, LATER)

    expected = plan_of(facts)["next_run"]
    assert expected["speed_up"][0]["step"] == "databases/sql02/ready"
    assert expected["path"][0] == "preflight"
    assert not [step for step in expected["path"] if step.endswith("/cleanup") or step == "hold"]
    low_s, high_s = expected["low_s"], expected["high_s"]
    assert low_s < expected["length_s"] < high_s
    text = text_of(report_html(facts))
    assert "1. databases/ sql02/ ready" in text or "1. databases/sql02/ready" in text
    assert "Speed up first: 1. databases/sql02/ready" in report_markdown(facts)


def test_every_vm_and_group_is_measured_from_the_decision_against_the_objective(
    journal: Journal,
) -> None:
    promises = Objectives(rto_s=60.0, rpo_s=120.0)  # the data is four minutes old
    keep(journal, replace(succeeded(), objectives=promises), GOOD, day=0)

    facts = proven_facts(journal, GOOD)

    vms = {vm["name"]: vm["rto_s"] for vm in plan_of(facts)["recovery"]["vms"]}
    assert vms["dc01"] < 60 < vms["web01"]
    rows = [
        [" ".join("".join(cell.itertext()).split()) for cell in row.iter("td")]
        for row in parsed(report_html(facts)).iter("tr")
    ]
    by_name = {row[0]: row for row in rows if len(row) == 7}
    assert {"whole plan", *vms, "directory", "databases", "application", "web"} <= set(by_name)
    assert by_name["dc01"][3] == "✓ met"
    assert by_name["web01"][3] == "✗ missed"
    assert by_name["dc01"][6] == "✗ missed"
    assert "| whole plan | " in report_markdown(facts)


def test_the_trend_and_the_lag_are_drawn_when_there_is_more_than_one_run(
    three_tests: Journal,
) -> None:
    def drawn(run_id: str) -> int:
        page = parsed(report_html(proven_facts(three_tests, run_id)))
        return sum(each.get("class") == "trend-chart" for each in page.iter("svg"))

    assert (drawn(GOOD), drawn(LATER)) == (0, 2)


def keep_rehearsal(journal: Journal) -> None:
    """Of two plans: `storefront`, whose test is LATER, and `payroll`, which was skipped."""
    begins = BEGIN + timedelta(days=1, hours=12)
    steps = rehearsal_steps(["storefront", "payroll"], clean_up_at_end=True)
    ended = BEGIN + timedelta(days=2, hours=1)
    evidence = {"storefront/test": {"run_id": LATER}}
    events = [
        event
        for step in steps
        for event in (
            StepIntent(at=ended, step=step.id),
            StepOutcome(
                at=ended,
                step=step.id,
                state="done" if step.group == "storefront" else "skipped",
                evidence=evidence.get(step.id, {}),
            ),
        )
    ]
    journal.append(
        REHEARSAL,
        RunCreated(
            at=begins,
            run_id=REHEARSAL,
            plan="quarter",
            plan_digest="sha256:1",
            operation="rehearse",
            direction="forward",
            steps=steps,
        ),
        *events,
        RunEnded(at=ended, state="failed", summary="payroll: not rehearsed."),
    )


def test_a_rehearsal_has_each_of_its_plans_with_what_its_test_measured(
    three_tests: Journal,
) -> None:
    keep_rehearsal(three_tests)

    facts = proven_facts(three_tests, REHEARSAL)

    storefront, payroll = facts["plans"]
    assert (storefront["plan"], storefront["run_id"]) == ("storefront", LATER)
    assert storefront["standing_before"] is not None
    assert storefront["standing_before"]["state"] == "failing"
    assert storefront["standing_after"] is not None
    assert storefront["standing_after"]["state"] == "verified"
    assert storefront["objectives"]["met"] is True
    assert storefront["next_run"] is not None
    assert (payroll["plan"], payroll["run_id"]) == ("payroll", "")
    assert payroll["standing_after"] is not None
    assert payroll["standing_after"]["state"] == "draft"
    text = text_of(report_html(facts))
    assert "storefront ✗ failing before → ✓ verified after" in text
    assert "payroll · draft before → · draft after" in text
    assert "storefront: RTO 45 min: met" in text
    assert "Objectives met: storefront." in facts["headline"]
    assert "| payroll | · draft | · draft |" in report_markdown(facts)
    alone = text_of(report_html({**facts, "plans": [storefront]}))
    count = len(storefront["recovery"]["vms"])
    assert f"Virtual machines {count} {count} came into service" in alone
