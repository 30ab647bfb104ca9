"""Exceptions and error records, as a script holds them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from secondsite.lab.powershell.wording import words


@dataclass(eq=False, slots=True)
class PsException:
    """A .NET exception.

    Attributes:
        type_name: Full name of its type.
        message: What it says.
        inner: The exception that it wraps.
        properties: What the type adds to Message.
    """

    type_name: str
    message: str
    inner: PsException | None = None
    properties: Mapping[str, object] = field(default_factory=dict)


ERROR_CATEGORIES: Final = words(
    """
    NotSpecified OpenError CloseError DeviceError DeadlockDetected InvalidArgument InvalidData
    InvalidOperation InvalidResult InvalidType MetadataError NotImplemented NotInstalled
    ObjectNotFound OperationStopped OperationTimeout SyntaxError ParserError PermissionDenied
    ResourceBusy ResourceExists ResourceUnavailable ReadError WriteError FromStdErr
    SecurityError ProtocolError ConnectionError AuthenticationError LimitsExceeded QuotaExceeded
    NotEnabled
    """
)
"""Names of System.Management.Automation.ErrorCategory, by number (PowerShell-Docs, about it)."""


class ErrorRecord:
    """One error, as `$_` holds it in a catch block.

    Attributes:
        exception: What `.Exception` gives.
        fully_qualified_id: As Windows prints it, `InvalidState,Some.Commands.StartVM`.
        category: A name of `ERROR_CATEGORIES`.
        target: The object that the error is about.
        activity: Name of the cmdlet that reported it.
        line: Line of the script where it happened; 0: not known.
        statement: Text of that line.
        column: Where in that line the command starts, from 1.
    """

    __slots__ = (
        "activity",
        "category",
        "column",
        "exception",
        "fully_qualified_id",
        "line",
        "statement",
        "target",
    )

    def __init__(
        self,
        exception_type: str,
        message: str,
        fully_qualified_id: str,
        category: str = "NotSpecified",
        target: object = None,
        *,
        exception: PsException | None = None,
    ) -> None:
        if category not in ERROR_CATEGORIES:
            raise ValueError(f"{category!r} is no ErrorCategory")
        self.exception = exception or PsException(exception_type, message)
        self.fully_qualified_id = fully_qualified_id
        self.category = category
        self.target = target
        self.activity = ""
        self.line = 0
        self.statement = ""
        self.column = 1

    @property
    def message(self) -> str:
        """What the exception says."""
        return self.exception.message

    @property
    def exception_type(self) -> str:
        """Full type name of the exception."""
        return self.exception.type_name

    def __repr__(self) -> str:
        return f"ErrorRecord({self.fully_qualified_id!r}, {self.message!r})"
