"""What a gate's instructions may tell of a run."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from secondsite.plan.instruction_words import RUN_WORDS, VM_WORDS, VMS
from secondsite.plan.instructions import NOT_KNOWN, fill_in
from secondsite.reports.gate_facts import gate_facts
from secondsite.run.events import Decision, InventoryTaken, VmFact
from secondsite.run.replay import Replay
from tests.reports.story import Story
from tests.run.story import BEGIN, created


def facts_of(replay: Replay) -> Mapping[str, Any]:
    return gate_facts(
        replay.record(),
        "db/before/storage",
        source_site="tokyo",
        target_site="osaka",
        now=BEGIN + timedelta(minutes=9),
    )


def test_every_word_that_plans_may_use_is_a_fact_of_every_run() -> None:
    story = Story(groups={"directory": ("dc01",)}, answers={"hold": Decision.APPROVE})

    facts = gate_facts(story.record(), "hold", source_site="tokyo", target_site="osaka", now=BEGIN)

    assert set(facts) == set(RUN_WORDS) - {"vm"}
    assert set(facts[VMS]["dc01"]) == set(VM_WORDS)
    shown = fill_in("{{ vms.dc01.addresses }} on {{ vms.dc01.host }}, {{ source_site }}", facts)
    assert shown == "10.2.0.106, 2001:db8:2::106 on hv-osk-01, tokyo"


def test_what_is_lost_is_told_in_minutes_rounded_up_and_what_is_not_known_as_such() -> None:
    replay = Replay(created(requested_by="mona", parameters={"recovery_point": "latest"}))
    text = (
        "{{ started_by }} {{ recovery_point }}: {{ minutes_lost }} / {{ vms.sql01.minutes_lost }}"
        " / {{ vms.sql01.addresses }}"
    )

    before = fill_in(text, facts_of(replay))
    made_at = BEGIN - timedelta(minutes=3, seconds=10)
    replay.apply(InventoryTaken(at=BEGIN, vms=(VmFact(name="sql01", recovery_point_at=made_at),)))
    after = fill_in(text, facts_of(replay))

    assert before == f"mona latest: {NOT_KNOWN} / {NOT_KNOWN} / {NOT_KNOWN}"
    assert after == f"mona latest: 4 / 4 / {NOT_KNOWN}"
