"""The instants of an engine's life: counted, and the process ended at the one that is meant.

Whatever reaches the world or the journal passes one of three doors: a write to the journal, a WinRM
message, a DNS message. An instant is `kind:number`, the number counting what passed that door; or
`intent:action` and `begun:action`, just before and after the journal hears that the first step of
that action begins (or that step, given by its id); `outcome:step`, before it hears how that one
ended; or `noted:step`, when it has heard what DNS held and what that step will write. The process
ends as `kill -9` ends it.
"""

from __future__ import annotations

import http.client
import os
import select
import signal
import socket
import threading
from collections import Counter
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from winrm.transport import Transport

from secondsite.connectors.dns.wire import Connection
from secondsite.run import journal
from secondsite.run.appending import append_events
from secondsite.run.events import Noted, StepIntent, StepOutcome
from secondsite.run.journal import Journal
from secondsite.run.leftovers import DNS_CHANGES

__all__ = ["DOORS", "Instants"]

DOORS = {
    "write": ("before-write", "mid-write", "after-write"),
    "request": ("before-request", "mid-request", "unread-request", "after-request"),
    "dns": ("before-dns", "unread-dns", "after-dns"),
}
"""The kinds of instants at each door.

`before`: nothing has left. `mid`: of a write, done and not committed; of a WinRM message, a moment
after it was sent. `unread`: it was carried out, and its answer is there, and was not read. `after`:
the answer was read, and nobody was told.
"""

_MID_REQUEST_S = 0.015
_ANSWERS_WITHIN_S = 60.0
_CHALLENGE = b" 401 "

_T = TypeVar("_T")


class Instants:
    """Watches the three doors of this process.

    Attributes:
        passed: How many went through each door.
    """

    def __init__(self, meant: str, *, last_words: Callable[[], None] = lambda: None) -> None:
        """`meant` lists instants, by commas; `last_words` is called just before the end."""
        self._meant = frozenset(meant.split(",")) - {""}
        self._last_words = last_words
        self._lock = threading.Lock()
        self._here = threading.local()
        self.passed: Counter[str] = Counter()

    def watch(self) -> None:
        """Begin; there is no way back."""
        self._watch_journal()
        self._watch_winrm()
        self._watch_dns()

    def _watch_journal(self) -> None:
        append, within = Journal.append, append_events

        @wraps(append)
        def counted(of: Journal, run_id: str, *events: Any, **more: Any) -> Any:
            self._die_at(events, "intent")
            for event in events:
                if isinstance(event, StepOutcome):
                    self._die_if("outcome", event.step)
            written = self._through("write", lambda: append(of, run_id, *events, **more))
            self._die_at(events, "begun")
            for event in events:
                if isinstance(event, Noted) and DNS_CHANGES in event.details:
                    self._die_if("noted", event.step)
            return written

        @wraps(within)
        def uncommitted(*facts: Any, **more: Any) -> Any:
            written = within(*facts, **more)
            self._die_if("mid-write", getattr(self._here, "write", 0))
            return written

        Journal.append = counted  # type: ignore[method-assign,assignment]
        journal.append_events = uncommitted  # type: ignore[attr-defined]

    def _watch_winrm(self) -> None:
        send, getresponse = Transport.send_message, http.client.HTTPConnection.getresponse

        @wraps(send)
        def counted(transport: Any, message: str | bytes) -> bytes:
            answer: bytes = self._through("request", lambda: send(transport, message))
            return answer

        @wraps(getresponse)
        def answered(connection: Any) -> Any:
            number = getattr(self._here, "request", 0)
            # The first answers on a connection are those of the logon: nothing was done yet.
            if self._is_meant("unread-request", number) and not _is_challenge(connection.sock):
                self._die()
            return getresponse(connection)

        Transport.send_message = counted  # type: ignore[method-assign,assignment]
        http.client.HTTPConnection.getresponse = answered  # type: ignore[method-assign,assignment]

    def _watch_dns(self) -> None:
        exchange, receive = Connection.exchange, Connection._receive

        @wraps(exchange)
        def counted(connection: Connection, *facts: Any, **more: Any) -> Any:
            return self._through("dns", lambda: exchange(connection, *facts, **more))

        @wraps(receive)
        def answered(connection: Connection, *facts: Any) -> bytes:
            if self._is_meant("unread-dns", getattr(self._here, "dns", 0)):
                _first_bytes(connection._socket)
                self._die()
            return receive(connection, *facts)

        Connection.exchange = counted  # type: ignore[method-assign,assignment]
        Connection._receive = answered  # type: ignore[method-assign,assignment]

    def _through(self, door: str, act: Callable[[], _T]) -> _T:
        with self._lock:
            self.passed[door] += 1
            number = self.passed[door]
        setattr(self._here, door, number)
        self._die_if(f"before-{door}", number)
        if door == "request" and self._is_meant("mid-request", number):
            threading.Timer(_MID_REQUEST_S, self._die).start()
        try:
            result = act()
        finally:
            setattr(self._here, door, 0)
        self._die_if(f"after-{door}", number)
        return result

    def _die_at(self, events: tuple[Any, ...], kind: str) -> None:
        for event in events:
            if isinstance(event, StepIntent):
                _, _, action = event.step.rpartition("/")
                for which in (action, event.step):
                    self._die_if(kind, which)

    def _is_meant(self, kind: str, which: int | str) -> bool:
        return f"{kind}:{which}" in self._meant

    def _die_if(self, kind: str, which: int | str) -> None:
        if self._is_meant(kind, which):
            self._die()

    def _die(self) -> None:
        self._last_words()
        os.kill(os.getpid(), signal.SIGKILL)


def _is_challenge(connection: socket.socket) -> bool:
    return _CHALLENGE in _first_bytes(connection)


def _first_bytes(connection: socket.socket | None) -> bytes:
    """The beginning of an answer, once it is there; it can be read again."""
    assert connection is not None
    select.select([connection], [], [], _ANSWERS_WITHIN_S)
    return connection.recv(len("HTTP/1.1 401 "), socket.MSG_PEEK)
