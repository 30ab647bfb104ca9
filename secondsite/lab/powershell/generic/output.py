"""Write-* and Out-* cmdlets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from secondsite.lab.powershell.conversion import as_array
from secondsite.lab.powershell.failures import unsupported
from secondsite.lab.powershell.pipeline import emit_value
from secondsite.lab.powershell.registry import CmdletCall, CmdletRegistry, PipelineCmdlet
from secondsite.lab.powershell.show import shown_lines
from secondsite.lab.powershell.text_form import to_text
from secondsite.lab.powershell.values import ERROR_CATEGORIES, ErrorRecord, PsException

OUTPUT: Final = CmdletRegistry()
_UTILITY: Final = "Microsoft.PowerShell.Utility"
_CORE: Final = "Microsoft.PowerShell.Core"


@OUTPUT.cmdlet("Write-Output", module=_UTILITY, generic=True)
def write_output(call: CmdletCall) -> None:
    """Gives what it is given, element by element."""
    value = call.get("InputObject")
    if call.switch("NoEnumerate"):
        call.emit(value)
    elif isinstance(value, list) and len(value) == 1 and not call.has_input:
        emit_value(value[0], call.emit)
    else:
        emit_value(value, call.emit)


@OUTPUT.cmdlet("Write-Host", module=_UTILITY, generic=True)
def write_host(call: CmdletCall) -> None:
    """Writes to the host: standard output of the process."""
    separator = to_text(call.get("Separator", " "))
    value = call.get("Object")
    items = as_array(value) if isinstance(value, list) else [value]
    text = separator.join(to_text(each) for each in items)
    call.runspace.write_host(text, newline=not call.switch("NoNewline"))


@OUTPUT.cmdlet("Write-Warning", module=_UTILITY, generic=True)
def write_warning(call: CmdletCall) -> None:
    """Writes to the warning stream."""
    call.runspace.write_stream("warning", to_text(call.get("Message")))


@OUTPUT.cmdlet("Write-Verbose", module=_UTILITY, generic=True)
def write_verbose(call: CmdletCall) -> None:
    """Writes to the verbose stream."""
    call.runspace.write_stream("verbose", to_text(call.get("Message")))


@OUTPUT.cmdlet("Write-Debug", module=_UTILITY, generic=True)
def write_debug(call: CmdletCall) -> None:
    """Writes to the debug stream."""
    call.runspace.write_stream("debug", to_text(call.get("Message")))


@OUTPUT.cmdlet("Write-Information", module=_UTILITY, generic=True)
def write_information(call: CmdletCall) -> None:
    """Writes to the information stream."""
    call.runspace.write_stream("information", to_text(call.get("MessageData")))


@OUTPUT.cmdlet("Write-Progress", module=_UTILITY, generic=True)
def write_progress(call: CmdletCall) -> None:
    """Writes to the progress stream."""
    call.runspace.write_stream("progress", to_text(call.get("Activity")))


@OUTPUT.cmdlet("Write-Error", module=_UTILITY, generic=True)
def write_error(call: CmdletCall) -> None:
    """Reports a non-terminating error."""
    record = call.get("ErrorRecord")
    if not isinstance(record, ErrorRecord):
        record = _new_record(call)
    record.activity = "Write-Error"
    call.write_error(record)
    call.runspace.succeeded = False


def _new_record(call: CmdletCall) -> ErrorRecord:
    exception = call.get("Exception")
    message = to_text(call.get("Message", ""))
    if not isinstance(exception, PsException):
        exception = PsException("Microsoft.PowerShell.Commands.WriteErrorException", message)
    error_id = to_text(call.get("ErrorId", "")) or exception.type_name
    category = to_text(call.get("Category", "NotSpecified"))
    known = {each.lower(): each for each in ERROR_CATEGORIES}
    return ErrorRecord(
        exception.type_name,
        exception.message or message,
        error_id,
        known.get(category.lower(), "NotSpecified"),
        call.get("TargetObject"),
        exception=exception,
    )


@OUTPUT.cmdlet("Out-Null", module=_CORE, generic=True)
def out_null(call: CmdletCall) -> None:
    """Drops what it is given."""
    del call


@OUTPUT.cmdlet("Out-Default", module=_CORE, generic=True)
def out_default(call: CmdletCall) -> None:
    """Shows an object on the console."""
    _show(call)


@OUTPUT.cmdlet("Out-Host", module=_CORE, generic=True)
def out_host(call: CmdletCall) -> None:
    """Shows an object on the console."""
    _show(call)


def _show(call: CmdletCall) -> None:
    if "InputObject" in call.parameters:
        for line in shown_lines(call.get("InputObject")):
            call.runspace.write_host(line)


@OUTPUT.pipeline_cmdlet("Out-String", module=_UTILITY, generic=True)
class OutString(PipelineCmdlet):
    """Makes one text of all objects, as they would be shown."""

    def begin(self, call: CmdletCall) -> None:
        """Nothing was seen yet."""
        del call
        self._lines: list[str] = []

    def process(self, call: CmdletCall) -> None:
        """Keep the lines of one object."""
        if "Width" in call.parameters:
            raise unsupported("Out-String -Width")
        if "InputObject" in call.parameters:
            self._lines += shown_lines(call.get("InputObject"))

    def end(self, call: CmdletCall) -> Iterator[object]:
        """The lines, or the text."""
        if call.switch("Stream"):
            yield from self._lines
        else:
            yield "".join(f"{line}\r\n" for line in self._lines)
