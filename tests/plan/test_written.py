from __future__ import annotations

import copy
import pickle

import pytest
from pydantic import ValidationError

from secondsite.plan.hooks import ScriptHook
from secondsite.plan.model import Plan
from secondsite.plan.written import FrozenDict

_PLAN = {
    "name": "web",
    "protection": "p",
    "groups": [
        {
            "name": "g",
            "vms": ["a"],
            "after": [{"script": "s.ps1", "arguments": {"Names": ["a", "b"], "N": 1, "Yes": True}}],
        }
    ],
}


def _hook(plan: Plan) -> ScriptHook:
    hook = plan.groups[0].after[0]
    assert isinstance(hook, ScriptHook)
    return hook


def test_a_plan_cannot_be_changed_at_any_depth() -> None:
    plan = Plan.model_validate(_PLAN)
    arguments = _hook(plan).arguments

    with pytest.raises(ValidationError):
        plan.groups[0].name = "other"  # type: ignore[misc]
    with pytest.raises(TypeError):
        arguments["N"] = 2
    with pytest.raises(TypeError):
        arguments.update(N=2)
    with pytest.raises(TypeError):
        arguments.pop("N")
    assert arguments == {"Names": ("a", "b"), "N": 1, "Yes": True}


def test_argument_values_keep_their_types() -> None:
    arguments = _hook(Plan.model_validate(_PLAN)).arguments

    assert [type(each) for each in arguments.values()] == [tuple, int, bool]


def test_a_plan_can_be_hashed_copied_and_sent_to_another_process() -> None:
    plan = Plan.model_validate(_PLAN)

    assert hash(plan) == hash(Plan.model_validate(_PLAN))
    assert copy.deepcopy(plan) == plan
    sent = pickle.loads(pickle.dumps(plan))  # noqa: S301 - our own bytes
    assert sent == plan
    assert isinstance(_hook(sent).arguments, FrozenDict)


def test_a_plan_survives_json() -> None:
    plan = Plan.model_validate(_PLAN)

    assert Plan.model_validate_json(plan.model_dump_json()) == plan
