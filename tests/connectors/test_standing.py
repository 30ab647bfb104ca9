"""Where a plan stands, for every pair of states that two sites can show, and what is offered."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pytest

from secondsite.connectors.base import HostSurvey, Replication, VmSurvey
from secondsite.connectors.offers import already, offered, reasons_against
from secondsite.connectors.standing import PlanStanding, stand
from secondsite.graph import Operation
from secondsite.plan.estate import Protection
from secondsite.plan.model import Direction, Plan

PROTECTION = Protection(
    name="tokyo-osaka",
    primary="tokyo",
    recovery="osaka",
    primary_cloud="tokyo-gold",
    recovery_cloud="osaka-gold",
)
FORWARD, BACK = Direction.FORWARD, Direction.BACK


def plan(*vms: str) -> Plan:
    return Plan.model_validate(
        {
            "name": "shop",
            "protection": "tokyo-osaka",
            "groups": [{"name": "databases", "vms": list(vms)}],
        }
    )


def survey(name: str, side: str, *, test_vm: str | None = None) -> VmSurvey:
    """`Off Primary Replicating` as a VM."""
    power, mode, state = side.split()
    relation = Replication(
        mode=mode,
        state=state,
        health="Normal",
        relationship="Simple",
        primary_server="",
        replica_server="",
        frequency_s=300,
        last_replication_at=None,
    )
    return VmSurvey(
        name=name,
        id=name,
        state=power,
        generation=2,
        heartbeat="",
        memory_mib=1,
        adapters=(),
        replication=() if mode == "None" else (relation,),
        recovery_points=(),
        test_vm=test_vm,
    )


def standing(
    *pairs: tuple[str | None, str | None],
    test_vm: str | None = None,
    silent: str = "",
    holders: Mapping[str, Collection[str]] | None = None,
) -> PlanStanding:
    """Of VMs vm0, vm1, … with (tokyo, osaka) each; None where the site does not show it."""
    names = [f"vm{number}" for number in range(len(pairs))]
    sides: dict[str, list[VmSurvey]] = {"tokyo": [], "osaka": []}
    for name, (tokyo, osaka) in zip(names, pairs, strict=True):
        if tokyo is not None:
            sides["tokyo"].append(survey(name, tokyo))
        if osaka is not None:
            sides["osaka"].append(survey(name, osaka, test_vm=test_vm))
    return stand(
        plan(*names),
        PROTECTION,
        surveys={
            site: [HostSurvey(host=f"hv-{site}", switches=(), free_memory_mib=1, vms=tuple(vms))]
            for site, vms in sides.items()
        },
        silent={silent: ["hv"]} if silent else {},
        holders=holders,
    )


PROTECTED = ("Running Primary Replicating", "Off Replica Replicating")
PREPARED = ("Off Primary PreparedForFailover", "Off Replica Replicating")
OVER_PLANNED = ("Off Primary PreparedForFailover", "Running Replica FailedOverWaitingCompletion")
OVER_UNPLANNED = ("Off Primary Replicating", "Running Replica FailedOverWaitingCompletion")
COMMITTED = ("Off Primary Replicating", "Running Replica FailedOver")
FENCED = ("Off Replica WaitingForInitialReplication", "Running Replica FailedOver")
COPYING = (
    "Off Replica WaitingForInitialReplication",
    "Running Primary InitialReplicationInProgress",
)
TURNED = ("Off Replica Replicating", "Running Primary Replicating")
HOME_PENDING = ("Running Replica FailedOverWaitingCompletion", "Off Primary PreparedForFailover")
SPLIT = ("Running Primary Replicating", "Running Replica FailedOver")
GONE = (None, "Off Replica Replicating")


@pytest.mark.parametrize(
    ("pair", "state", "offers"),
    [
        (PROTECTED, "protected", {("test", FORWARD), ("planned", FORWARD), ("unplanned", FORWARD)}),
        (
            PREPARED,
            "prepared for failover",
            {("planned", FORWARD), ("unplanned", FORWARD), ("cancel", FORWARD)},
        ),
        (
            OVER_PLANNED,
            "failed over, commit pending",
            {("planned", FORWARD), ("commit", FORWARD), ("undo", FORWARD)},
        ),
        (
            OVER_UNPLANNED,
            "failed over, commit pending",
            {("commit", FORWARD), ("undo", FORWARD)},
        ),
        (COMMITTED, "failed over, unprotected", {("reverse", FORWARD)}),
        (FENCED, "reversing", {("planned", FORWARD), ("reverse", FORWARD)}),
        (COPYING, "reversing", {("planned", FORWARD), ("reverse", FORWARD)}),
        (TURNED, "protected, reversed", {("test", BACK), ("planned", BACK), ("unplanned", BACK)}),
        (
            HOME_PENDING,
            "failed over, commit pending",
            {("planned", BACK), ("commit", BACK), ("undo", BACK)},
        ),
        (SPLIT, "split: vm0 runs in both sites", {("reverse", FORWARD)}),
        (("Running None None", None), "not protected", set()),
    ],
)
def test_each_pair_of_states_has_its_name_and_its_operations(
    pair: tuple[str | None, str | None], state: str, offers: set[tuple[str, Direction]]
) -> None:
    stands = standing(pair)

    assert stands.state == state
    assert {(str(each), way) for each, way in offered(stands, PROTECTION)} == offers


@pytest.mark.parametrize(
    ("pair", "is_away"),
    [
        (PROTECTED, False),
        (PREPARED, False),
        (GONE, False),
        (("Running Primary Error", "Off Replica Error"), False),
        (("Running None None", None), False),
        (OVER_PLANNED, True),
        (OVER_UNPLANNED, True),
        (COMMITTED, True),
        (FENCED, True),
        (COPYING, True),
        (TURNED, True),
        (HOME_PENDING, True),
        ((None, TURNED[1]), True),
    ],
)
def test_a_vm_is_away_when_the_recovery_site_shows_a_failover_or_the_primary(
    pair: tuple[str | None, str | None], is_away: bool
) -> None:
    assert standing(pair).away == (("vm0",) if is_away else ())


def test_no_vm_counts_as_away_while_one_of_the_plan_runs_in_both_sites() -> None:
    assert standing(TURNED, PROTECTED).away == ("vm0",)
    assert standing(TURNED, SPLIT).away == ()


def test_a_running_test_is_cleaned_up_before_anything_else() -> None:
    stands = standing(PROTECTED, test_vm="vm0 - Test")

    assert stands.state == "test running"
    assert [each for each, _ in offered(stands, PROTECTION)] == [Operation.CLEANUP]


def test_with_the_primary_site_dead_an_unplanned_failover_is_possible() -> None:
    stands = standing(GONE, silent="tokyo")

    assert stands.state == "protected"
    assert reasons_against(stands, Operation.UNPLANNED, FORWARD, PROTECTION) == []


def test_with_the_recovery_site_dead_a_plan_that_fails_back_still_knows_its_direction() -> None:
    stands = standing(("Off Replica Replicating", None), silent="osaka")

    assert stands.direction is BACK
    assert reasons_against(stands, Operation.UNPLANNED, BACK, PROTECTION) == []


def test_a_vm_that_another_plan_has_moved_is_skipped_and_the_others_go() -> None:
    stands = standing(PROTECTED, TURNED)

    assert reasons_against(stands, Operation.PLANNED, FORWARD, PROTECTION) == []
    assert already(stands.vms["vm0"], Operation.PLANNED, FORWARD) == ""
    assert "replicates back already" in already(stands.vms["vm1"], Operation.PLANNED, FORWARD)
    assert stands.state == "mixed: protected, protected, reversed"


def test_an_operation_with_nothing_left_to_do_is_refused() -> None:
    stands = standing(TURNED)

    reasons = reasons_against(stands, Operation.PLANNED, FORWARD, PROTECTION)

    assert reasons == ["nothing is left to do: every VM is protected, reversed"]


def test_a_commit_that_came_too_late_is_refused_in_words_though_the_other_site_was_not_asked() -> (
    None
):
    stands = standing((None, TURNED[1]), silent="tokyo")

    reasons = reasons_against(stands, Operation.COMMIT, FORWARD, PROTECTION)

    assert reasons == ["nothing is left to do: every VM is the primary in osaka already"]


def test_a_planned_failover_does_not_go_on_from_an_unplanned_one() -> None:
    stands = standing(OVER_UNPLANNED)

    reasons = reasons_against(stands, Operation.PLANNED, FORWARD, PROTECTION)

    assert reasons == ["vm0 was failed over unplanned: commit or undo that first"]


def test_a_split_forbids_every_failover_and_says_how_it_ends() -> None:
    stands = standing(SPLIT)

    reasons = reasons_against(stands, Operation.UNPLANNED, FORWARD, PROTECTION)

    assert "vm0 runs in both sites" in reasons[0]
    assert "undo" in reasons[0]


def test_what_needs_a_site_that_is_silent_is_not_offered_and_says_why() -> None:
    stands = standing(GONE, silent="tokyo")

    assert [each for each, _ in offered(stands, PROTECTION)] == [
        Operation.TEST,
        Operation.UNPLANNED,
    ]
    assert reasons_against(stands, Operation.PLANNED, FORWARD, PROTECTION) == [
        "vm0 was not found in tokyo, and not every host there answers"
    ]


def test_running_vms_are_not_called_protected_while_the_other_site_is_silent() -> None:
    [home, _] = PROTECTED

    [reason] = reasons_against(
        standing((home, None), silent="osaka"), Operation.CANCEL, FORWARD, PROTECTION
    )
    [known] = reasons_against(standing(PROTECTED), Operation.CANCEL, FORWARD, PROTECTION)

    assert reason == "there is nothing to cancel: every VM runs in tokyo"
    assert known == f"{reason} and is protected"


def test_addresses_taken_for_a_failover_that_did_not_come_to_the_vm_are_told_and_undone() -> None:
    stands = standing(PROTECTED, PROTECTED, holders={"osaka": {"vm1"}})

    assert stands.state == "protected; addresses in osaka are still taken for vm1"
    assert (Operation.UNDO, FORWARD) in offered(stands, PROTECTION)
    assert reasons_against(stands, Operation.UNDO, FORWARD, PROTECTION) == []
    assert reasons_against(stands, Operation.CANCEL, FORWARD, PROTECTION) == []
    assert "the other direction" in reasons_against(stands, Operation.UNDO, BACK, PROTECTION)[0]


@pytest.mark.parametrize("pair", [TURNED, OVER_UNPLANNED, COMMITTED, COPYING])
def test_a_vm_that_has_gone_over_keeps_its_addresses_and_nothing_is_said(
    pair: tuple[str | None, str | None],
) -> None:
    holders = {"osaka": {"vm0"}}

    assert standing(pair, holders=holders).state == standing(pair).state
    assert offered(standing(pair, holders=holders), PROTECTION) == offered(
        standing(pair), PROTECTION
    )


def test_what_a_failover_home_has_taken_there_is_given_back_by_undo_in_that_direction() -> None:
    stands = standing(TURNED, holders={"tokyo": {"vm0"}, "osaka": {"vm0"}})

    assert stands.state == "protected, reversed; addresses in tokyo are still taken for vm0"
    assert (Operation.UNDO, BACK) in offered(stands, PROTECTION)
    assert (Operation.UNDO, FORWARD) not in offered(stands, PROTECTION)


def test_addresses_of_a_prepared_vm_are_given_back_with_its_cancel_or_if_its_site_is_silent() -> (
    None
):
    holders = {"osaka": {"vm0"}}

    prepared = standing(PREPARED, holders=holders)
    alone = standing(GONE, silent="tokyo", holders=holders)

    assert Operation.UNDO not in [each for each, _ in offered(prepared, PROTECTION)]
    assert Operation.CANCEL in [each for each, _ in offered(prepared, PROTECTION)]
    assert Operation.UNDO in [each for each, _ in offered(alone, PROTECTION)]
