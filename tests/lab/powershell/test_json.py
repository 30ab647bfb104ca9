"""ConvertTo-Json and ConvertFrom-Json as Windows PowerShell 5.1 has them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secondsite.lab.powershell.generic.json_text import from_json, quote, to_json
from secondsite.lab.powershell.moments import LocalZone
from secondsite.lab.powershell.values import PsHashtable, PsObject

Output = Callable[[str], str]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("@{}", "{}"),
        ("@(,@())", "[[]]"),
        ("$null", "null"),
        ("@{ a = $true; }", '{"a":true}'),
        ("@{ a = 1.0 }", '{"a":1}'),
        ("@{ a = 1.5e20 }", '{"a":1.5E+20}'),
        ("@{ a = 'it''s <b> \"q\"' }", '{"a":"it\\u0027s \\u003cb\\u003e \\"q\\""}'),
        ("@{ a = [guid]::Empty }", '{"a":"00000000-0000-0000-0000-000000000000"}'),
        (
            "@{ a = [datetime]::new(2026, 3, 1, 3, 0, 0, 'Utc') }",
            '{"a":"\\/Date(1772334000000)\\/"}',
        ),
        (
            "@{ a = [version]'1.2' }",
            '{"a":{"Major":1,"Minor":2,"Build":-1,"Revision":-1,'
            '"MajorRevision":-1,"MinorRevision":-1}}',
        ),
        ("@{ a = 'b','c' }", '{"a":["b","c"]}'),
        ("[pscustomobject]@{ b = 1; a = 2 }", '{"b":1,"a":2}'),
        ("[ordered]@{ b = 1; a = 2 }", '{"b":1,"a":2}'),
    ],
)
def test_values_are_written_as_5_1_writes_them(output: Output, value: str, expected: str) -> None:
    assert output(f"ConvertTo-Json -InputObject ({value}) -Compress") == expected + "\n"


def test_enumerations_are_numbers_and_alias_properties_come_last(output: Output) -> None:
    written = output("Get-VM sql01 | ConvertTo-Json -Compress")

    assert json.loads(written) == {
        "Name": "sql01",
        "State": 3,
        "MemoryAssigned": 1024,
        "VMName": "sql01",
    }
    assert list(json.loads(written))[-1] == "VMName"


def test_one_object_is_not_wrapped_and_several_are(output: Output) -> None:
    assert output("1 | ConvertTo-Json -Compress") == "1\n"
    assert output("1, 2 | ConvertTo-Json -Compress") == "[1,2]\n"
    assert output("@(1) | ConvertTo-Json -Compress") == "1\n"
    assert output("ConvertTo-Json @(1) -Compress") == "[1]\n"
    assert output("@() | ConvertTo-Json") == ""


def test_the_default_depth_is_2_and_deeper_things_become_text(output: Output) -> None:
    script = "@{ a = @{ b = @{ c = @{ d = 1 } } } } | ConvertTo-Json -Compress"

    assert output(script) == '{"a":{"b":{"c":"System.Collections.Hashtable"}}}\n'
    assert output(script + " -Depth 3") == '{"a":{"b":{"c":{"d":1}}}}\n'


def test_a_date_from_get_date_drags_its_display_hint_along(output: Output) -> None:
    assert output("@{ a = (Get-Date) } | ConvertTo-Json -Compress") == (
        '{"a":{"value":"\\/Date(1772334000123)\\/","DisplayHint":2,'
        '"DateTime":"Sunday, March 1, 2026 3:00:00 AM"}}\n'
    )
    assert "DisplayHint" not in output("@{ a = [datetime]::UtcNow } | ConvertTo-Json")


def test_the_layout_has_two_blanks_after_colons_and_indents_under_the_key(output: Output) -> None:
    assert output("@{ ab = @{ c = @(1) } } | ConvertTo-Json") == (
        "{\n"
        '    "ab":  {\n'
        '               "c":  [\n'
        "                         1\n"
        "                     ]\n"
        "           }\n"
        "}\n"
    )


def test_reading_gives_custom_objects_and_an_array_in_one_piece(output: Output) -> None:
    script = (
        '$o = \'{"a": [1, 2], "B": {"c": "x"}, "d": null, "e": 3000000000}\' '
        "| ConvertFrom-Json; $o.A.Count; $o.b.C; $null -eq $o.d; $o.e.GetType().Name; "
        "('[1,2]' | ConvertFrom-Json | Measure-Object).Count; "
        "(@('[1,2]' | ConvertFrom-Json)).Count"
    )

    assert output(script) == "2\nx\nTrue\nInt64\n1\n1\n"


def test_reading_dates_and_fractions(output: Output) -> None:
    script = (
        '$o = \'{"a": "\\/Date(0)\\/", "b": 1.5, "c": "2026-03-01T00:00:00Z"}\' '
        "| ConvertFrom-Json; $o.a.Year; $o.a.Kind; $o.b.GetType().Name; $o.c.GetType().Name"
    )

    assert output(script) == "1970\nUtc\nDecimal\nString\n"


@pytest.mark.parametrize("text", ["{", '{"a":1,"A":2}', "nonsense"])
def test_wrong_json_is_an_error(output: Output, text: str) -> None:
    script = f"try {{ '{text}' | ConvertFrom-Json }} catch {{ $_.FullyQualifiedErrorId }}"

    assert output(script) == (
        "System.ArgumentException,Microsoft.PowerShell.Commands.ConvertFromJsonCommand\n"
    )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def _as_value(data: object) -> object:
    if isinstance(data, dict):
        return PsHashtable({key: _as_value(each) for key, each in data.items()})
    return [_as_value(each) for each in data] if isinstance(data, list) else data


def _as_data(value: object) -> object:
    if isinstance(value, PsObject):
        return {key: _as_data(each) for key, each in value.properties.items()}
    return [_as_data(each) for each in value] if isinstance(value, list) else value


@given(JSON)
def test_what_is_written_is_json_and_reads_back(data: object) -> None:
    value = _as_value(data)
    zone = LocalZone(UTC)

    for compress in (True, False):
        text = to_json(value, depth=100, compress=compress, zone=zone)
        if _has_one_case(data):
            assert json.loads(text, strict=False) == data
            assert _as_data(from_json(text)) == data


def _has_one_case(data: object) -> bool:
    if isinstance(data, dict):
        lowered = {key.lower() for key in data}
        return len(lowered) == len(data) and all(_has_one_case(each) for each in data.values())
    if isinstance(data, list):
        return all(_has_one_case(each) for each in data)
    return not isinstance(data, str) or not data.startswith("/Date(")


@given(st.text())
def test_quoted_text_reads_back(text: str) -> None:
    assert json.loads(quote(text)) == text
