from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

from secondsite.run.dns_ledger import dns_of_failover
from secondsite.run.events import (
    InventoryTaken,
    JournalEvent,
    Noted,
    PlannedStep,
    RunAttached,
    RunCreated,
    StepIntent,
    StepOutcome,
    VmFact,
)
from secondsite.run.leftovers import DNS_CHANGES, LeftNetworks, leftovers, networks_left
from secondsite.run.record import RunRecord
from secondsite.run.replay import replay

NOW = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
CHANGE = {
    "target": "test",
    "zone": "dr-test.example",
    "name": "sql.dr-test.example",
    "type": "A",
    "before": None,
    "after": {"values": ["10.2.0.22"]},
}


def planned(*actions: str) -> tuple[PlannedStep, ...]:
    return tuple(
        PlannedStep(id=f"db/sql02/{action}", action=action, group="db", vm="sql02", site="osaka")
        for action in actions
    )


def run(
    operation: str,
    steps: tuple[PlannedStep, ...],
    *events: JournalEvent,
    direction: str = "forward",
) -> RunRecord:
    return replay(
        [
            RunCreated(
                at=NOW,
                run_id=f"shop-{operation}",
                plan="shop",
                plan_digest="d",
                operation=operation,
                direction=direction,
                steps=steps,
            ),
            RunAttached(at=NOW, holder="engine:1"),
            InventoryTaken(
                at=NOW, vms=(VmFact(name="sql02", id="guid", site="osaka", host="hv1"),)
            ),
            *events,
        ]
    )


def done(
    step: str,
    *,
    state: Literal["done", "failed"] = "done",
    **evidence: Any,
) -> tuple[JournalEvent, JournalEvent]:
    return (
        StepIntent(at=NOW, step=step),
        StepOutcome(at=NOW, step=step, state=state, changed=True, evidence=evidence),
    )


def a_test_run() -> RunRecord:
    return run(
        "test",
        planned("failover", "dns"),
        *done("db/sql02/failover", test_vm="sql02 - Test", test_vm_id="t1", host="hv1"),
        StepIntent(at=NOW, step="db/sql02/dns"),
        Noted(at=NOW, step="db/sql02/dns", text="as it was", details={DNS_CHANGES: [CHANGE]}),
    )


def a_cleanup_run(state: Literal["done", "failed"]) -> RunRecord:
    return run("cleanup", planned("cleanup"), *done("db/sql02/cleanup", state=state))


def test_what_a_test_made_is_left_until_it_is_cleaned_up() -> None:
    left = leftovers([a_test_run()])["sql02"]

    assert (left.host, left.test_vm_id, left.run_id) == ("hv1", "t1", "shop-test")
    assert leftovers([a_test_run(), a_cleanup_run("done")]) == {}
    assert "sql02" in leftovers([a_test_run(), a_cleanup_run("failed")])


def test_dns_that_was_announced_is_put_back_even_if_the_change_has_no_outcome() -> None:
    assert leftovers([a_test_run()])["sql02"].dns == (CHANGE,)


def test_the_key_of_dns_changes_in_journals_never_changes() -> None:
    assert DNS_CHANGES == "dns_changes"


def test_a_vm_whose_failover_was_begun_counts_although_its_outcome_is_unknown() -> None:
    died = run("test", planned("failover"), StepIntent(at=NOW, step="db/sql02/failover"))

    left = leftovers([died])["sql02"]

    assert left.test_vm_id is None
    assert left.host == "hv1"


def test_a_vm_whose_failover_never_began_is_not_touched() -> None:
    assert leftovers([run("test", planned("failover"))]) == {}


def a_test_with_networks(run_id: str, *, began: bool = True) -> RunRecord:
    steps = (
        PlannedStep(id="preflight", action="preflight", site="osaka"),
        PlannedStep(id="failover/networks", action="make-networks", site="osaka"),
    )
    return replay(
        [
            RunCreated(
                at=NOW,
                run_id=run_id,
                plan="shop",
                plan_digest="d",
                operation="test",
                direction="forward",
                steps=steps,
            ),
            RunAttached(at=NOW, holder="engine:1"),
            *done("preflight", made_networks=[{"name": f"Secondsite {run_id} osaka-prod"}]),
            *([StepIntent(at=NOW, step="failover/networks")] if began else []),
        ]
    )


