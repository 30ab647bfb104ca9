"""Which recovery point a failover starts from."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from secondsite.connectors.base import RecoveryPoint, Replication, VmSurvey
from tasks.options import RunOptions
from tasks.recovery_points import choose

POINTS = (
    RecoveryPoint(id="one", kind="Replica", created_at="2026-11-24T01:00:00+00:00"),
    RecoveryPoint(id="two", kind="AppConsistentReplica", created_at="2026-11-24T02:00:00+00:00"),
    RecoveryPoint(id="three", kind="Replica", created_at="2026-11-24T03:00:00+00:00"),
)


def replica(*points: RecoveryPoint) -> VmSurvey:
    relation = Replication(
        mode="Replica",
        state="Replicating",
        health="Normal",
        relationship="Simple",
        primary_server="",
        replica_server="",
        frequency_s=300,
        last_replication_at="2026-11-24T03:20:00+00:00",
    )
    return VmSurvey(
        name="sql01",
        id="1",
        state="Off",
        generation=2,
        heartbeat="",
        memory_mib=1,
        adapters=(),
        replication=(relation,),
        recovery_points=points,
    )


def test_the_latest_data_need_no_stored_point_and_are_as_old_as_the_last_replication() -> None:
    chosen = choose(replica(*POINTS), RunOptions())

    assert chosen.id is None
    assert chosen.made_at == datetime(2026, 11, 24, 3, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    ("wish", "point"),
    [
        ("latest-app-consistent", "two"),
        ("2026-11-24T03:00:00+00:00", "three"),
        ("2026-11-24T02:59Z", "two"),
        ("2026-11-24T10:30+09:00", "one"),
        ("2026-11-24 01:30", "one"),
    ],
)
def test_the_newest_point_that_fits_is_taken(wish: str, point: str) -> None:
    assert choose(replica(*POINTS), RunOptions(recovery_point=wish)).id == point


def test_what_is_said_for_one_vm_counts_for_it_alone() -> None:
    options = RunOptions(recovery_points={"SQL01": "latest-app-consistent"})

    assert choose(replica(*POINTS), options).id == "two"


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        (
            "2026-11-23T00:00Z",
            "that is not younger than 2026-11-23T00:00Z (it has",
        ),
        ("yesterday", "'yesterday' is no recovery point: write latest"),
    ],
)
def test_a_wish_that_cannot_be_met_is_refused_with_what_there_is(wish: str, words: str) -> None:
    assert words in choose(replica(*POINTS), RunOptions(recovery_point=wish)).refusal


def test_a_replica_without_points_says_that_only_the_latest_is_possible() -> None:
    chosen = choose(replica(), RunOptions(recovery_point="latest-app-consistent"))

    assert "it keeps none; only `latest` is possible" in chosen.refusal
