"""What a session keeps: modules, streams, strict mode, console, hooks, stopping."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from secondsite.lab.powershell.failures import RunspaceStopped
from secondsite.lab.powershell.registry import CmdletError, CmdletRegistry
from secondsite.lab.powershell.values import ErrorRecord

Session = Any
Make = Callable[..., Any]


@dataclass
class Times:
    process_start_s: float = 0.0
    module_import_s: dict[str, float] = field(default_factory=lambda: {"Hyper-V": 2.5})


# Modules


def test_a_module_is_imported_once_and_takes_its_time(make_session: Make) -> None:
    session = make_session(timing=Times())

    session.run("Import-Module Hyper-V; Get-VM | Out-Null; Import-Module Hyper-V")

    assert session.clock.slept_s == [2.5]


def test_a_cmdlet_imports_its_module_by_itself(make_session: Make) -> None:
    session = make_session(timing=Times())

    session.run("Get-VM | Out-Null; Get-VM | Out-Null")

    assert session.clock.slept_s == [2.5]
    assert session.run("(Get-Module Hyper-V).Name").out == "Hyper-V\n"


def test_a_module_that_is_not_installed_cannot_be_used(make_session: Make) -> None:
    session = make_session(modules=())

    assert "CommandNotFoundException" in session.run("Get-VM").err
    assert "Modules_ModuleNotFound" in session.run("Import-Module Hyper-V").err


def test_importing_makes_noise_on_stderr_unless_told_not_to(make_session: Make) -> None:
    noisy, quiet = make_session(clixml_errors=True), make_session(clixml_errors=True)

    noisy.run("Import-Module Hyper-V")
    quiet.run("$ProgressPreference = 'SilentlyContinue'; Import-Module Hyper-V")

    assert noisy.err.text.startswith("#< CLIXML\n<Objs ")
    assert "Preparing modules for first use." in noisy.err.text
    assert quiet.err.text == ""


# Hooks


def test_the_hook_hears_of_each_call_before_it_happens(make_session: Make) -> None:
    heard: list[str] = []
    session = make_session(on_cmdlet=lambda name, given: heard.append(f"{name} {dict(given)}"))

    session.run("'sql01', 'web01' | Start-VM; 1, 2 | Sort-Object | Out-Null")

    assert heard == ["Start-VM {'Name': ['sql01']}", "Start-VM {'Name': ['web01']}"]


def test_a_hook_can_make_a_cmdlet_fail(make_session: Make) -> None:
    def refuse(name: str, given: object) -> None:
        raise CmdletError(ErrorRecord("System.Exception", "broken", "Broken", "DeviceError"))

    session = make_session(on_cmdlet=refuse)

    assert session.run('try { Start-VM sql01 } catch { "$_" }').out == "broken\n"
    assert session.machines.done == []


def test_what_else_a_hook_raises_ends_the_process(make_session: Make) -> None:
    class Killed(BaseException):
        pass

    def kill(name: str, given: object) -> None:
        raise Killed

    session = make_session(on_cmdlet=kill)

    with pytest.raises(Killed):
        session.run("try { Start-VM sql01 } catch { 'survived' }")


# Streams


def test_streams_go_where_windows_sends_them(session: Session) -> None:
    result = session.run(
        "Write-Host 'host'; Write-Warning 'w'; Write-Verbose 'no'; Write-Verbose 'v' -Verbose; "
        "'out'"
    )

    assert result.out == "host\nWARNING: w\nVERBOSE: v\nout\n"


def test_redirections_merge_drop_and_keep_order(session: Session) -> None:
    result = session.run(
        "$all = & { 'a'; Write-Error 'e'; Write-Warning 'w'; 'b' } *>&1; $all.Count; "
        "& { Write-Warning 'gone'; 'kept' } 3>$null; & { 'x'; Write-Error 'y' } *>$null"
    )

    assert result.out == "4\nkept\n"
    assert result.err == ""


def test_clixml_errors_carry_every_line(make_session: Make) -> None:
    session = make_session(clixml_errors=True)

    session.run("Write-Error 'a <b> \u00e9'")

    assert session.err.text.startswith("#< CLIXML\n")
    assert '<S S="Error">' in session.err.text
    assert "a &lt;b&gt; \u00e9_x000D__x000A_</S>" in session.err.text


# Strict mode


@pytest.mark.parametrize(
    "script",
    ["$nope", "(Get-VM sql01).Nope", "@{ a = 1 }.b", "[pscustomobject]@{ a = 1 }.b", "$null.x"],
)
def test_strict_mode_makes_missing_things_errors(session: Session, script: str) -> None:
    assert session.run(script).err == ""
    assert "Strict" in session.run(f"Set-StrictMode -Version Latest; {script}").err or (
        "VariableIsUndefined" in session.err.text
    )


def test_strict_mode_ends_with_its_scope(session: Session) -> None:
    assert session.run("& { Set-StrictMode -Version 2.0 }; $nope; 'fine'").err == ""


# Console, time, scopes


def test_the_console_reads_lines_until_the_end(make_session: Make) -> None:
    session = make_session("one", "two")

    result = session.run(
        "while ($null -ne ($line = [Console]::In.ReadLine())) { "
        '[Console]::Out.WriteLine("<$line>") }'
    )

    assert result.out == "<one>\n<two>\n"


def test_sleep_is_real_and_dates_come_from_the_lab_clock(session: Session) -> None:
    result = session.run(
        "$a = Get-Date; Start-Sleep -Seconds 2; Start-Sleep -Milliseconds 500; "
        "((Get-Date) - $a).TotalSeconds; [datetime]::UtcNow.ToString('s'); $a.Kind"
    )

    assert session.clock.slept_s == [2.0, 0.5]
    assert result.out == "2.5\n2026-03-01T03:00:02\nLocal\n"


def test_stop_ends_a_script_at_the_next_statement(session: Session) -> None:
    session.runspace.stop()

    with pytest.raises(RunspaceStopped):
        session.run("'never'")
    assert session.out.text == ""


def test_a_stopped_script_cannot_catch_it_but_runs_its_finally(make_session: Make) -> None:
    stopper: list[Any] = []

    def stop(name: str, given: object) -> None:
        stopper[0].runspace.stop()

    session = make_session(on_cmdlet=stop)
    stopper.append(session)

    with pytest.raises(RunspaceStopped):
        session.run("try { Get-VM sql01; 'never' } catch { 'caught' } finally { 'last' }")
    assert session.out.text.endswith("last\n")
    assert "never" not in session.out.text
    assert "caught" not in session.out.text


def test_variables_and_functions_last_from_one_script_to_the_next(session: Session) -> None:
    session.run("$x = 1; function f { 'f' }")

    assert session.run("$x; f").out == "1\nf\n"


def test_a_child_scope_reads_but_does_not_change_the_one_around(session: Session) -> None:
    assert session.run("$x = 1; & { $x; $x = 2; $x }; $x; . { $x = 3 }; $x").out == "1\n2\n1\n3\n"


def test_foreach_object_runs_in_the_scope_it_stands_in(session: Session) -> None:
    assert session.run("$n = 0; 1..3 | ForEach-Object { $n += $_ }; $n").out == "6\n"


def test_an_unordered_hashtable_does_not_keep_the_order_it_was_written_in(session: Session) -> None:
    names = [f"key{index}" for index in range(12)]
    pairs = "; ".join(f"{name} = 1" for name in names)

    assert session.run(f"(@{{ {pairs} }}).Keys -join ' '").out.split() != names
    assert session.run(f"([ordered]@{{ {pairs} }}).Keys -join ' '").out.split() == names


def test_objects_print_as_they_do_in_strings(session: Session) -> None:
    assert session.run('"$(Get-VM sql01)"').out == "VirtualMachine (Name = 'sql01')\n"
    assert session.run('"$((Get-VM sql01).State)"').out == "Off\n"
    assert session.run("(Get-VM sql01).State -eq 'off'").out == "True\n"
    assert session.run("if ((Get-VM sql01).State -eq 3) { 'yes' }").out == "yes\n"


# The registry


def test_a_cmdlet_that_windows_does_not_document_cannot_be_registered() -> None:
    with pytest.raises(LookupError, match="wanted_cmdlets"):
        CmdletRegistry().cmdlet("Get-Nonsense", module="Hyper-V")(lambda call: None)


def test_a_cmdlet_cannot_be_registered_twice() -> None:
    registry, other = CmdletRegistry(), CmdletRegistry()
    registry.cmdlet("Get-VM", module="Hyper-V")(lambda call: None)
    other.cmdlet("Get-VM", module="Hyper-V")(lambda call: None)

    with pytest.raises(ValueError, match="Get-VM is registered twice"):
        registry.include(other)
