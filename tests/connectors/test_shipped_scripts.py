"""Every script that the connectors ship, judged by Microsoft's documentation before it runs."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import secondsite.connectors
from secondsite.connectors.winrm.script import Script
from secondsite.lab.powershell.facts import COMMON_PARAMETERS, CmdletFacts, known_facts
from secondsite.lab.powershell.parser import parse
from secondsite.lab.powershell.syntax import Command, Literal, Node

FOLDER = Path(secondsite.connectors.__file__).parent
SCRIPTS = [
    *sorted(FOLDER.rglob("scripts/*.ps1")),
    *sorted((FOLDER / "planscripts").glob("*.ps1")),
]
SHARED = [*sorted(FOLDER.rglob("scripts/shared/*.ps1")), FOLDER / "winrm" / "failure.ps1"]
OWN_FUNCTION = re.compile(r"^function ([\w-]+)", re.MULTILINE)


def _sent(path: Path) -> str:
    """The whole text, as a server gets it."""
    return Script.from_package("secondsite.connectors", str(path.relative_to(FOLDER))).text


def _nodes(value: object) -> Iterator[Node]:
    if isinstance(value, Node):
        yield value
        for each in dataclasses.fields(value):
            yield from _nodes(getattr(value, each.name))
    elif isinstance(value, tuple):
        for item in value:
            yield from _nodes(item)


def _commands(text: str) -> Iterator[tuple[str, list[str]]]:
    """Name and named parameters of every command with a constant name."""
    for node in _nodes(parse(text)):
        if isinstance(node, Command) and isinstance(node.name, Literal):
            named = [argument.parameter for argument in node.arguments if argument.parameter]
            yield str(node.name.value), named


def _facts(name: str) -> CmdletFacts:
    module = known_facts().module_of(name)
    assert module is not None, f"Windows has no cmdlet {name}"
    return known_facts().cmdlet(module, name)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: f"{path.parent.parent.name}-{path.stem}")
def test_every_cmdlet_and_parameter_exists_on_windows(path: Path) -> None:
    text = _sent(path)
    own = set(OWN_FUNCTION.findall(text))
    checked = 0

    for name, parameters in _commands(text):
        if name in own:
            continue
        facts = _facts(name)
        known = {*facts.parameters, *COMMON_PARAMETERS}
        given = set(parameters)
        assert given <= known, f"{name}: no parameter {sorted(given - known)}"
        specific = given - set(COMMON_PARAMETERS)
        assert any(specific <= facts_set for facts_set in facts.sets.values()), (
            f"{name}: {sorted(specific)} belong to no one parameter set"
        )
        checked += 1

    assert checked > 0 or path.stem == "run_script"


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: f"{path.parent.parent.name}-{path.stem}")
def test_a_script_is_strict_stops_at_errors_and_takes_values_as_parameters(path: Path) -> None:
    text = _sent(path)

    assert text.isascii(), "Windows PowerShell 5.1 reads a file without mark as ANSI"
    assert "[CmdletBinding()]\nparam(" in text
    assert re.search(r"\$ErrorActionPreference = '(Stop|Continue)'", text)
    assert "$input" not in text.lower(), "naming it makes powershell.exe read standard input"
    assert "-ComputerName 'localhost'" in text or "-ComputerName" not in text, "a second hop"
    if path.stem != "run_script":
        assert "Set-StrictMode -Version 2.0" in text
        assert "Invoke-Expression" not in text
        # Inside a guest it is our own run_script.ps1 that is made of the text that was sent.
        assert "[scriptblock]::Create" not in text or path.stem == "invoke_in_guest"


def test_cmdlets_that_ask_are_told_not_to() -> None:
    asking = ("Start-VMFailover", "Stop-VMFailover", "Complete-VMFailover", "Set-VMReplication")
    for path in SCRIPTS:
        for name, parameters in _commands(_sent(path)):
            if name in asking or name in ("Remove-VMSwitch", "Stop-VM"):
                assert "Confirm" in parameters, f"{path.stem}: {name} would wait for an answer"


def test_a_function_is_written_once() -> None:
    written = [
        name
        for path in (*SCRIPTS, *SHARED)
        for name in OWN_FUNCTION.findall(path.read_text("utf-8"))
        if name != "Test-Done"  # each script's own question: is it as wanted?
    ]

    assert [name for name, count in Counter(written).items() if count > 1] == []


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: f"{path.parent.parent.name}-{path.stem}")
def test_what_is_shared_is_sent_where_it_is_used_and_only_there(path: Path) -> None:
    text = _sent(path)

    assert "$PSScriptRoot" not in text
    for name in OWN_FUNCTION.findall(text):
        assert len(re.findall(rf"\b{name}\b", text)) > 1, f"{name} is sent and not used"


def test_every_script_is_package_data_with_a_comment_that_says_what_it_does() -> None:
    assert len(SCRIPTS) >= 14
    for path in (*SCRIPTS, *SHARED):
        assert path.read_text("utf-8").startswith("# "), path.name


def test_the_check_finds_an_invented_parameter() -> None:
    facts: Any = _facts("Start-VMFailover")

    assert "AsPlanned" not in facts.parameters
    assert not any({"Prepare", "AsTest"} <= facts_set for facts_set in facts.sets.values())
