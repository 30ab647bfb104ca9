"""Following a run at a terminal, without Prefect."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest

from secondsite.cli.start import FlowRun, follow
from secondsite.errors import RunLeftError
from secondsite.run.events import RunAttached, RunEnded
from secondsite.run.journal import Journal
from secondsite.run.record import RunRecord
from tests.run.story import BEGIN, created

RUN = "shop-test-1-aaaa"
FLOW_RUN = FlowRun(id=uuid4(), url="")


def carried_by(journal: Journal, holder: str) -> None:
    journal.append(RUN, created(RUN), RunAttached(at=BEGIN, holder=holder))
    journal.claim(RUN, plan="shop", vms=["sql01"], holder=holder)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("secondsite.cli.start._POLL_S", 0.005)
    monkeypatch.setattr("secondsite.cli.start._LEFT_LIMIT_S", 0.02)


def test_who_follows_a_run_whose_engine_died_is_told_so(tmp_path: Path) -> None:
    with Journal.open(f"sqlite:///{tmp_path}/journal.db", is_gone=lambda _: True) as journal:
        carried_by(journal, "engine:1")

        with pytest.raises(RunLeftError, match=f"{RUN} was interrupted") as caught:
            follow(FLOW_RUN, journal, show=lambda _: None, run_id=RUN)

    assert f"secondsite resume {RUN}" in caught.value.next_step


def test_a_run_that_says_nothing_for_long_is_followed_while_its_engine_lives(
    tmp_path: Path,
) -> None:
    shown: list[RunRecord] = []
    asked: list[str] = []
    with Journal.open(f"sqlite:///{tmp_path}/journal.db") as other:

        def lives(holder: str) -> bool:
            asked.append(holder)
            if len(asked) == 3:
                other.append(RUN, RunEnded(at=BEGIN, state="done"))
            return False

        with Journal.open(f"sqlite:///{tmp_path}/journal.db", is_gone=lives) as journal:
            carried_by(other, "engine:1")
            record = follow(FLOW_RUN, journal, show=shown.append, run_id=RUN)

    assert record.state == "done"
    assert shown[-1].state == "done"