def test_networks_that_a_test_began_to_make_are_left_until_a_clean_up_has_removed_them() -> None:
    made = a_test_with_networks("shop-test")
    steps = (PlannedStep(id="cleanup/networks", action="networks"),)
    removed = run("cleanup", steps, *done("cleanup/networks"))
    failed = run("cleanup", steps, *done("cleanup/networks", state="failed"))
    left = LeftNetworks(
        run_id="shop-test", site="osaka", names=("Secondsite shop-test osaka-prod",)
    )

    assert networks_left([made]) == (left,)
    assert networks_left([made, failed]) == (left,)
    assert networks_left([made, removed]) == ()


def test_networks_that_were_only_planned_are_not_left() -> None:
    assert networks_left([a_test_with_networks("shop-test", began=False)]) == ()


def test_an_address_that_a_test_began_to_take_is_left_although_no_test_vm_is() -> None:
    died = run("test", planned("grant", "failover"), StepIntent(at=NOW, step="db/sql02/grant"))

    left = leftovers([died])["sql02"]

    assert (left.granted, left.made_vm) == (True, False)


def test_a_test_vm_with_an_address_out_of_a_pool_leaves_both() -> None:
    made = run(
        "test",
        planned("grant", "failover"),
        *done("db/sql02/grant", granted=[{"address": "10.2.0.200"}]),
        *done("db/sql02/failover", test_vm_id="t1", host="hv1"),
    )

    left = leftovers([made])["sql02"]

    assert (left.granted, left.made_vm) == (True, True)
    assert leftovers([a_test_run()])["sql02"].granted is False


def test_somebody_elses_test_vm_keeps_nobody_from_giving_the_address_back() -> None:
    refused = run(
        "test",
        planned("grant", "failover"),
        *done("db/sql02/grant"),
        *done("db/sql02/failover", state="failed", test_vm_id="theirs"),
    )

    left = leftovers([refused])["sql02"]

    assert (left.granted, left.made_vm) == (True, False)


def a_failover(*, comes: bool = True, direction: str = "forward", then: str = "") -> RunRecord:
    """An unplanned one: it came to the VM and changed DNS, or its first step failed."""
    if not comes:
        steps, events = planned("failover", "dns"), done("db/sql02/failover", state="failed")
        return run("unplanned", steps, *events, direction=direction)
    return run(
        "unplanned",
        planned("failover", "dns", *([then] if then else [])),
        *done("db/sql02/failover"),
        StepIntent(at=NOW, step="db/sql02/dns"),
        Noted(at=NOW, step="db/sql02/dns", text="as it was", details={DNS_CHANGES: [CHANGE]}),
        *(done(f"db/sql02/{then}") if then else ()),
        direction=direction,
    )


def after(operation: str, action: str, state: Literal["done", "failed"] = "done") -> RunRecord:
    return run(operation, planned(action), *done(f"db/sql02/{action}", state=state))


def test_dns_of_a_failover_can_be_taken_back_until_it_is_over() -> None:
    assert dns_of_failover([a_failover()], "sql02") == (CHANGE,)
    assert dns_of_failover([a_failover(), a_failover(comes=False)], "sql02") == (CHANGE,)
    assert dns_of_failover([a_failover(), after("commit", "commit", "failed")], "sql02") == (
        CHANGE,
    )
    for over in (
        [a_failover(then="reverse")],
        [a_failover(), after("commit", "commit")],
        [a_failover(), after("reverse", "reverse")],
        [a_failover(), after("undo", "restore-dns")],
    ):
        assert dns_of_failover(over, "sql02") == (), over[-1].kind


def test_dns_of_an_earlier_failover_is_not_that_of_one_that_did_not_come_to_the_vm() -> None:
    home = a_failover(direction="back")

    assert dns_of_failover([home, a_failover(comes=False)], "sql02") == ()
    assert dns_of_failover([home, run("unplanned", planned("failover", "dns"))], "sql02") == (
        CHANGE,
    ), "it never began"
