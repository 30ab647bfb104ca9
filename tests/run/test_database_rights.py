"""The rights that the documents give the engine's account are enough, and no more than enough."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from sqlalchemy.exc import ProgrammingError

from secondsite.run.events import Noted, RunEnded
from secondsite.run.journal import Journal
from tests.run.story import created

pytestmark = pytest.mark.integration
PAGE = Path(__file__).parents[2] / "docs" / "howto" / "secure-the-parts.md"
RUN = "shop-test-1-aaaa"


def grants() -> list[str]:
    """The statements of the page."""
    section = PAGE.read_text("utf-8").partition("## 5. ")[2].partition("\n## ")[0]
    return re.findall(r"^(?:GRANT|REVOKE) .*;$", section, re.M)


def test_the_engine_may_carry_a_run_and_may_not_change_what_happened(postgresql_url: str) -> None:
    name = postgresql_url.rpartition("/")[2]
    Journal.open(postgresql_url).close()  # its owner makes the tables
    owner = create_engine(postgresql_url)
    with owner.begin() as connection:
        connection.exec_driver_sql("CREATE ROLE engine LOGIN")
        for statement in grants():
            connection.exec_driver_sql(statement.replace("DATABASE secondsite", f"DATABASE {name}"))
    owner.dispose()
    of_engine = postgresql_url.replace("//secondsite@", "//engine@")
    now = datetime.now(UTC)

    with Journal.open(of_engine) as journal:
        journal.append(RUN, created(RUN, at=now))
        journal.claim(RUN, plan="shop", vms=["sql01"], holder="engine:1")
        journal.beat(RUN, holder="engine:1")
        journal.decide(RUN, lambda _record, _codes: [Noted(at=now, text="seen")])
        journal.detach(RUN, holder="engine:1")
        journal.append(RUN, RunEnded(at=now, state="done"))
        verified = journal.verify()
    engine = create_engine(of_engine)
    refused = []
    for attempt in (
        "UPDATE journal_events SET body = ''",
        "DELETE FROM journal_events",
        "TRUNCATE journal_events",
        "ALTER TABLE journal_events DISABLE TRIGGER ALL",
        "DROP TABLE journal_events",
    ):
        with engine.connect() as connection, pytest.raises(ProgrammingError) as told:
            connection.exec_driver_sql(attempt)
        refused.append(str(told.value.orig))
    engine.dispose()

    assert verified.is_whole
    assert verified.event_count == 3
    assert len(grants()) == 8
    assert all("permission denied" in each or "must be owner" in each for each in refused)
