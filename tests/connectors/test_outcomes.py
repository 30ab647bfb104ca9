from __future__ import annotations

import json

import pytest

from secondsite.connectors.base import ActionResult
from secondsite.connectors.outcomes import read_items, read_object, read_outcomes
from secondsite.errors import NotFoundError, UnknownOutcomeError

GOOD = {"vm": "a", "ok": True, "changed": True, "evidence": {"id": "1"}, "error": None}
BAD = {
    "vm": "b",
    "ok": False,
    "changed": False,
    "evidence": {"state": "Off"},
    "error": {"message": "Secondsite.VmNotFound: There is none."},
}


def test_each_vm_gets_its_own_outcome() -> None:
    outcomes = read_outcomes({"results": [GOOD, BAD]}, host="h", vms=["a", "b"], action="start it")

    assert outcomes["a"] == ActionResult(changed=True, evidence={"id": "1"})
    assert isinstance(outcomes["b"], NotFoundError)
    assert outcomes["b"].evidence["state"] == "Off"


def test_a_vm_without_a_row_is_unknown_never_done() -> None:
    outcomes = read_outcomes({"results": [GOOD]}, host="h", vms=["a", "c"], action="start it")

    assert isinstance(outcomes["c"], UnknownOutcomeError)
    assert outcomes["c"].vm == "c"


def test_a_single_row_that_powershell_unrolled_is_still_a_row() -> None:
    outcomes = read_outcomes({"results": GOOD}, host="h", vms=["a"], action="start it")

    assert isinstance(outcomes["a"], ActionResult)


@pytest.mark.parametrize("answer", [None, 7, "no json", '"text"', [GOOD], [{}, {}]])
def test_an_answer_that_is_not_ours_is_unknown(answer: object) -> None:
    with pytest.raises(UnknownOutcomeError) as caught:
        read_object(answer, host="os-hv1")

    assert "os-hv1" in caught.value.message


def test_an_object_may_come_as_one_json_text() -> None:
    assert read_object(json.dumps({"a": 1}), host="h") == {"a": 1}


@pytest.mark.parametrize(
    ("value", "items"),
    [(None, ()), ([], ()), (["a"], ("a",)), ("a", ("a",)), ({"x": 1}, ({"x": 1},))],
)
def test_lists_survive_what_powershell_does_to_them(
    value: object, items: tuple[object, ...]
) -> None:
    assert read_items(value) == items
