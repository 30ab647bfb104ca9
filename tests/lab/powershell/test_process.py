"""powershell.exe as a process: pipes, exit codes, termination, command lines."""

from __future__ import annotations

import base64
import threading
from dataclasses import dataclass, field
from typing import Any

import pytest

from secondsite.lab.powershell.clock import RealClock
from secondsite.lab.powershell.process import (
    CommandLineError,
    PowerShellProcess,
    parse_command_line,
)
from secondsite.lab.powershell.registry import CmdletRegistry

LIMIT_S = 10.0


def encoded(script: str) -> str:
    data = base64.b64encode(script.encode("utf-16-le")).decode("ascii")
    return (
        f"powershell.exe -NoProfile -NonInteractive -ExecutionPolicy Bypass -EncodedCommand {data}"
    )


def start(script: str, **options: Any) -> PowerShellProcess:
    return PowerShellProcess(
        encoded(script), registry=CmdletRegistry(), host=None, clock=RealClock(), **options
    )


def read_until_end(process: PowerShellProcess) -> tuple[bytes, bytes, int]:
    stdout = stderr = b""
    while True:
        output = process.read(timeout_s=LIMIT_S)
        stdout, stderr = stdout + output.stdout, stderr + output.stderr
        if output.exit_code is not None:
            assert process.join(timeout_s=LIMIT_S)
            return stdout, stderr, output.exit_code
        assert output.stdout or output.stderr


def read_text(process: PowerShellProcess, wanted: bytes) -> bytes:
    got = b""
    while wanted not in got:
        output = process.read(timeout_s=LIMIT_S)
        assert output.exit_code is None or wanted in got + output.stdout
        got += output.stdout
    return got


def test_output_and_exit_code_of_a_script() -> None:
    stdout, stderr, code = read_until_end(start("'gr\u00fc\u00df'; exit 4"))

    assert (stdout.decode("utf-8"), stderr, code) == ("gr\u00fc\u00df\r\n", b"", 4)


def test_errors_are_clixml_on_stderr_and_the_exit_code_is_1() -> None:
    _, stderr, code = read_until_end(start("throw 'bad'"))

    assert stderr.startswith(b"#< CLIXML\r\n<Objs ")
    assert b"bad" in stderr
    assert code == 1


def test_a_resident_loop_answers_line_by_line() -> None:
    process = start(
        'while ($null -ne ($l = [Console]::In.ReadLine())) { [Console]::Out.WriteLine("<$l>") }; '
        "exit 7"
    )

    process.write_stdin(b"eins\r\nzw")
    first = read_text(process, b"<eins>\r\n")
    process.write_stdin("\u00f6lf\n".encode())
    second = read_text(process, "<zw\u00f6lf>".encode())
    process.write_stdin(b"", end=True)

    assert first == b"<eins>\r\n"
    assert second.decode() == "<zw\u00f6lf>\r\n"
    assert read_until_end(process) == (b"", b"", 7)


def test_a_character_split_between_two_writes_stays_whole() -> None:
    process = start("[Console]::In.ReadLine()")

    process.write_stdin(b"a\xc3")
    process.write_stdin(b"\xa9b\n", end=True)

    assert read_until_end(process)[0].decode() == "a\u00e9b\r\n"


def test_the_last_line_needs_no_line_end() -> None:
    process = start("[Console]::In.ReadLine(); $null -eq [Console]::In.ReadLine()")

    process.write_stdin(b"last", end=True)

    assert read_until_end(process)[0] == b"last\r\nTrue\r\n"


def test_reading_waits_no_longer_than_asked() -> None:
    process = start("[Console]::In.ReadLine()")

    output = process.read(timeout_s=0.01)

    assert (output.stdout, output.stderr, output.exit_code) == (b"", b"", None)
    process.terminate()
    assert process.join(timeout_s=LIMIT_S)


@pytest.mark.parametrize(
    "script", ["[Console]::In.ReadLine()", "Start-Sleep -Seconds 600", "while ($true) { }"]
)
def test_termination_ends_waits_and_loops_at_once(script: str) -> None:
    process = start(script)

    process.terminate()

    assert read_until_end(process)[2] == 1


def test_the_callback_hears_of_output_and_of_the_end() -> None:
    told = threading.Event()
    process = start("'x'", on_output=told.set)

    assert told.wait(LIMIT_S)
    assert read_until_end(process)[0] == b"x\r\n"


@dataclass
class Times:
    process_start_s: float = 0.03
    module_import_s: dict[str, float] = field(default_factory=dict)


class CountingClock(RealClock):
    def __init__(self) -> None:
        self.slept_s: list[float] = []

    def sleep(self, seconds: float, interrupt: threading.Event) -> None:
        self.slept_s.append(seconds)


def test_starting_takes_the_time_that_the_lab_says() -> None:
    clock = CountingClock()
    process = PowerShellProcess(
        encoded("'up'"), registry=CmdletRegistry(), host=None, clock=clock, timing=Times()
    )

    assert read_until_end(process)[0] == b"up\r\n"
    assert clock.slept_s == [0.03]


def test_what_a_fault_raises_ends_the_process_as_a_crash() -> None:
    from_registry = CmdletRegistry()

    @from_registry.cmdlet("Get-VM", module="Hyper-V")
    def get_vm(call: object) -> None:
        raise KeyError("a defect of the lab")

    process = PowerShellProcess(
        encoded("try { Get-VM } catch { 'hidden' }"),
        registry=from_registry,
        host=None,
        clock=RealClock(),
    )
    stdout, stderr, code = read_until_end(process)

    assert (stdout, code) == (b"", -1073741819)
    assert b"lab: the process crashed" in stderr
    assert b"a defect of the lab" in stderr


# Command lines


@pytest.mark.parametrize(
    ("command_line", "script"),
    [
        ("powershell -NoProfile -Command Get-VM", "Get-VM"),
        ("powershell.exe -nop -noni -c \"'a b'\"", "'a b'"),
        ("C:\\Windows\\System32\\powershell.exe Get-VM -Name x", "Get-VM -Name x"),
        ("powershell -Command -", None),
    ],
)
def test_command_lines_of_powershell(command_line: str, script: str | None) -> None:
    assert parse_command_line(command_line).script == script


def test_commands_from_standard_input_run_when_it_ends() -> None:
    process = PowerShellProcess(
        "powershell -NoProfile -Command -", registry=CmdletRegistry(), host=None, clock=RealClock()
    )

    process.write_stdin(b"1 + 1\n", end=True)

    assert read_until_end(process) == (b"2\r\n", b"", 0)


@pytest.mark.parametrize(
    "command_line",
    [
        "",
        "cmd /c dir",
        "powershell.exe",
        "powershell -File x.ps1",
        "powershell -EncodedCommand !!!",
        "powershell -NoSuchOption",
    ],
)
def test_anything_else_is_refused_loudly(command_line: str) -> None:
    with pytest.raises(CommandLineError):
        parse_command_line(command_line)
