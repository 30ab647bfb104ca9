"""What moves production needs the plan's name, and a test cannot be turned into it."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest
from prefect.exceptions import ParameterTypeError, SignatureMismatchError
from prefect.flows import Flow

from flows.cancel import cancel
from flows.clean_up import clean_up
from flows.commit import commit
from flows.deployment import _VERBS
from flows.drill import drill
from flows.fail_over import planned_failover, unplanned_failover
from flows.reverse import reverse
from flows.undo import undo

MOVING = (planned_failover, unplanned_failover, commit, undo, reverse, cancel)


def parameters(flow: Flow[Any, Any]) -> set[str]:
    return set(inspect.signature(flow.fn).parameters)


@pytest.mark.anyio
@pytest.mark.parametrize("typed", ["", "yes", "Payroll", "payroll2", "storefront"])
@pytest.mark.parametrize("flow", MOVING, ids=lambda flow: flow.name)
async def test_without_the_plans_name_nothing_begins(
    flow: Flow[Any, Any], typed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECONDSITE_HOME", str(tmp_path))

    state = await flow.fn(plan="payroll", confirm=typed)

    assert state.is_failed()
    assert "Not confirmed" in state.message
    assert "Nothing was touched" in state.message
    assert list(tmp_path.iterdir()) == [], "a journal was opened"


def test_every_deployment_that_moves_production_asks_for_a_confirmation() -> None:
    asking = {flow.name for flow in _VERBS if "confirm" in parameters(flow)}

    assert {flow.name for flow in MOVING} <= asking
    for flow in MOVING:
        assert inspect.signature(flow.fn).parameters["confirm"].default == ""


@pytest.mark.parametrize("flow", [drill, clean_up], ids=lambda flow: flow.name)
@pytest.mark.parametrize(
    "more",
    [{"kind": "planned"}, {"operation": "planned"}, {"primary_side": "skip"}, {"confirm": "x"}],
)
def test_a_rehearsal_takes_no_parameter_that_makes_it_real(
    flow: Flow[Any, Any], more: dict[str, str]
) -> None:
    with pytest.raises((ParameterTypeError, SignatureMismatchError)):
        flow.validate_parameters({"plan": "payroll", **more})


def test_a_rehearsal_takes_only_the_networks_that_there_are_for_tests() -> None:
    with pytest.raises(ParameterTypeError):
        drill.validate_parameters({"plan": "payroll", "network": "production"})
