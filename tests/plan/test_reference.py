from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from secondsite.plan.estate import Estate
from secondsite.plan.json_schema import json_schema, models_under
from secondsite.plan.model import Plan
from secondsite.plan.reference import generated_files, write_files
from secondsite.plan.schema_walk import field_docs, summary_of
from secondsite.plan.written import Written

ROOT = Path(__file__).parents[2]
MODELS = [*models_under(Plan), *models_under(Estate)]


@pytest.mark.parametrize("name", sorted(generated_files()))
def test_a_generated_file_in_the_repository_is_current(name: str) -> None:
    assert (ROOT / name).read_text(encoding="utf-8") == generated_files()[name], (
        "out of date: run `python -m secondsite.plan.reference`"
    )


def test_the_files_are_written_where_they_belong(tmp_path: Path) -> None:
    written = write_files(tmp_path)

    assert {path.relative_to(tmp_path).as_posix() for path in written} == set(generated_files())
    assert all(path.is_file() for path in written)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_key_that_a_person_may_write_is_explained(model: type[Written]) -> None:
    assert summary_of(model)
    assert set(field_docs(model)) == set(model.model_fields)


def test_the_schema_says_what_an_editor_shows() -> None:
    schema = json_schema(Plan, title="Plan")

    vm = schema["$defs"]["PlannedVm"]
    assert vm["additionalProperties"] is False
    assert (
        vm["properties"]["boot_timeout"]["description"] == "From the power-on request until ready."
    )
    assert vm["properties"]["boot_timeout"]["default"] == "10m"
    vms = schema["$defs"]["Group"]["properties"]["vms"]["items"]
    assert {"type": "string"} in vms["anyOf"]
    assert schema["required"] == ["name", "protection", "groups"]


def test_the_page_names_every_key_and_links_lead_somewhere() -> None:
    for name, model in (("plan", Plan), ("estate", Estate)):
        page = generated_files()[f"docs/reference/{name}-format.md"]
        headings = {f"#{line[3:].lower()}" for line in page.splitlines() if line.startswith("## ")}
        links = set(re.findall(r"\]\((#[a-z]+)\)", page))

        assert links
        assert links <= headings
        for each in models_under(model):
            assert all(f"| `{key}` |" in page for key in each.model_fields)


def test_schemas_are_json() -> None:
    for name, text in generated_files().items():
        if name.endswith(".json"):
            assert json.loads(text)["$schema"].startswith("https://json-schema.org/")
