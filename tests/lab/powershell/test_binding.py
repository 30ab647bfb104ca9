"""Parameters against Microsoft's facts, in Windows' words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Session = Any
Output = Callable[[str], str]


def _last(session: Session, script: str) -> Any:
    result = session.run(script)
    assert result.err == ""
    return session.calls[-1][1]


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("Get-VM sql01", {"Name": ["sql01"]}),
        ("Get-VM -VMName sql01, web01", {"Name": ["sql01", "web01"]}),
        ("Get-VM -n sql01", {"Name": ["sql01"]}),
        ("Get-VM", {}),
        ("$p = @{ Name = 'sql01' }; Get-VM @p", {"Name": ["sql01"]}),
        ("Get-VMReplication -State Replicati", {"ReplicationState": "Replicating"}),
        ("Get-VMReplication -Mode 'replica'", {"ReplicationMode": "Replica"}),
    ],
)
def test_names_aliases_beginnings_and_positions_are_resolved(
    session: Session, script: str, expected: object
) -> None:
    assert _last(session, script) == expected


def test_bare_numbers_reach_text_parameters_as_they_were_written(session: Session) -> None:
    session.machines.states["007"] = "Off"

    assert _last(session, "Get-VM 007") == {"Name": ["007"]}


def _refusal(session: Session, script: str) -> tuple[str, str]:
    result = session.run(
        f"try {{ {script} }} catch {{ $_.FullyQualifiedErrorId; $_.Exception.Message }}"
    )
    assert result.err == ""
    error_id, _, message = result.out.partition("\n")
    return error_id.partition(",")[0], message.strip()


@pytest.mark.parametrize(
    ("script", "error_id", "words"),
    [
        (
            "Get-VM -Nome x",
            "NamedParameterNotFound",
            "A parameter cannot be found that matches parameter name 'Nome'.",
        ),
        ("Get-VM -C x", "AmbiguousParameter", "Possible matches include:"),
        (
            "Get-VM a b",
            "PositionalParameterNotFound",
            "A positional parameter cannot be found that accepts argument 'b'.",
        ),
        ("Get-VM -Name", "MissingArgument", "Missing an argument for parameter 'Name'."),
        ("Get-VM -Name a -Name b", "ParameterAlreadyBound", "specified more than once"),
        (
            "Start-VM",
            "MissingMandatoryParameter",
            "Cannot process command because of one or more missing mandatory parameters: Name.",
        ),
        (
            "Get-VM -Name a -Id ([guid]::Empty)",
            "AmbiguousParameterSet",
            "Parameter set cannot be resolved using the specified named parameters.",
        ),
        (
            "Start-VMFailover -VMName a -Prepare -AsTest",
            "AmbiguousParameterSet",
            "Parameter set cannot be resolved",
        ),
        (
            "Get-VMReplication -ReplicationState Nonsense",
            "CannotConvertArgumentNoMessage",
            "Unable to match the identifier name Nonsense to a valid enumerator name.",
        ),
        ("Get-VM -Id nonsense", "CannotConvertArgumentNoMessage", 'to type "System.Guid"'),
        ("Start-VM -VM sql01", "CannotConvertArgumentNoMessage", 'to type "VirtualMachine"'),
        ("Start-VM -Name $null", "ParameterArgumentValidationErrorNullNotAllowed", "is null"),
        (
            "Start-VM -Name ''",
            "ParameterArgumentValidationErrorEmptyStringNotAllowed",
            "is an empty",
        ),
        ("Start-VM -Name @()", "ParameterArgumentValidationErrorEmptyArrayNotAllowed", "an empty"),
        ("Get-VM -ErrorAction Maybe", "CannotConvertArgumentNoMessage", "Maybe"),
        (
            "Start-VM -Name a -Passthru:'yes'",
            "CannotConvertArgumentNoMessage",
            "Boolean parameters",
        ),
        ("Select-Object -First two", "CannotConvertArgumentNoMessage", "System.Int32"),
    ],
)
def test_wrong_arguments_are_refused_as_windows_refuses_them(
    session: Session, script: str, error_id: str, words: str
) -> None:
    found_id, message = _refusal(session, script)

    assert found_id == error_id
    assert words in message
    assert session.machines.done == []


def test_a_refused_call_never_reaches_the_cmdlet(session: Session) -> None:
    session.run("Start-VM -Name sql01 -Nonsense 1")

    assert session.calls == []


# Pipeline input


def test_objects_bind_by_value_to_the_parameter_of_their_type(session: Session) -> None:
    session.run("Get-VM sql01 | Start-VM")

    assert session.machines.done == ["start sql01"]
    assert list(session.calls[-1][1]) == ["VM"]


def test_text_binds_by_value_to_the_name(session: Session) -> None:
    session.run("'sql01', 'web01' | Start-VM")

    assert session.machines.done == ["start sql01", "start web01"]
    assert session.calls[-1] == ("Start-VM", {"Name": ["web01"]})


def test_properties_bind_by_name(output: Output) -> None:
    script = (
        "function f { param([Parameter(ValueFromPipelineByPropertyName)][string]$Name, "
        "[Parameter(ValueFromPipelineByPropertyName)][Alias('Size')][int]$Length) "
        'process { "$Name=$Length" } }; '
        "[pscustomobject]@{ Name = 'a'; Size = 2 }, [pscustomobject]@{ NAME = 'b'; Length = 3 } | f"
    )

    assert output(script) == "a=2\nb=3\n"


def test_an_object_that_nothing_takes_is_an_error_and_the_next_one_goes_on(
    session: Session,
) -> None:
    result = session.run("'web01' | Start-VM -Name sql01; 'next'")

    assert "InputObjectNotBound" in result.err
    assert result.out == "next\n"
    assert session.machines.done == []


# Parameter sets and confirmation


@pytest.mark.parametrize(
    ("script", "chosen"),
    [
        ("Start-VMFailover -VMName sql01 -Confirm:$false", "VMName"),
        ("Start-VMFailover -VMName sql01 -Prepare -Confirm:$false", "VMName"),
        ("Start-VMFailover -VMName sql01 -AsTest -Confirm:$false", "VMName_Test"),
        ("Start-VMFailover sql01 -Confirm:$false", "VMName"),
        ("Start-VMFailover -VM (Get-VM sql01) -AsTest -Confirm:$false", "VMObject_Test"),
        ("Start-VMFailover (Get-VM sql01) -Confirm:$false", "VMObject"),
    ],
)
def test_the_parameter_set_is_that_of_the_given_parameters(
    session: Session, script: str, chosen: str
) -> None:
    assert session.run(script).err == ""
    assert session.machines.done == [f"failover sql01 {chosen}"]


def test_a_cmdlet_that_asks_fails_where_nobody_can_answer(session: Session) -> None:
    result = session.run("Start-VMFailover -VMName sql01")

    assert "NonInteractive mode. Read and Prompt functionality is not available." in result.err
    assert session.machines.done == []
    session.run("$ConfirmPreference = 'None'; Start-VMFailover -VMName sql01")
    assert session.machines.done == ["failover sql01 VMName"]


def test_confirm_asks_even_for_a_cmdlet_that_does_not_by_itself(session: Session) -> None:
    assert "NonInteractive" in session.run("Start-VM sql01 -Confirm").err
    assert session.machines.done == []


def test_whatif_tells_and_does_nothing(session: Session) -> None:
    result = session.run("Start-VM sql01 -WhatIf")

    assert result.out == 'What if: Performing the operation "Start-VM" on target "sql01".\n'
    assert session.machines.done == []
    assert session.calls == []


# Functions


def test_function_parameters_are_validated(session: Session) -> None:
    script = (
        "function f { [CmdletBinding()] param([ValidateRange(1, 5)][int]$N = 1, "
        "[ValidatePattern('^a')][string]$S = 'a', [ValidateNotNullOrEmpty()][string]$T = 't', "
        "[ValidateScript({ $_ -gt 2 })][int]$V = 3) 'ok' }; "
    )

    assert session.run(f"{script} f -N 5 -S ab -T x -V 9").out == "ok\n"
    for wrong in ("-N 6", "-S b", "-T ''", "-V 1"):
        found_id, _ = _refusal(session, f"{script} f {wrong}")
        assert found_id == "ParameterArgumentValidationError", wrong


def test_a_simple_function_keeps_extra_arguments(output: Output) -> None:
    assert output('function f($a) { "$a|$args" }; f 1 2 3') == "1|2 3\n"


def test_an_advanced_function_refuses_extra_arguments(session: Session) -> None:
    found_id, _ = _refusal(session, "function f { [CmdletBinding()] param($a) }; f 1 2")

    assert found_id == "PositionalParameterNotFound"


def test_a_typed_parameter_stays_typed(output: Output) -> None:
    script = "function f([int]$n) { $n = '7'; $n.GetType().Name }; f 1"

    assert output(script) == "Int32\n"


def test_a_parameter_that_was_not_given_has_its_types_empty_value(output: Output) -> None:
    script = (
        "function f([string]$s, [int]$i, [switch]$w, $o) { "
        "$s -eq ''; $i; $w; $null -eq $o; $PSBoundParameters.Count }; f"
    )

    assert output(script) == "True\n0\nFalse\nTrue\n0\n"
