"""What can end the running of a script, from an error to `exit`.

::

    ParseFailure         the text is not PowerShell, or not in the lab's subset
    PsError              an error that ends a statement or the script; a script may catch it
    BreakSignal ...      break, continue, return, exit on their way
    RunspaceStopped      the process was terminated
"""

from __future__ import annotations

from typing import Final

from secondsite.lab.powershell.values import ErrorRecord, PsException

RUNTIME_EXCEPTION: Final = "System.Management.Automation.RuntimeException"
LAB_SUBSET: Final = "LabSubset"


class ParseFailure(Exception):  # noqa: N818 - what Windows calls ParseException
    """A script text that cannot be parsed."""

    def __init__(
        self, message: str, *, error_id: str, line: int, column: int, line_text: str
    ) -> None:
        self.message = message
        self.error_id = error_id
        self.line = line
        self.column = column
        self.line_text = line_text
        super().__init__(f"line {line}: {message}")

    def record(self) -> ErrorRecord:
        """The error as a script sees it."""
        at = f"At line:{self.line} char:{self.column}\n+ {self.line_text}\n"
        error = ErrorRecord(
            "System.Management.Automation.ParseException",
            f"{at}{self.message}",
            self.error_id,
            "ParserError",
        )
        error.line, error.statement, error.column = self.line, self.line_text, self.column
        return error


class PsError(Exception):
    """A terminating error.

    Attributes:
        record: What `$_` is in a catch block.
        ends_script: It passes statements too (`throw`, -ErrorAction Stop), not only the one it
            happened in.
    """

    def __init__(self, record: ErrorRecord, *, ends_script: bool = False) -> None:
        self.record = record
        self.ends_script = ends_script
        super().__init__(record.message)


class Signal(Exception):  # noqa: N818 - not an error
    """Control on its way out of a block."""


class BreakSignal(Signal):
    """`break`."""

    def __init__(self, label: str) -> None:
        self.label = label
        super().__init__(label)


class ContinueSignal(Signal):
    """`continue`."""

    def __init__(self, label: str) -> None:
        self.label = label
        super().__init__(label)


class ReturnSignal(Signal):
    """`return`; its value went to the output already."""


class ExitSignal(Signal):
    """`exit`."""

    def __init__(self, code: int) -> None:
        self.code = code
        super().__init__(code)


class PipelineStop(Signal):
    """A command wants no more input (`Select-Object -First`); `owner` is that command."""

    def __init__(self, owner: object) -> None:
        self.owner = owner
        super().__init__()


class RunspaceStopped(Signal):
    """The process was terminated from outside."""


class ConversionFailure(Exception):  # noqa: N818 - becomes a PsError where it is used
    """A value cannot become the type that was asked for."""

    def __init__(
        self, message: str, *, error_id: str = "ConvertToFinalInvalidCastException"
    ) -> None:
        self.message = message
        self.error_id = error_id
        super().__init__(message)


def runtime_error(
    message: str,
    error_id: str,
    *,
    category: str = "InvalidOperation",
    target: object = None,
    exception_type: str = RUNTIME_EXCEPTION,
    inner: PsException | None = None,
) -> PsError:
    """A statement-terminating error of the language itself."""
    exception = PsException(exception_type, message, inner)
    return PsError(
        ErrorRecord(exception_type, message, error_id, category, target, exception=exception)
    )


def unsupported(what: str) -> PsError:
    """Windows may know `what`; the lab does not, and says so."""
    return runtime_error(
        f"lab: this PowerShell construct is not in the lab's subset: {what}",
        LAB_SUBSET,
        category="NotImplemented",
        exception_type="System.NotSupportedException",
    )
