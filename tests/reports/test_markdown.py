from __future__ import annotations

from dataclasses import replace

import pytest

from secondsite.reports.markdown import progress_markdown, report_markdown
from secondsite.run.events import ErrorFact
from tests.reports.story import Story, failed, of_size, succeeded, under_way

STORIES = {"succeeded": succeeded(), "failed": failed(), "under way": under_way()}


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES.keys())
def test_the_report_accounts_for_every_step_and_vm(story: Story) -> None:
    record = story.record()

    text = report_markdown(record)

    rows = [line.split("|")[1].strip() for line in text.splitlines() if line.startswith("|")]
    assert {step.id for step in record.steps if step.action != "barrier"} <= set(rows)
    assert {vm.name for vm in record.vms} <= set(rows)


def test_the_report_begins_with_the_verdict() -> None:
    text = report_markdown(succeeded().record())

    assert text.splitlines()[0] == (
        "# Test failover of storefront: succeeded. "
        "RTO 45 min: met, 2 min 33 s. RPO 15 min: met, 4 min."
    )


def test_a_failure_is_told_with_its_next_step() -> None:
    for text in (report_markdown(failed().record()), progress_markdown(failed().record())):
        assert "First failure: databases/sql02/ready" in text
        assert "What to do next: Open the console of 'sql02 - Test' on hv-osk-01" in text


def test_progress_names_what_is_under_way_per_group_and_vm() -> None:
    text = progress_markdown(under_way().record())

    assert "| directory | ✓ in service | 2 of 2 | 14 of 18 |  |" in text
    assert "| sql01 | databases | ▶ wait until ready | hv-osk-02 |" in text
    assert "| web01 | web | · waits for its turn |" in text


def test_progress_of_many_vms_lists_only_those_under_way() -> None:
    story = replace(of_size(500), until_s=60.0)

    text = progress_markdown(story.record())

    listed = [line for line in text.splitlines() if line.startswith("| vm")]
    assert 0 < len(listed) <= 60
    assert "of 500" in text


def test_names_and_messages_cannot_become_markup() -> None:
    hostile = "a|b\n# <img src=x onerror=y> [c](javascript:d) `e` *f*"
    story = Story(
        groups={"web": (hostile,)},
        gates=(),
        fails={f"web/{hostile}/ready": ErrorFact(kind="failed", message=hostile, next=hostile)},
    )

    for text in (report_markdown(story.record()), progress_markdown(story.record())):
        assert "<img" not in text
        assert "[c](" not in text
        assert not any(line.startswith("# <") for line in text.splitlines())
        tables = [line for line in text.splitlines() if line.startswith("| a")]
        assert tables
        assert all("a\\|b" in line for line in tables)
