"""What the parser takes, and what it refuses with a line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secondsite.lab.powershell.failures import ParseFailure
from secondsite.lab.powershell.parser import parse
from secondsite.lab.powershell.syntax import (
    Assignment,
    Binary,
    Command,
    CommandExpression,
    Pipeline,
)

ACCEPTED = [
    "Get-VMReplication -VMName 'a','b' | Select-Object Name,State | ConvertTo-Json -Compress",
    "Select-Object Name, @{ Name = 'GB'; Expression = { $_.Bytes / 1GB } }",
    "$x/1MB",
    "switch ($a) { 'a' {1} default {2} }",
    "function f { [CmdletBinding()] param([string]$x) begin { } process { $_ } end { } }",
    "1..3 | ForEach-Object -Begin { } -Process { $_ }",
    "$v.ForEach('Name')",
    "Get-VM `\n  -Name x",
    "Get-VM |\n  Sort-Object Name |\n  Select-Object -First 1",
    "if ($a) { 1 }\nelseif ($b) { 2 }\nelse { 3 }",
    "try { 1 }\ncatch [System.Exception], [System.ArgumentException] { 2 }\nfinally { 3 }",
    "$h = @{\n  a = 1 # one\n  'b c' = Get-VM\n\n  d = @{}; e = 2\n}",
    "$x = Get-VM -Name $y.Name -Confirm:$false 2>$null",
    "& $block -A 1 @rest; . { $x = 1 }",
    "[pscustomobject]@{ A = 1 } | ConvertTo-Json",
    "$a = $b -and -not $c -or ($d -eq 1)",
    "<# a\n comment #> 1 # and another",
    "param([Parameter(Mandatory = $true)][ValidateSet('a', 'b')][string] $Name, [switch] $Force)",
    "foreach ($x in Get-VM | Where-Object { $_ }) { $x }",
    "for (;;) { break }",
    "$x.y.z[0].Method($a, (1, 2))[1]::Name",
    "Write-Host foo$bar/baz -NoNewline",
    "@'\nliteral $x\n'@",
    "$env:PATH; ${a b}; $script:x; $global:y = 1",
    "return ,$x",
    "$i++; --$i; $i += 2",
    "[System.Collections.Generic.Dictionary[string, int]]::new()",
    "$null = $list.Add(1)",
]


@pytest.mark.parametrize("script", ACCEPTED, ids=lambda text: text[:30])
def test_ordinary_scripts_parse(script: str) -> None:
    assert parse(script).end is not None


REFUSED = [
    ("$a ? 1 : 2", "Unexpected token"),
    ("a && b", "not a valid statement separator"),
    ("a || b", "not a valid statement separator"),
    ("1 | 2", "only allowed as the first element"),
    ("'x' y", "Unexpected token"),
    ('"$x: y"', "Variable reference is not valid"),
    ("if ($a) { 1", "Missing closing '}'"),
    ("try { 1 }", "missing its Catch or Finally block"),
    ("'open", "missing the terminator"),
    ("Get-VM |", "empty pipe element"),
    ("$a = @{ a 1 }", "Missing '='"),
    ("Get-VM --% x", "--%"),
    ("Get-VM > out.txt", "redirection to a file"),
    ("trap { 1 }", "the keyword trap"),
    ("class A { }", "the keyword class"),
    ("$using:x", "$using:"),
    ("Get-VM &", "background job"),
    ("5d", "decimal literal"),
    ("Write-Host \u201cx\u201d", "typographic quotation mark"),
    ("$x -shl 2", "-shl"),
    ("foreach -parallel ($a in $b) { }", "foreach -parallel"),
    ("switch -file x { }", "switch -file"),
]


@pytest.mark.parametrize(("script", "message"), REFUSED)
def test_what_is_wrong_or_not_in_the_subset_is_refused(script: str, message: str) -> None:
    with pytest.raises(ParseFailure) as caught:
        parse(script)

    assert message in caught.value.message


def test_a_refusal_names_the_line_and_shows_it() -> None:
    with pytest.raises(ParseFailure) as caught:
        parse("1\n2\n  trap { 1 }\n")

    assert (caught.value.line, caught.value.line_text) == (3, "  trap { 1 }")
    assert caught.value.record().fully_qualified_id == "LabSubset"


def _expression(script: str) -> object:
    body = parse(script).end
    assert body is not None
    statement = body.statements[0]
    assert isinstance(statement, Pipeline)
    element = statement.elements[0]
    assert isinstance(element, CommandExpression)
    return element.expression


@pytest.mark.parametrize(
    ("script", "outermost"),
    [
        ("1 + 2 * 3", "+"),
        ("1 * 2 + 3", "+"),
        ("'a' + 'b' -eq 'ab'", "-eq"),
        ("1, 2 + 3", "+"),
        ("'{0}' -f 1 + 2", "+"),
        ("1..2 + 3", "+"),
        ("$a -band 1 -eq 1", "-band"),
    ],
)
def test_operators_bind_as_the_specification_says(script: str, outermost: str) -> None:
    found = _expression(script)

    assert isinstance(found, Binary)
    assert found.operator == outermost


def test_a_bare_argument_is_text_unless_it_is_a_number() -> None:
    body = parse("Get-VM 007 1GB abc -5 -x").end
    assert body is not None
    statement = body.statements[0]
    assert isinstance(statement, Pipeline)
    command = statement.elements[0]
    assert isinstance(command, Command)

    values = [getattr(each.value, "value", each.parameter) for each in command.arguments]

    assert values == [7, 1 << 30, "abc", -5, "x"]


def test_an_assignment_takes_any_statement() -> None:
    body = parse("$x = if ($a) { 1 } else { 2 }").end
    assert body is not None

    assert isinstance(body.statements[0], Assignment)


def test_a_text_is_parsed_once() -> None:
    assert parse("1 + 1 # once") is parse("1 + 1 # once")


@given(st.text(alphabet=" \n$@(){}[]'\"`|;,.:-+=<>&abc019#", max_size=40))
def test_any_text_parses_or_is_refused_with_a_line(text: str) -> None:
    lines = []
    try:
        parse(text)
    except ParseFailure as failure:
        lines.append(failure.line)

    assert all(line >= 1 for line in lines)
