"""Ready, not merely started: heartbeat, then what the plan asks for, within the boot time-out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from secondsite.connectors.base import VmObservation
from secondsite.errors import NotReadyError
from secondsite.plan.model import HttpProbe, Probe, TcpProbe
from tasks.probes import Answer, probe
from tasks.watch import HostWatch, View, is_final

__all__ = ["Wanted", "until_ready"]

_PROBE_LIMIT_S = 5.0
_FIRST_PAUSE_S = 0.25
"""Services often answer a moment after the heartbeat; those that do not are asked less and less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What one VM must show to be ready.

    Attributes:
        vm: Its name on the host (a test VM's own name).
        usable: The addresses of an observation that count, best first.
        reach: The address under which the engine reaches a guest's address.
    """

    vm: str
    host: str
    probes: Sequence[Probe]
    limit_s: float
    pause_s: float
    usable: Callable[[VmObservation], Sequence[str]]
    reach: Callable[[str], str]


async def until_ready(
    wanted: Wanted, watch: HostWatch, *, clock: Callable[[], float] = time.monotonic
) -> dict[str, Any]:
    """Wait until everything wanted holds; gives what was seen, as evidence.

    Raises:
        NotReadyError: it did not within `limit_s`; the evidence says what was seen last.
    """
    deadline = clock() + wanted.limit_s
    seen = _Seen()
    pause_s = min(_FIRST_PAUSE_S, wanted.pause_s)
    async with watch.following(wanted.vm) as view:
        while (left_s := deadline - clock()) > 0:
            if view.trouble is not None and is_final(view.trouble):
                raise view.trouble
            if await _holds(wanted, view.latest, seen, min(left_s, _PROBE_LIMIT_S)):
                return seen.as_dict(view)
            if view.latest is None or not view.latest.has_heartbeat:
                await view.change(timeout_s=left_s)
            else:
                await view.change(timeout_s=min(pause_s, left_s))
                pause_s = min(pause_s * 2, wanted.pause_s)
        raise _not_ready(wanted, view, seen)


class _Seen:
    """The last answers of a VM, for evidence and for the words of a failure."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}

    def as_dict(self, view: View) -> dict[str, Any]:
        return {
            "last_seen": view.latest.as_dict() if view.latest else None,
            "probes": [answer.seen for answer in self.answers.values()],
        }

    def in_words(self, view: View) -> str:
        words = [answer.seen for answer in self.answers.values() if not answer.is_ready]
        if view.latest is None:
            words.append("it could not be looked at even once")
        elif not view.latest.has_heartbeat:
            words.append(f"state {view.latest.state}, heartbeat {view.latest.heartbeat}")
        if view.trouble is not None:
            words.append(view.trouble.message)
        return "; ".join(words) or "the last probe came too late"


async def _holds(
    wanted: Wanted, observation: VmObservation | None, seen: _Seen, limit_s: float
) -> bool:
    if observation is None or not observation.has_heartbeat:
        return False
    services = [each for each in wanted.probes if isinstance(each, TcpProbe | HttpProbe)]
    if not services:
        return True
    addresses = wanted.usable(observation)
    if not addresses:
        seen.answers = {"address": Answer(is_ready=False, seen="the guest reports no address yet")}
        return False
    answers = await asyncio.gather(
        *(_ask(wanted, each, addresses[0], limit_s) for each in services)
    )
    seen.answers = {str(each): answer for each, answer in zip(services, answers, strict=True)}
    return all(answer.is_ready for answer in answers)


async def _ask(
    wanted: Wanted, service: TcpProbe | HttpProbe, address: str, limit_s: float
) -> Answer:
    return await probe(
        service, address=address, connect_to=wanted.reach(address), timeout_s=limit_s
    )


def _not_ready(wanted: Wanted, view: View, seen: _Seen) -> NotReadyError:
    return NotReadyError(
        f"{wanted.vm} on {wanted.host} was not ready within {wanted.limit_s:g} s: "
        f"{seen.in_words(view)}. It was left running as it is.",
        vm=wanted.vm,
        host=wanted.host,
        next_step=(
            f"Open the console of {wanted.vm} on {wanted.host} and see where its start stands; "
            "raise boot_timeout if it only needs longer."
        ),
        evidence=seen.as_dict(view),
    )
