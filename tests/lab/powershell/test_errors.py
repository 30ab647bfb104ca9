"""Errors: which end a statement, which end the script, what a catch block sees."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Output = Callable[[str], str]
Run = Callable[[str], Any]


def test_an_error_that_ends_its_statement_lets_the_next_one_run(run: Run) -> None:
    result = run("[int]'x'; 'after'")

    assert result.out == "after\n"
    assert "InvalidCastFromStringToInteger" in result.err
    assert result.code == 0


def test_throw_ends_the_script_with_exit_code_1(run: Run) -> None:
    result = run("'before'; throw 'bad'; 'after'")

    assert result.out == "before\n"
    assert "bad" in result.err
    assert result.code == 1


def test_exit_gives_its_code_and_keeps_what_was_output(run: Run) -> None:
    result = run("'before'; & { exit 3 }; 'after'")

    assert (result.out, result.code) == ("before\n", 3)


def test_the_exit_code_is_1_when_the_last_statement_failed(run: Run) -> None:
    assert run("'fine'; [int]'x'").code == 1
    assert run("[int]'x'; 'fine'").code == 0
    assert run("Write-Error 'x'").code == 1


def test_a_preference_of_stop_makes_every_error_end_the_script(run: Run) -> None:
    result = run("$ErrorActionPreference = 'Stop'; Get-VM nope; 'after'")

    assert (result.out, result.code) == ("", 1)


def test_error_action_stop_is_caught_with_the_original_exception(output: Output) -> None:
    script = (
        "try { Get-VM nope -ErrorAction Stop } catch { $_.Exception.GetType().FullName; "
        "$_.FullyQualifiedErrorId; $_.CategoryInfo.Category; $_.TargetObject }"
    )

    assert output(script).splitlines() == [
        "Microsoft.HyperV.PowerShell.VirtualizationException",
        "InvalidParameter,Microsoft.HyperV.PowerShell.Commands.GetVM",
        "InvalidArgument",
        "nope",
    ]


def test_a_non_terminating_error_is_not_caught(run: Run) -> None:
    result = run("try { Get-VM nope, sql01 | ForEach-Object Name } catch { 'caught' }")

    assert result.out == "sql01\n"
    assert 'unable to find a virtual machine with name "nope"' in result.err


def test_a_cmdlets_terminating_error_is_caught(output: Output) -> None:
    assert output("try { Start-VM nope } catch { 'caught ' + $_.TargetObject }") == "caught nope\n"


@pytest.mark.parametrize("preference", ["SilentlyContinue", "Ignore"])
def test_silenced_errors_print_nothing(output: Output, preference: str) -> None:
    assert output(f"Get-VM nope -ErrorAction {preference}; $Error.Count") == (
        "1\n" if preference == "SilentlyContinue" else "0\n"
    )


def test_error_variable_collects_and_adds(output: Output) -> None:
    script = (
        "Get-VM a -ErrorVariable e -ErrorAction SilentlyContinue; $e.Count; "
        "Get-VM b -ErrorVariable +e -ErrorAction SilentlyContinue; $e.Count; $e[1].TargetObject"
    )

    assert output(script) == "1\n2\nb\n"


def test_a_typed_catch_takes_the_most_derived_type_and_inner_exceptions(output: Output) -> None:
    assert output("try { 1/0 } catch [System.Exception] { 'wide' }") == "wide\n"
    script = (
        "try { [datetime]::Parse('x') } catch [System.ArithmeticException] { 'no' } "
        "catch [System.FormatException] { 'format' } catch { 'any' }"
    )
    assert output(script) == "format\n"


def test_an_error_that_no_clause_takes_goes_on_through_finally(run: Run) -> None:
    result = run(
        "try { try { throw 'x' } catch [System.TimeoutException] { 'no' } finally { 'last' } } "
        'catch { "outer $_" }'
    )

    assert result.out == "last\nouter x\n"


def test_errors_inside_a_function_called_in_try_are_caught(output: Output) -> None:
    assert output("function f { [int]'x'; 'not' }; try { f } catch { 'caught' }") == "caught\n"


def test_an_error_in_a_catch_block_goes_to_the_outer_try(output: Output) -> None:
    assert output("try { try { throw 'a' } catch { throw 'b' } } catch { \"$_\" }") == "b\n"


def test_error_holds_the_newest_first(output: Output) -> None:
    script = "try { throw 'one' } catch { }; try { throw 'two' } catch { }; \"$($Error[0])\""

    assert output(script) == "two\n"


def test_an_error_names_the_line_where_it_happened(output: Output) -> None:
    script = (
        "'x' | Out-Null\n\ntry {\n  Get-VM nope -ErrorAction Stop\n} catch {\n"
        "$_.InvocationInfo.ScriptLineNumber }"
    )

    assert output(script) == "4\n"


def test_an_unhandled_error_prints_message_position_category_and_id(run: Run) -> None:
    err = run("Start-VM nope").err

    assert err.splitlines()[:2] == [
        'Start-VM : Hyper-V was unable to find a virtual machine with name "nope".',
        "At line:1 char:1",
    ]
    assert "    + CategoryInfo          : InvalidArgument: (nope:String) [Start-VM], Virtua" in err
    assert "    + FullyQualifiedErrorId : InvalidParameter,Microsoft.HyperV.PowerShell" in err


def test_ps_cmdlet_throws_terminating_errors(output: Output) -> None:
    script = (
        "function f { [CmdletBinding()] param() $e = [System.InvalidOperationException]::new('no');"
        " $PSCmdlet.ThrowTerminatingError([System.Management.Automation.ErrorRecord]::new("
        "$e, 'MyId', 'InvalidOperation', 7)) }; "
        "try { f } catch { $_.FullyQualifiedErrorId; $_.TargetObject; $_.CategoryInfo.Category }"
    )

    assert output(script) == "MyId\n7\nInvalidOperation\n"


def test_runaway_recursion_is_an_error_not_a_crash(run: Run) -> None:
    result = run("function f { f }; try { f } catch { $_.FullyQualifiedErrorId }")

    assert result.out == "CallDepthOverflow\n"


def test_what_the_lab_cannot_do_is_told_even_when_it_is_caught(run: Run) -> None:
    result = run("try { [System.Net.Mail.MailMessage]::new() } catch { 'caught' }")

    assert result.out == "caught\n"
    assert "lab: this PowerShell construct is not in the lab's subset" in result.err
    assert "System.Net.Mail.MailMessage" in result.err


@pytest.mark.parametrize(
    ("script", "named"),
    [
        ("Get-VMHostSupportedVersion", "Get-VMHostSupportedVersion"),
        ("Get-Process", "Get-Process"),
        ("ipconfig /all", "ipconfig"),
        ("'x'.Normalize()", "Normalize"),
        ("[System.IO.File]::ReadAllText('x')", "ReadAllText"),
        ("Invoke-Expression '1'", "Invoke-Expression"),
        ("New-Object -ComObject Shell.Application", "ComObject"),
        ("Test-Path C:\\x", "C:\\x"),
    ],
)
def test_what_windows_has_and_the_lab_has_not_is_refused_by_name(
    run: Run, script: str, named: str
) -> None:
    result = run(script)

    assert result.code == 1
    assert "lab: this PowerShell construct is not in the lab's subset" in result.err
    assert named in result.err


def test_a_command_that_windows_has_not_is_not_found(output: Output) -> None:
    script = "try { Get-Wm } catch { $_.Exception.GetType().FullName; $_.CategoryInfo.Category }"

    assert output(script) == (
        "System.Management.Automation.CommandNotFoundException\nObjectNotFound\n"
    )
