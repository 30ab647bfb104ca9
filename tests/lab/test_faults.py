"""Faults: which match, how often, and that each one is on record."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from secondsite.lab.faults import Fault, FaultKind, Faults


def faults(*rules: dict[str, Any], **settings: Any) -> Faults:
    engine = Faults(**settings)
    engine.add_all(Fault.model_validate(rule) for rule in rules)
    return engine


def test_an_event_happens_once_and_a_condition_lasts() -> None:
    engine = faults({"kind": "lose-reply"}, {"kind": "vm-never-boots", "vm": "sql02"})

    assert [bool(engine.matches("lose-reply", host="a")) for _ in range(3)] == [True, False, False]
    assert all(engine.matches("vm-never-boots", vm="SQL02") for _ in range(3))
    assert engine.matches("vm-never-boots", vm="sql01") is None


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"nth": 3}, [3]),
        ({"nth": 2, "times": 2}, [2, 3]),
        ({"times": 3}, [1, 2, 3]),
        ({}, [1]),
    ],
)
def test_nth_and_times_count_matches_from_one(rule: dict[str, Any], expected: list[int]) -> None:
    engine = faults({"kind": "slow-cmdlet", "cmdlet": "Start-VM", **rule})

    hits = [n for n in range(1, 7) if engine.matches("slow-cmdlet", cmdlet="start-vm")]

    assert hits == expected
    assert not engine.matches("slow-cmdlet", cmdlet="Stop-VM")


def test_a_site_is_known_by_its_hosts() -> None:
    sites = {"HV-T-01": "tokyo", "HV-O-01": "osaka"}
    engine = faults({"kind": "partition", "site": "Tokyo"}, site_of=sites.__getitem__)

    assert engine.holds("partition", host="HV-T-01")
    assert not engine.holds("partition", host="HV-O-01")
    assert engine.matches("partition", host="HV-T-01")


def test_chance_is_repeatable_with_its_seed() -> None:
    def draw(seed: int) -> list[bool]:
        rule = {"kind": "cmdlet-fails", "probability": 0.4, "seed": seed, "times": 1000}
        engine = faults(rule)
        return [engine.matches("cmdlet-fails") is not None for _ in range(60)]

    assert draw(1) == draw(1)
    assert draw(1) != draw(2)
    assert 10 < sum(draw(1)) < 40


def test_a_fault_with_a_cmdlet_befalls_the_reply_of_that_cmdlet_in_that_shell() -> None:
    engine = faults({"kind": "lose-reply", "cmdlet": "Start-VMFailover", "vm": "sql02"})
    reply = {"host": "HV-O-01", "action": "Receive"}

    assert not engine.matches("lose-reply", shell_id="ACT", **reply)
    engine.note_cmdlet(host="HV-O-01", cmdlet="Start-VMFailover", vm="sql01", shell_id="ACT")
    assert not engine.matches("lose-reply", shell_id="ACT", **reply)
    engine.note_cmdlet(host="HV-O-01", cmdlet="start-vmfailover", vm="sql02", shell_id="ACT")
    assert not engine.matches("lose-reply", shell_id="WATCH", **reply)
    assert not engine.matches("lose-reply", shell_id="ACT", host="HV-O-01", action="Send")
    assert engine.matches("lose-reply", shell_id="ACT", **reply)
    assert not engine.matches("lose-reply", shell_id="ACT", **reply)


def test_each_injection_is_logged_and_nothing_else() -> None:
    log: list[dict[str, Any]] = []
    engine = faults({"kind": "lose-reply", "action": "Send"}, log=log.append)

    engine.matches("lose-reply", host="HV-O-01", action="Receive")
    engine.matches("lose-reply", host="HV-O-01", action="Send")

    assert log == [
        {
            "kind": "fault",
            "fault": "lose-reply",
            "id": "lose-reply-1",
            "host": "HV-O-01",
            "action": "Send",
        }
    ]


def test_faults_are_mended_by_id_and_watchers_hear_of_it() -> None:
    engine, heard = faults(), []
    unwatch = engine.watch(lambda: heard.append(len(engine.list())))
    fault = engine.add(Fault(kind=FaultKind.STALL, id="mine"))

    assert engine.list() == [fault]
    assert engine.remove("mine")
    assert not engine.remove("mine")
    unwatch()
    engine.clear()

    assert heard == [1, 0, 0]


def test_two_faults_with_one_id_are_refused() -> None:
    engine = faults({"kind": "stall", "id": "mine"})

    with pytest.raises(ValueError, match="mine"):
        engine.add(Fault(kind=FaultKind.STALL, id="mine"))


@pytest.mark.parametrize(
    "rule", [{"kind": "gremlins"}, {"kind": "stall", "hots": "a"}, {"kind": "stall", "nth": 0}]
)
def test_a_fault_that_makes_no_sense_is_refused(rule: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Fault.model_validate(rule)
