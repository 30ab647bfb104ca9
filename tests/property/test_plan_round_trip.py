from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secondsite.plan.model import Plan
from secondsite.plan.wording import place_in_words
from secondsite.plan.yaml_dump import dump_model
from secondsite.plan.yaml_source import load_model
from secondsite.plan.yaml_text import read_text
from tests.property.strategies import detailed_plans

_KEYS = {f"{key}:" for key in ("groups", "vms", "before", "after", "shutdown", "failover")}


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One file that each example writes anew."""
    return tmp_path_factory.mktemp("plans") / "plan.yaml"


@settings(deadline=None)  # the machine may be busy
@given(detailed_plans())
def test_a_plan_that_is_written_and_read_is_the_same_plan(path: Path, plan: Plan) -> None:
    path.write_text(dump_model(plan), encoding="utf-8")

    loaded = load_model(path, Plan)

    assert loaded.faults == ()
    assert loaded.model == plan


@settings(deadline=None)
@given(detailed_plans())
def test_a_plan_is_the_same_after_json(plan: Plan) -> None:
    assert Plan.model_validate_json(plan.model_dump_json()) == plan


@settings(deadline=None)
@given(detailed_plans(), st.data())
def test_a_typing_error_in_any_key_is_found_in_its_line(
    path: Path, plan: Plan, data: st.DataObject
) -> None:
    lines = dump_model(plan).splitlines()
    keyed = [index for index, line in enumerate(lines) if line.strip() in _KEYS]
    at = data.draw(st.sampled_from(keyed or [0]))
    key, colon, rest = lines[at].partition(":")
    wrong = "\n".join([*lines[:at], f"{key}x{colon}{rest}", *lines[at + 1 :]]) + "\n"
    path.write_text(wrong, encoding="utf-8")

    faults = load_model(path, Plan).faults

    assert any(fault.line == at + 1 and "is not known here" in fault.message for fault in faults)


@settings(deadline=None)
@given(st.text())
def test_any_text_is_read_or_refused_but_never_breaks_the_reader(text: str) -> None:
    read = read_text(text)

    assert read.is_readable or read.faults


@settings(deadline=None)
@given(st.binary())
def test_any_file_gives_faults_and_never_an_exception(path: Path, content: bytes) -> None:
    path.write_bytes(content)

    loaded = load_model(path, Plan)

    assert loaded.model is None
    assert loaded.faults
    assert all(str(fault) for fault in loaded.faults)


@settings(deadline=None)
@given(st.lists(st.one_of(st.integers(0, 3), st.sampled_from(["a", "vms"]))), st.none())
def test_a_place_can_be_named_even_where_nothing_is(path: list[str | int], data: None) -> None:
    assert isinstance(place_in_words(path, data), str)
