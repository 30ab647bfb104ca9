"""A shell with one PowerShell in it that runs the bootstrap: made, spoken to, taken away."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from secondsite.connectors.winrm.bootstrap import POWERSHELL, bootstrap_arguments
from secondsite.connectors.winrm.deadline import Deadline
from secondsite.connectors.winrm.framing import Answer, Bad, FrameReader, Running
from secondsite.connectors.winrm.limits import LaneLimits
from secondsite.connectors.winrm.wire import Wire
from secondsite.connectors.winrm.wirefault import WireFault, WireFaultKind

__all__ = ["ResidentProcess"]

_STDERR_KEPT_BYTES = 2_000


@dataclass(slots=True)
class ResidentProcess:
    """A PowerShell on the server, by its shell id and command id.

    Attributes:
        started_at: On the deadline's clock.
        requests_count: Requests that it was given.
        known_digests: Scripts whose text it has.
        exit_code: Set once it is known to have ended.
        stderr: The last of its standard error; evidence only, never a verdict.
    """

    wire: Wire
    limits: LaneLimits
    shell_id: str
    command_id: str
    started_at: float
    requests_count: int = 0
    known_digests: set[str] = field(default_factory=set)
    exit_code: int | None = None
    stderr: bytes = b""
    reader: FrameReader = field(default_factory=FrameReader)

    @classmethod
    def start(cls, wire: Wire, *, limits: LaneLimits, deadline: Deadline) -> ResidentProcess:
        """Open a shell and start the bootstrap in it.

        Raises:
            WireFault: it did not come about; a shell already opened is removed again if possible.
        """

        def reply_s() -> float:
            return min(limits.reply_timeout_s, deadline.remaining_s)

        shell_id = wire.create(idle_timeout_s=limits.idle_timeout_s, timeout_s=reply_s())
        try:
            command_id = wire.command(
                shell_id, POWERSHELL, bootstrap_arguments(), timeout_s=reply_s()
            )
        except WireFault:
            with contextlib.suppress(WireFault):
                wire.delete(shell_id, timeout_s=limits.close_timeout_s)
            raise
        return cls(
            wire=wire,
            limits=limits,
            shell_id=shell_id,
            command_id=command_id,
            started_at=deadline.clock(),
        )

    def send(self, data: bytes, *, end: bool, deadline: Deadline) -> None:
        """Write to its standard input."""
        timeout_s = min(self.limits.reply_timeout_s, deadline.remaining_s)
        self.wire.send(self.shell_id, self.command_id, data, end=end, timeout_s=timeout_s)

    def receive(self, deadline: Deadline) -> Iterator[Answer | Bad | Running]:
        """What it said within one long poll; sets `exit_code` when it has ended."""
        wait_s = min(self.limits.poll_s, deadline.remaining_s)
        received = self.wire.receive(
            self.shell_id,
            self.command_id,
            wait_s=wait_s,
            timeout_s=min(max(wait_s, 1.0) + self.limits.poll_grace_s, deadline.remaining_s),
        )
        self.stderr = (self.stderr + received.stderr)[-_STDERR_KEPT_BYTES:]
        self.exit_code = received.exit_code
        return self.reader.feed(received.stdout)

    @property
    def last_words(self) -> str:
        """The end of its standard error on one line, where it is plain text."""
        text = " ".join(self.stderr.decode("utf-8", "replace").split())
        return "" if text.startswith("#<") else text[-200:]

    def remove(self) -> None:
        """Kill the process and remove the shell; a server that does not listen is left alone.

        A shell that could not be removed ends by its idle timeout.
        """
        timeout_s = self.limits.close_timeout_s
        with contextlib.suppress(WireFault):
            if self.exit_code is None:
                self._terminate(timeout_s)
            self.wire.delete(self.shell_id, timeout_s=timeout_s)

    def _terminate(self, timeout_s: float) -> None:
        """Kill the process; a server that answers at all has still to be told about the shell."""
        try:
            self.wire.terminate(self.shell_id, self.command_id, timeout_s=timeout_s)
        except WireFault as fault:
            if fault.kind not in (WireFaultKind.SHELL_GONE, WireFaultKind.REFUSED):
                raise
