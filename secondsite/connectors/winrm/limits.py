"""How long a lane waits for what, and how much it puts into one message."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["LaneLimits"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneLimits:
    """Bounds of one lane. The defaults suit real servers; tests shorten them.

    Attributes:
        connect_timeout_s: For a TCP connection and its TLS handshake.
        reply_timeout_s: For an answer to anything but a Receive.
        poll_s: OperationTimeout of a Receive: the server answers after this at the latest
            (Windows' own maximum is 60 s, MS-WSMV MaxTimeoutms).
        poll_grace_s: How much later than `poll_s` a reply to a Receive may come.
        start_timeout_s: For a shell, its PowerShell and the import of modules.
        settle_s: How long an unknown outcome is worth reconnecting for (within the call's own
            deadline) before it is reported as unknown.
        ask_every_s: A quiet request is asked after this often: its answer may have been lost.
        backoff_s: First pause before another try; it doubles up to 5 s.
        tries: How often something that surely did not happen is tried again.
        chunk_bytes: Bytes of stdin in one Send; base64 and the envelope come on top, and
            MaxEnvelopeSizekb may be 150 (MS-WSMV 2.2.4.10).
        request_limit_bytes: Longest request line: ConvertFrom-Json of older Windows PowerShell
            stops at 2 MiB of text.
        recycle_requests: A lane gets a fresh PowerShell after so many requests.
        recycle_age_s: And after so long.
        idle_timeout_s: After how long without us the server may remove the shell by itself.
        close_timeout_s: For the farewell to a shell.
        denied_pause_s: How long an account that was refused is not tried again on that server.
        lanes_per_host: Most lanes that a pool opens to one server.
    """

    connect_timeout_s: float = 10.0
    reply_timeout_s: float = 30.0
    poll_s: float = 20.0
    poll_grace_s: float = 10.0
    start_timeout_s: float = 120.0
    settle_s: float = 60.0
    ask_every_s: float = 60.0
    backoff_s: float = 0.5
    tries: int = 3
    chunk_bytes: int = 96_000
    request_limit_bytes: int = 1_900_000
    recycle_requests: int = 2_000
    recycle_age_s: float = 4 * 3600.0
    idle_timeout_s: float = 7200.0
    close_timeout_s: float = 5.0
    denied_pause_s: float = 600.0
    lanes_per_host: int = 4
