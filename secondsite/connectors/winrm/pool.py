"""Lanes by server and purpose, each with its own single thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from types import TracebackType

from secondsite.connectors.winrm.admission import Admission
from secondsite.connectors.winrm.endpoint import Endpoint
from secondsite.connectors.winrm.lane import Lane
from secondsite.connectors.winrm.limits import LaneLimits
from secondsite.errors import UsageError

__all__ = ["LanePool"]

_CLOSING_THREADS = 16
_LOOKING = "watch"
"""What purposes of lanes that only look begin with."""


@dataclass(frozen=True, slots=True)
class _Berth:
    """A lane and the thread it is called from."""

    lane: Lane
    executor: ThreadPoolExecutor


class LanePool:
    """Lanes of many servers, opened when first used.

    Lanes of one server are kept apart by purpose, so that watching never waits for acting. They
    are few: quotas are per user and server (30 shells by default, MS-WSMV 2.2.4.42).
    """

    def __init__(
        self,
        endpoints: Iterable[Endpoint] = (),
        *,
        limits: LaneLimits | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._limits = limits or LaneLimits()
        self._clock, self._sleep = clock, sleep
        self._endpoints: dict[str, Endpoint] = {}
        self._admissions: dict[str, Admission] = {}
        self._own_limits: dict[str, LaneLimits] = {}
        self._berths: dict[tuple[str, str], _Berth] = {}
        self._lock = threading.Lock()
        self._is_closed = False
        for endpoint in endpoints:
            self.add(endpoint)

    def __enter__(self) -> LanePool:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def add(self, endpoint: Endpoint, *, connect_timeout_s: float | None = None) -> None:
        """Let lanes to this server be had; one that is known already stays as it is.

        `connect_timeout_s`: wait for its connections less long than for those of others.
        """
        name = endpoint.name.casefold()
        with self._lock:
            if self._endpoints.setdefault(name, endpoint) is not endpoint:
                return
            self._admissions[name] = Admission(self._clock, self._limits.denied_pause_s)
            if connect_timeout_s is not None:
                shorter_s = min(connect_timeout_s, self._limits.connect_timeout_s)
                self._own_limits[name] = replace(self._limits, connect_timeout_s=shorter_s)

    @property
    def hosts(self) -> tuple[str, ...]:
        """Names of the servers that lanes can be had to."""
        return tuple(endpoint.name for endpoint in self._endpoints.values())

    def lane(self, host: str, purpose: str = "act") -> Lane:
        """The lane to `host` for `purpose` ("act", "watch"); host names match without case.

        Raises:
            UsageError: the host is unknown or has too many lanes, or the pool is closed.
        """
        return self._berth(host, purpose).lane

    def executor(self, host: str, purpose: str = "act") -> ThreadPoolExecutor:
        """The one-thread executor from which that lane is to be called.

        Raises:
            UsageError: as `lane`.
        """
        return self._berth(host, purpose).executor

    @property
    def requests_count(self) -> int:
        """HTTP requests of all lanes so far, closed ones included."""
        with self._lock:
            return sum(berth.lane.requests_count for berth in self._berths.values())

    def close(self, *, abandoned: Collection[str] = ()) -> None:
        """Close all lanes, in parallel; calls not begun yet are cancelled.

        Nobody waits for calls that are under way on `abandoned` servers.
        """
        given_up = {host.casefold() for host in abandoned}
        with self._lock:
            self._is_closed = True
            berths = dict(self._berths)
        if not berths:
            return
        for berth in berths.values():
            berth.executor.shutdown(wait=False, cancel_futures=True)

        def leave(key: tuple[str, str], berth: _Berth) -> None:
            host, purpose = key
            # A look under way changes nothing and may go on for long: nobody needs its end.
            berth.lane.close(waits=not purpose.startswith(_LOOKING) and host not in given_up)

        with ThreadPoolExecutor(min(_CLOSING_THREADS, len(berths)), "lane-close") as closing:
            list(closing.map(leave, berths, berths.values()))

    def _berth(self, host: str, purpose: str) -> _Berth:
        """The lane to `host` for `purpose`, made if it is the first time."""
        name = host.casefold()
        with self._lock:
            if self._is_closed:
                raise UsageError("The lanes are closed.")
            if name not in self._endpoints:
                raise UsageError(
                    f"No server {host!r} in the estate.",
                    next_step=f"Known are: {', '.join(self.hosts) or 'none'}.",
                )
            if found := self._berths.get((name, purpose)):
                return found
            if sum(key[0] == name for key in self._berths) >= self._limits.lanes_per_host:
                raise UsageError(f"{host} has {self._limits.lanes_per_host} lanes already.")
            lane = Lane(
                self._endpoints[name],
                limits=self._own_limits.get(name, self._limits),
                clock=self._clock,
                sleep=self._sleep,
                admission=self._admissions[name],
            )
            executor = ThreadPoolExecutor(1, thread_name_prefix=f"lane-{name}-{purpose}")
            berth = self._berths[name, purpose] = _Berth(lane, executor)
            return berth
