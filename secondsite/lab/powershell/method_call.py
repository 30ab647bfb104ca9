"""What methods share: how they fail, and how they take their arguments."""

from __future__ import annotations

from typing import Final

from secondsite.lab.powershell.conversion import to_bool, to_number
from secondsite.lab.powershell.failures import unsupported
from secondsite.lab.powershell.text_form import to_text

OUT_OF_RANGE: Final = "System.ArgumentOutOfRangeException"


class MethodFailure(Exception):  # noqa: N818 - becomes a MethodInvocationException
    """A .NET method threw."""

    def __init__(self, exception_type: str, message: str) -> None:
        self.exception_type = exception_type
        self.message = message
        super().__init__(message)


def whole(arguments: list[object], index: int) -> int:
    """An argument as an int."""
    return round(to_number(arguments[index]))


def text(arguments: list[object], index: int) -> str:
    """An argument as a string."""
    return to_text(arguments[index])


def truth(arguments: list[object], index: int) -> bool:
    """An argument as a bool."""
    return to_bool(arguments[index])


def expect_count(name: str, arguments: list[object], *counts: int) -> None:
    """Refuse overloads that the lab does not have."""
    if len(arguments) not in counts:
        raise unsupported(f"the method {name} with {len(arguments)} arguments")
