"""WSMan faults as Windows answers them.

Codes are those of wsmerror.h (through windows-docs-rs and the issues named in the WinRM notes,
section 5); subcodes follow DSP0226 and MS-WSMV. Texts are ours: clients must not parse them.
"""

from __future__ import annotations

__all__ = [
    "Refusal",
    "invalid_message",
    "operation_timeout",
    "shell_not_found",
    "too_many_processes",
    "too_many_shells",
    "unsupported_action",
    "wsman_code",
]


class Refusal(Exception):  # noqa: N818 - the word of the protocol is fault
    """An operation that is answered with a WSMan fault."""

    def __init__(self, *, code: int, text: str, subcode: str, is_receiver: bool = False) -> None:
        self.code, self.text, self.subcode = code, text, subcode
        self.is_receiver = is_receiver
        super().__init__(text)


def operation_timeout() -> Refusal:
    """Nothing happened within OperationTimeout: the normal end of an idle Receive."""
    return Refusal(
        code=2150858793,
        subcode="w:TimedOut",
        is_receiver=True,
        text="The operation did not complete within the time specified in OperationTimeout.",
    )


def shell_not_found(shell_id: str) -> Refusal:
    """No such shell (or command): removed, timed out, or another user's."""
    return Refusal(
        code=2150858843,
        subcode="w:InvalidSelectors",
        text=f"The shell or command {shell_id} was not found on the server.",
    )


def too_many_shells(limit: int) -> Refusal:
    """MaxShellsPerUser."""
    return Refusal(
        code=2150859173,
        subcode="w:QuotaLimit",
        text=f"This user is allowed at most {limit} concurrent shells, which has been exceeded.",
    )


def too_many_processes(limit: int) -> Refusal:
    """MaxProcessesPerShell. Which code Windows gives here is not confirmed."""
    return Refusal(
        code=2150859241,
        subcode="w:InternalError",
        is_receiver=True,
        text=f"The shell is allowed at most {limit} processes, which has been exceeded.",
    )


def invalid_message(text: str) -> Refusal:
    """The message does not fit the schema."""
    return Refusal(code=2150858817, subcode="w:SchemaValidationError", text=text)


def unsupported_action(action: str) -> Refusal:
    """The lab knows the six messages of a remote shell and no other."""
    return Refusal(
        code=2150858795,
        subcode="a:ActionNotSupported",
        text=f"The lab does not serve the action {action!r}.",
    )


def wsman_code(code: int) -> Refusal:
    """Any code, for injected faults."""
    known = {refusal.code: refusal for refusal in (operation_timeout(), shell_not_found("(any)"))}
    return known.get(code) or Refusal(
        code=code,
        subcode="w:QuotaLimit" if 2150859173 <= code <= 2150859240 else "w:InternalError",
        is_receiver=True,
        text=f"The operation failed with code {code} (injected by the lab).",
    )
