"""What can happen to one WSMan message, reduced to what a lane must know: was it consumed?

Facts: the WinRM notes, section 5 (names of the codes: wsmerror.h).
"""

from __future__ import annotations

from enum import Enum

__all__ = ["WireFault", "WireFaultKind", "kind_of_fault_code", "kind_of_http_status"]


class WireFaultKind(Enum):
    """Why a message has no answer. Only LOST and TIMED_OUT leave open whether it was read."""

    UNDELIVERED = "the server could not be reached"
    DENIED = "the account was refused"
    REFUSED = "the server refused the request unread"
    QUOTA = "a quota of the server is exhausted"
    SHELL_GONE = "the shell is gone"
    TIMED_OUT = "the server's operation timeout expired"
    LOST = "the connection broke, or no reply came"


_QUOTA_CODES = frozenset(
    {
        2150858815,  # generic quota limit
        2150859173,  # shells per user
        2150859174,  # operations per user
        2150859175,  # user quota
        2150859176,  # system load
        2150859179,  # shell users
        *range(2150859236, 2150859242),  # quotas of a plug-in, commands per shell
    }
)
_SHELL_GONE_CODES = frozenset(
    {
        109,  # ERROR_BROKEN_PIPE: the process is no longer there to read its input
        232,  # ERROR_NO_DATA: likewise
        2150858843,  # no such shell or command
        2147943418,  # the profile was unloaded
    }
)
_UNREAD_HTTP = frozenset({400, 403, 404, 405, 411, 413, 415, 503})


class WireFault(Exception):  # noqa: N818 - never leaves this package
    """One message failed.

    Attributes:
        code: WSMan fault code, or HTTP status, or 0.
    """

    def __init__(self, kind: WireFaultKind, text: str, *, code: int = 0) -> None:
        self.kind, self.text, self.code = kind, text, code
        super().__init__(text)


def kind_of_fault_code(code: int, *, action: str) -> WireFaultKind:
    """What a WSMan fault means for a message of that action.

    An unknown code on Send or Receive is taken as LOST: better to ask than to assume.
    """
    if code == 2150858793:
        return WireFaultKind.TIMED_OUT
    if code in _SHELL_GONE_CODES:
        return WireFaultKind.SHELL_GONE
    if code in _QUOTA_CODES:
        return WireFaultKind.QUOTA
    if code == 5:  # ERROR_ACCESS_DENIED
        return WireFaultKind.DENIED
    if code == 2150858817:  # the message does not fit the schema
        return WireFaultKind.REFUSED
    if action in ("Create", "Command", "Signal", "Delete") and code not in (995, 1460):
        return WireFaultKind.REFUSED
    return WireFaultKind.LOST


def kind_of_http_status(status: int) -> WireFaultKind:
    """What an HTTP status without a WSMan fault means.

    403 is an answer about rights; 400 is what sealed messages get on a connection that is new to
    the server, and 503 comes from http.sys: neither was read by WinRM.
    """
    if status in (401, 403):
        return WireFaultKind.DENIED
    return WireFaultKind.REFUSED if status in _UNREAD_HTTP else WireFaultKind.LOST
