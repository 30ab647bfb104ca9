"""Watching VMs boot: one long look per host serves every step that waits for one of its VMs.

A look blocks on the host until something changes. VMs that join while a look is under way are
looked at by the host's second lane, so that nobody waits for somebody else's boot.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from secondsite.connectors.base import VmObservation
from secondsite.errors import (
    AccessDeniedError,
    NotFoundError,
    SecondsiteError,
    SiteError,
)

__all__ = ["HostWatch", "LookLane", "View"]

_LOOK_S = 15.0
"""How long one look may block on the host; below pywinrm's usual operation timeout of 20 s."""
_GATHER_S = 0.02
_PAUSE_AFTER_FAULT_S = 1.0

Look = Callable[
    [Mapping[str, VmObservation | None], float], Mapping[str, VmObservation | SiteError]
]
"""(last observation per VM, seconds to wait for a change) → observation per VM; blocks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LookLane:
    """One way to look at the host, with the thread that it blocks."""

    look: Look
    executor: Executor


@dataclass(slots=True)
class View:
    """What one follower sees of its VM.

    Attributes:
        latest: The newest observation; None until the first one.
        trouble: Why the host could not be looked at the last time; None if it could.
    """

    latest: VmObservation | None = None
    trouble: SecondsiteError | None = None
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def change(self, *, timeout_s: float) -> bool:
        """Wait until something new was seen; False if nothing was within `timeout_s` seconds."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._changed.wait()
        except TimeoutError:
            return False
        self._changed.clear()
        return True

    def show(self, seen: VmObservation | SecondsiteError) -> None:
        """Hand the follower what was seen."""
        if isinstance(seen, VmObservation):
            self.latest, self.trouble = seen, None
        else:
            self.trouble = seen
        self._changed.set()


class HostWatch:
    """Looks at the followed VMs of one host for as long as anybody follows one."""

    def __init__(self, lanes: Sequence[LookLane]) -> None:
        self._idle = list(lanes)
        self._views: dict[str, list[View]] = defaultdict(list)
        self._looked_at: set[str] = set()
        self._last_seen: dict[str, VmObservation] = {}
        self._is_gathering = False
        self._tasks: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def following(self, vm: str) -> AsyncIterator[View]:
        """A view of `vm` that is kept up to date inside the block."""
        view = View()
        self._views[vm].append(view)
        if vm in self._looked_at and vm in self._last_seen:
            # A look under way ends when this changes, so it still holds.
            view.show(self._last_seen[vm])
        self._look_on()
        try:
            yield view
        finally:
            self._views[vm].remove(view)

    def _look_on(self) -> None:
        if self._is_gathering or not self._idle or not self._unwatched():
            return
        self._is_gathering = True
        task = asyncio.create_task(self._look_once(self._idle.pop()))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _unwatched(self) -> list[str]:
        """Followed VMs that no look under way covers."""
        return [vm for vm, views in self._views.items() if views and vm not in self._looked_at]

    async def _look_once(self, lane: LookLane) -> None:
        # A short breath, so that VMs started together are looked at together.
        await asyncio.sleep(_GATHER_S)
        self._is_gathering = False
        vms = self._unwatched()
        self._looked_at.update(vms)
        known = {vm: self._views[vm][0].latest for vm in vms}
        seen: Mapping[str, VmObservation | SecondsiteError] = {}
        try:
            if known:
                loop = asyncio.get_running_loop()
                seen = await loop.run_in_executor(lane.executor, lane.look, known, _LOOK_S)
        except SecondsiteError as error:
            seen = dict.fromkeys(known, error)
        finally:
            self._idle.append(lane)
            self._looked_at.difference_update(vms)
        for vm, observation in seen.items():
            if isinstance(observation, VmObservation):
                self._last_seen[vm] = observation
            for view in self._views[vm]:
                view.show(observation)
        if any(isinstance(observation, SecondsiteError) for observation in seen.values()):
            await asyncio.sleep(_PAUSE_AFTER_FAULT_S)
        self._look_on()


def is_final(trouble: SecondsiteError) -> bool:
    """Whether waiting longer cannot help."""
    return isinstance(trouble, AccessDeniedError | NotFoundError)
