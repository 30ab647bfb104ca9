"""What the journal remembers of network adapters, and for how long."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from secondsite.run.adapters_seen import (
    PLANNED,
    RESTORED,
    SOURCE,
    SOURCE_SITE,
    TARGET,
    TARGET_SITE,
    as_before,
    holders,
    holds_grants,
    remembered,
)
from secondsite.run.events import (
    InventoryTaken,
    JournalEvent,
    PlannedStep,
    RunAttached,
    RunCreated,
    StepIntent,
    StepOutcome,
    VmFact,
)
from secondsite.run.record import RunRecord
from secondsite.run.replay import replay

NOW = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
VM = "sql02"
GRANT = {"adapter": "LAN", "number": 0, "address": "10.2.0.200"}


def run(
    operation: str,
    *actions: str,
    facts: dict[str, Any] | None = None,
    evidence: dict[str, Any] | None = None,
    begun_only: bool = False,
) -> RunRecord:
    """A run of one VM whose actions were all done with that evidence, or only begun."""
    steps = tuple(
        PlannedStep(id=f"db/{VM}/{action}", action=action, group="db", vm=VM) for action in actions
    )
    events: list[JournalEvent] = []
    for step in steps:
        events.append(StepIntent(at=NOW, step=step.id))
        if not begun_only:
            outcome = StepOutcome(at=NOW, step=step.id, state="done", evidence=evidence or {})
            events.append(outcome)
    return replay(
        [
            RunCreated(
                at=NOW,
                run_id=f"shop-{operation}",
                plan="shop",
                plan_digest="d",
                operation=operation,
                direction="forward",
                steps=steps,
            ),
            RunAttached(at=NOW, holder="engine:1"),
            InventoryTaken(at=NOW, vms=(VmFact(name=VM, id="guid", facts=facts or {}),)),
            *events,
        ]
    )


def seen(*addresses: str, at: str = "tokyo") -> dict[str, Any]:
    return {SOURCE_SITE: at, SOURCE: [{"name": "LAN", "addresses": list(addresses)}]}


def target(switch: str | None, *, site: str = "osaka", **more: Any) -> dict[str, Any]:
    return {TARGET_SITE: site, TARGET: [{"name": "LAN", "switch": switch}], PLANNED: [], **more}


def test_the_newest_look_that_showed_addresses_is_remembered_site_by_site() -> None:
    records = [
        run("test", "ready", facts=seen("10.1.0.21")),
        run("planned", "ready", facts=seen("10.1.0.22")),
        run("planned", "ready", facts=seen("10.2.0.22", at="osaka")),
        run("unplanned", "ready", facts={SOURCE_SITE: "tokyo"}),  # it was silent
        run("reverse", "ready", facts=seen()),  # it was off
    ]

    found = remembered(records, VM, "tokyo")

    assert found is not None
    assert found[0]["addresses"] == ["10.1.0.22"]
    assert remembered(records, "other", "tokyo") is None


def test_of_several_failovers_that_were_begun_the_first_look_tells_how_it_was() -> None:
    records = [
        run("planned", "failover", facts=target(None), begun_only=True),
        run("planned", "failover", facts=target("vs-prod")),
    ]

    found = as_before(records, VM, "osaka")

    assert found is not None
    assert found.adapters[0]["switch"] is None
    assert as_before(records, VM, "tokyo") is None


def test_what_was_put_back_is_not_put_back_again() -> None:
    forward = run("unplanned", "failover", facts=target(None))
    undone = run("undo", "undo", evidence={RESTORED: "osaka"})

    assert as_before([forward, undone], VM, "osaka") is None
    again = as_before([forward, undone, run("planned", "failover", facts=target("x"))], VM, "osaka")
    assert again is not None
    assert again.adapters[0]["switch"] == "x"


def test_a_failover_that_never_came_to_the_vm_or_skipped_it_changed_nothing() -> None:
    never = run("planned", facts=target(None))
    skipped = run("planned", "failover", facts=target(None, already="it is there"))
    test = run("test", "failover", facts=target(None))

    assert as_before([never, skipped, test], VM, "osaka") is None


def test_an_address_that_may_have_been_taken_counts_until_it_is_given_back() -> None:
    begun = run("planned", "grant", facts=target(None), begun_only=True)
    committed = run("commit", "commit")
    home = run("planned", "reverse", facts=target(None, site="tokyo"), evidence={RESTORED: "osaka"})

    assert holds_grants([begun, committed], VM, "osaka")
    assert not holds_grants([begun], VM, "tokyo")
    assert not holds_grants([begun, committed, home], VM, "osaka")
    assert not holds_grants([run("test", "grant", facts=target(None))], VM, "osaka")


def test_a_step_that_found_no_address_to_take_holds_none() -> None:
    nothing = run("planned", "grant", facts=target(None), evidence={"granted": []})
    something = run("planned", "grant", facts=target(None), evidence={"granted": [GRANT]})

    assert holders([nothing], [VM], ["osaka"]) == {"osaka": frozenset()}
    assert holders([something], [VM, "other"], ["osaka", "tokyo"]) == {
        "osaka": {VM},
        "tokyo": frozenset(),
    }


def test_what_was_granted_belongs_to_what_is_put_back() -> None:
    records = [
        run("planned", "grant", "failover", facts=target(None), evidence={"granted": [GRANT]})
    ]

    found = as_before(records, VM, "osaka")

    assert found is not None
    assert list(found.granted) == [GRANT]
