"""Whatever may change what a rehearsal has proved changes the fingerprint, and is named."""

from __future__ import annotations

import pytest

from secondsite.plan.fingerprint import changes_between, fingerprint
from secondsite.plan.loader import load_estate, load_plan
from tests.plan.conftest import PlansFolder

PLAN = """\
name: web
description: The web shop.
protection: tokyo-osaka
groups:
  - name: db
    before: [{script: scripts/a.ps1}]
    vms:
      - {name: sql01, dns: [{name: sql.corp.example, zone: corp.example}]}
rehearse: {cron: "0 3 * * 6", network: created, verify: [{script: scripts/v.ps1}]}
shutdown:
  before: [{script: scripts/a.ps1, on: 'guest:sql01', credential: operator}]
"""


def taken(folder: PlansFolder) -> dict[str, str]:
    estate = load_estate(folder.path)
    plan = load_plan(folder.path / "web.yaml", estate)
    return fingerprint(plan, estate, folder=folder.path)


def change(folder: PlansFolder, file: str, old: str, new: str) -> None:
    path = folder.path / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.fixture
def plans(folder: PlansFolder) -> PlansFolder:
    folder.write_estate()
    folder.write("web.yaml", PLAN)
    change(
        folder,
        "estate.yaml",
        "    test_network",
        "    guest_credential: operator\n    test_network",
    )
    folder.write("scripts/a.ps1", "'a'\n")
    folder.write("scripts/v.ps1", "'v'\n")
    return folder


@pytest.mark.parametrize(
    ("file", "old", "new", "expected"),
    [
        ("web.yaml", "name: db", "name: databases", "the plan was changed"),
        ("web.yaml", "network: created", "network: none", "the plan was changed"),
        ("scripts/a.ps1", "'a'", "'b'", "scripts/a.ps1 was changed"),
        ("scripts/v.ps1", "'v'", "'w'", "scripts/v.ps1 was changed"),
        (
            "estate.yaml",
            "{name: hv-osaka-1,",
            "{name: hv-osaka-9,",
            "what the plan uses of the estate was changed",
        ),
        (
            "estate.yaml",
            "test_network: osaka-test",
            "",
            "what the plan uses of the estate was changed",
        ),
        (
            "estate.yaml",
            "name: dns-tokyo",
            "name: dns-kyoto",
            "what the plan uses of the estate was changed",
        ),
    ],
)
def test_a_change_that_matters_is_named(
    plans: PlansFolder, file: str, old: str, new: str, expected: str
) -> None:
    before = taken(plans)

    change(plans, file, old, new)

    assert changes_between(before, taken(plans)) == [expected]


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("web.yaml", "0 3 * * 6", "0 4 * * 0"),
        ("web.yaml", "The web shop.", "The shop."),
        ("web.yaml", "name: web", "name: web  # a comment"),
        ("scripts/a.ps1", "'a'\n", "'a'\r\n"),
        ("estate.yaml", "address: 10.2.0.53", "address: 10.2.0.99"),
        ("estate.yaml", "username: CORP", "username: DR"),
        ("estate.yaml", "    guest_credential: operator\n", ""),
        ("web.yaml", ", credential: operator}", "}"),
    ],
)
def test_a_change_that_proves_nothing_wrong_makes_no_difference(
    plans: PlansFolder, file: str, old: str, new: str
) -> None:
    before = taken(plans)

    change(plans, file, old, new)

    assert changes_between(before, taken(plans)) == []


def test_nothing_is_said_about_runs_that_kept_no_fingerprint(plans: PlansFolder) -> None:
    assert changes_between({}, taken(plans)) == []
