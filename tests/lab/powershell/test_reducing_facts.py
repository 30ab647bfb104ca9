"""facts.json is a reduction of the big file, and says where each fact comes from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from secondsite.lab.powershell.facts import known_facts
from secondsite.lab.powershell.reduce_facts import HERE, main, read_wanted, reduce_facts

BIG: dict[str, Any] = {
    "Hyper-V": {
        "Start-VM": {
            "parameters": {
                "Name": {
                    "type": "String[]",
                    "aliases": ["VMName"],
                    "position": 0,
                    "pipeline": "ByValue",
                    "required": True,
                    "switch": False,
                },
                "AsJob": {
                    "type": "SwitchParameter",
                    "aliases": [],
                    "required": {"A": False, "B": True},
                    "switch": True,
                },
            },
            "parameter_sets": [["Name", "AsJob"], ["AsJob"]],
            "parameter_set_names": ["A", "B"],
            "default_set": "A",
            "source": "some/page.md",
        },
        "Stop-VM": {
            "parameters": {},
            "parameter_sets": [[]],
            "parameter_set_names": ["A"],
            "source": "other.md",
        },
    }
}


def test_what_is_false_or_empty_is_left_out_and_all_names_are_kept() -> None:
    made = reduce_facts(BIG, [("Hyper-V", "Start-VM")])

    assert made["names"] == {"Hyper-V": ["Start-VM", "Stop-VM"]}
    assert made["cmdlets"] == {
        "Hyper-V": {
            "Start-VM": {
                "parameters": {
                    "Name": {
                        "type": "String[]",
                        "aliases": ["VMName"],
                        "required": ["*"],
                        "position": 0,
                        "pipeline": "ByValue",
                    },
                    "AsJob": {"type": "SwitchParameter", "required": ["B"]},
                },
                "sets": {"A": ["Name", "AsJob"], "B": ["AsJob"]},
                "default_set": "A",
                "source": "some/page.md",
            }
        }
    }


def test_all_wanted_cmdlets_that_are_missing_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "big.json").write_text(json.dumps(BIG))
    (tmp_path / "wanted.txt").write_text("# comment\nHyper-V: Start-VM Get-A Get-B\n")
    output = tmp_path / "facts.json"

    code = main(
        [
            str(tmp_path / "big.json"),
            "--wanted",
            str(tmp_path / "wanted.txt"),
            "--output",
            str(output),
        ]
    )

    assert code == 1
    assert "Hyper-V\\Get-A, Hyper-V\\Get-B" in capsys.readouterr().err
    assert not output.exists()


def test_facts_json_holds_exactly_what_is_wanted() -> None:
    held = json.loads((HERE / "facts.json").read_text("utf-8"))["cmdlets"]
    wanted = read_wanted((HERE / "wanted_cmdlets.txt").read_text("utf-8"))

    assert sorted((module, name) for module in held for name in held[module]) == sorted(wanted)


def test_every_fact_names_its_source_page() -> None:
    for module, name in read_wanted((HERE / "wanted_cmdlets.txt").read_text("utf-8")):
        facts = known_facts().cmdlet(module, name)
        assert facts.source.endswith(f"/{name}.md")
        for listed in facts.sets.values():
            assert listed <= set(facts.parameters)


def test_mandatory_switches_of_a_test_failover_are_known() -> None:
    facts = known_facts().cmdlet("Hyper-V", "Start-VMFailover")

    assert facts.parameters["AsTest"].is_required_in("VMName_Test")
    assert facts.parameters["VMName"].position == 0
    assert facts.parameters["VMName"].by_value
    assert facts.default_set == "VMName"
