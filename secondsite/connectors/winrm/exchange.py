"""One request's way through a resident process, whatever happens to the connection meanwhile.

A request has an id, and the process gives the same answer to the same id; so after any loss the
exchange reconnects and asks again. "Unknown" is left only if the process itself is gone, or if
the deadline comes first. See `framing` for the bytes and `bootstrap.ps1` for the other side.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from secondsite.connectors.winrm.deadline import Deadline
from secondsite.connectors.winrm.framing import Answer, Bad, Running, encode_ask
from secondsite.connectors.winrm.limits import LaneLimits
from secondsite.connectors.winrm.resident import ResidentProcess
from secondsite.connectors.winrm.wirefault import WireFault, WireFaultKind

__all__ = ["Exchange", "InDoubtError", "ProcessEnd", "UndeliveredError"]

_BACKOFF_LIMIT_S = 5.0


class UndeliveredError(Exception):
    """The request was surely not executed; the process is of no use any more."""

    def __init__(self, reason: str, *, fault: WireFault | None = None) -> None:
        self.reason, self.fault = reason, fault
        super().__init__(reason)


class InDoubtError(Exception):
    """The request may have been executed, and nobody is left to tell."""

    def __init__(self, reason: str, *, fault: WireFault | None = None) -> None:
        self.reason, self.fault = reason, fault
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class ProcessEnd:
    """The script ended its process by itself (`exit`); only in a process of its own."""

    exit_code: int


@dataclass(slots=True)
class Exchange:
    """Sends one request line and waits for its answer.

    Args:
        ends_input: Close standard input behind the line: the process serves this request only.
    """

    process: ResidentProcess
    request_id: str
    line: bytes
    deadline: Deadline
    limits: LaneLimits
    sleep: Callable[[float], None]
    ends_input: bool = False
    _pending: bytes | None = None
    _may_have_run: bool = False
    _is_running: bool = False
    _sent_at: float = 0.0
    _settle_by: Deadline | None = None
    _failures: int = 0
    _damaged: int = 0
    _last_loss: str = ""

    def run(self) -> Answer | ProcessEnd:
        """The answer.

        Raises:
            UndeliveredError: surely not executed.
            InDoubtError: it may have been.
        """
        self._pending = self.line
        while not self.deadline.is_over:
            try:
                if self._pending is not None:
                    self._send(self._pending)
                answer = self._listen()
            except WireFault as fault:
                self._weigh(fault)
                continue
            if answer is not None:
                return answer
        raise self._verdict("no answer within the time allowed", fault=None)

    def _send(self, line: bytes) -> None:
        """Write `line` in chunks. Only its last chunk can make the process act."""
        size = self.limits.chunk_bytes
        for start in range(0, len(line), size):
            chunk = line[start : start + size]
            is_last = start + size >= len(line)
            try:
                self.process.send(chunk, end=self.ends_input and is_last, deadline=self.deadline)
            except WireFault as fault:
                if is_last and fault.kind in (WireFaultKind.LOST, WireFaultKind.TIMED_OUT):
                    self._doubt(line)
                raise
        self._doubt(line)
        self._pending = None
        self._sent_at = self.deadline.clock()

    def _doubt(self, line: bytes) -> None:
        """From here on the server may act on `line`."""
        self._may_have_run = self._may_have_run or line is self.line

    def _listen(self) -> Answer | ProcessEnd | None:
        """One long poll; the answer if it came."""
        for heard in self.process.receive(self.deadline):
            match heard:
                case Answer(id=self.request_id, phase="unheard"):
                    self._pending = self.line
                case Answer(id=self.request_id):
                    return heard
                case Running(id=self.request_id):
                    self._is_running = True
                case Bad():
                    self._repeat_damaged()
                case _:
                    pass  # the answer to an earlier request, given twice
        self._failures = 0
        self._settle_by = None
        if self.process.exit_code is not None:
            if self._is_running:
                return ProcessEnd(self.process.exit_code)
            reason = f"its PowerShell ended with exit code {self.process.exit_code}"
            if self.process.last_words:
                reason += f": {self.process.last_words}"
            raise self._verdict(reason, fault=None)
        is_quiet = self.deadline.clock() - self._sent_at >= self.limits.ask_every_s
        if self._pending is None and is_quiet:
            self._ask()
        return None

    def _ask(self) -> None:
        """Have the answer repeated, or hear that the request never arrived.

        A process whose input was ended cannot be asked: all that can be done is to listen.
        """
        if not self._may_have_run:
            self._pending = self.line
        else:
            self._pending = None if self.ends_input else encode_ask(self.request_id)

    def _repeat_damaged(self) -> None:
        """Send the line again: it, or the remains of one before it, arrived damaged.

        If it was not this one, then the process knows the id and repeats its answer.
        """
        self._damaged += 1
        if self._damaged > self.limits.tries:
            raise self._verdict("its input arrives damaged, every time", fault=None)
        self._pending = self.line

    def _weigh(self, fault: WireFault) -> None:
        """Go on after `fault`, or raise what it means."""
        self._failures += 1
        self._last_loss = fault.text
        if self.deadline.is_over:
            raise self._verdict("no answer within the time allowed", fault=fault)
        match fault.kind:
            case WireFaultKind.SHELL_GONE:
                if self._may_have_run and self._pending is not None:
                    self._pending = None  # a process that has ended may have left its last words
                    return
                raise self._verdict("its shell is gone", fault=fault)
            case WireFaultKind.DENIED:
                raise self._verdict(f"the account was refused ({fault.text})", fault=fault)
            case WireFaultKind.UNDELIVERED if not self._may_have_run:
                raise self._verdict(fault.text, fault=fault)
            case _ if not self._may_have_run and self._failures > self.limits.tries:
                raise self._verdict(fault.text, fault=fault)
            case _:
                pass  # worth settling: reconnect, and ask
        if self._settle_by is None:
            self._settle_by = self.deadline.at_most(self.limits.settle_s)
        if self._settle_by.is_over:
            raise self._verdict(fault.text, fault=fault)
        self._ask()
        if self._failures > 1:
            pause_s = min(_BACKOFF_LIMIT_S, self.limits.backoff_s * 2 ** (self._failures - 2))
            self.sleep(min(pause_s, self._settle_by.remaining_s))

    def _verdict(self, reason: str, *, fault: WireFault | None) -> Exception:
        """What it means that there will be no answer."""
        if self._last_loss and self._last_loss not in reason:
            reason = f"{reason}; last: {self._last_loss}"
        if self._may_have_run:
            return InDoubtError(reason, fault=fault)
        return UndeliveredError(reason, fault=fault)
