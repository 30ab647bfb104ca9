from __future__ import annotations

from pathlib import Path

import pytest

from secondsite.plan.estate import Estate
from secondsite.plan.loader import load_estate, load_plan
from secondsite.plan.model import Plan
from secondsite.run.events import Noted, from_json, to_json
from secondsite.run.model_note import model_in, model_note
from tests.run.story import BEGIN

PLANS = Path(__file__).parents[2] / "plans"


@pytest.fixture
def model() -> tuple[Plan, Estate]:
    estate = load_estate(PLANS)
    return load_plan(PLANS / "payroll.yaml", estate), estate


def test_a_run_goes_on_with_just_what_it_began_with(model: tuple[Plan, Estate]) -> None:
    kept = from_json(to_json(model_note(*model, at=BEGIN)))

    assert model_in([kept]) == model


def test_what_a_person_has_written_first_stays_first(model: tuple[Plan, Estate]) -> None:
    plan, estate = model
    networks = estate.protections[0].networks
    assert list(networks) != sorted(networks), "the estate of the examples shows nothing here"

    found = model_in([from_json(to_json(model_note(plan, estate, at=BEGIN)))])

    assert found is not None
    assert list(found[1].protections[0].networks) == list(networks)


def test_journals_of_earlier_versions_are_read(model: tuple[Plan, Estate]) -> None:
    plan, estate = model
    details = {"plan": plan.model_dump(mode="json"), "estate": estate.model_dump(mode="json")}
    text = model_note(plan, estate, at=BEGIN).text

    assert model_in([Noted(at=BEGIN, text=text, details=details)]) == model
