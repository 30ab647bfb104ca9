"""The servers of a run: one access object each, asynchronous outside, bounded threads inside.

Connectors block; the walk must not. Every call goes through the executor of its server's lane, so a
server is never asked by more threads than it has lanes, and a dead server holds up only itself.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from typing import Any, ParamSpec, TypeVar

from secondsite.connectors.base import (
    ActionResult,
    ConnectRequest,
    HostSurvey,
    Inventory,
    RestoreRequest,
    TestCleanupRequest,
    TestFailoverRequest,
    VmObservation,
)
from secondsite.connectors.hyperv import HyperVHost
from secondsite.connectors.hyperv.failover import FailoverRequest, StartAction
from secondsite.connectors.logical_networks import LogicalView
from secondsite.connectors.planscripts import Guest
from secondsite.connectors.readiness import HostReadiness
from secondsite.connectors.vmm import (
    GrantRequest,
    MakeNetworkRequest,
    RemoveNetworkRequest,
    RevokeRequest,
    VmmConnection,
    VmmServer,
)
from secondsite.connectors.winrm import LanePool
from secondsite.errors import SiteError
from secondsite.plan.estate import Limits
from tasks.batching import Batcher
from tasks.watch import HostWatch, LookLane

__all__ = ["HostAccess", "VmmAccess"]

P = ParamSpec("P")
R = TypeVar("R")

_WATCH_PURPOSES = ("watch", "watch-2")
_GUEST_PURPOSE = "guest"
_LOOK_GRACE_S = 30.0


class _Access:
    """One Windows server and the lane that acts on it."""

    def __init__(self, *, name: str, pool: LanePool, limits: Limits) -> None:
        self.name = name
        self._pool = pool
        self._limit_s = limits.request_timeout.total_seconds()
        self._poll_s = limits.poll_interval.total_seconds()

    async def call(self, action: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """One call of the server's connector, in the lane's thread."""
        loop = asyncio.get_running_loop()
        call = functools.partial(action, *args, **kwargs)
        return await loop.run_in_executor(self._executor, call)

    @property
    def _executor(self) -> Executor:
        return self._pool.executor(self.name, "act")

    def _batcher(
        self, send: Callable[[Sequence[Any]], Mapping[str, ActionResult | SiteError]]
    ) -> Batcher[Any, ActionResult]:
        return Batcher(send=send, executor=self._executor, host=self.name)


class HostAccess(_Access):
    """One Hyper-V host: batched actions, one watch, and its survey."""

    def __init__(self, *, name: str, pool: LanePool, limits: Limits) -> None:
        super().__init__(name=name, pool=pool, limits=limits)
        self.connector = HyperVHost(name=name, lane=pool.lane(name, "act"))
        act, limit_s = self.connector, self._limit_s
        self.start_test_failover: Batcher[TestFailoverRequest, ActionResult] = self._batcher(
            lambda requests: act.start_test_failovers(requests, timeout_s=limit_s)
        )
        self.end_test_failover: Batcher[TestCleanupRequest, ActionResult] = self._batcher(
            lambda requests: act.end_test_failovers(requests, timeout_s=limit_s)
        )
        self.connect: Batcher[ConnectRequest, ActionResult] = self._batcher(
            lambda requests: act.connect(requests, timeout_s=limit_s)
        )
        self.restore: Batcher[RestoreRequest, ActionResult] = self._batcher(
            lambda requests: act.restore_adapters(requests, timeout_s=limit_s)
        )
        self.start_vm: Batcher[str, ActionResult] = self._batcher(
            lambda vms: act.start_vms(vms, timeout_s=limit_s)
        )
        self.prepare = self._batcher(lambda vms: act.prepare_failovers(vms, timeout_s=limit_s))
        self.cancel_preparation = self._batcher(
            lambda vms: act.cancel_preparations(vms, timeout_s=limit_s)
        )
        self.fail_over: Batcher[FailoverRequest, ActionResult] = self._batcher(
            lambda requests: act.start_failovers(requests, timeout_s=limit_s)
        )
        self.undo = self._batcher(lambda vms: act.undo_failovers(vms, timeout_s=limit_s))
        self.complete = self._batcher(lambda vms: act.complete_failovers(vms, timeout_s=limit_s))
        self.reverse: Batcher[tuple[str, str], ActionResult] = self._batcher(
            lambda pairs: act.reverse_replications(dict(pairs), timeout_s=limit_s)
        )
        self.become_replica = self._batcher(lambda vms: act.become_replicas(vms, timeout_s=limit_s))
        self.start_copy = self._batcher(lambda vms: act.start_copies(vms, timeout_s=limit_s))
        self.measure = self._batcher(lambda vms: act.measure_replications(vms, timeout_s=limit_s))
        self.set_start_action: Batcher[tuple[str, StartAction], ActionResult] = self._batcher(
            lambda pairs: act.set_start_actions(dict(pairs), timeout_s=limit_s)
        )
        self.turn_off = self._batcher(
            lambda vms: act.stop_vms(vms, turn_off=True, timeout_s=limit_s)
        )
        self.shut_down: Batcher[tuple[str, float], ActionResult] = self._batcher(self._shut_down)
        self.look: Batcher[str, VmObservation] = Batcher(
            send=lambda vms: act.observe(dict.fromkeys(vms), wait_s=0, timeout_s=limit_s),
            executor=self._executor,
            host=name,
        )
        self.watch = HostWatch([self._look_lane(purpose) for purpose in _WATCH_PURPOSES])

    async def survey(self) -> HostSurvey:
        """Everything on the host that a run may need to know."""
        return await self.call(self.connector.survey, timeout_s=self._limit_s)

    async def run_in_guest(
        self,
        text: str,
        *,
        guest: Guest,
        arguments: Mapping[str, Any],
        context: Mapping[str, Any],
        timeout_s: float,
    ) -> ActionResult:
        """Run a script inside a VM, in a lane of its own: nothing else waits for it."""
        executor = self._pool.executor(self.name, _GUEST_PURPOSE)
        host = HyperVHost(name=self.name, lane=self._pool.lane(self.name, _GUEST_PURPOSE))
        call = functools.partial(
            host.run_guest_script,
            text,
            guest=guest,
            arguments=arguments,
            context=context,
            timeout_s=timeout_s,
        )
        return await asyncio.get_running_loop().run_in_executor(executor, call)

    async def readiness(self) -> HostReadiness:
        """What a check wants to know besides the survey."""
        return await self.call(self.connector.readiness, timeout_s=self._limit_s)

    def _shut_down(
        self, wanted: Sequence[tuple[str, float]]
    ) -> Mapping[str, ActionResult | SiteError]:
        """Guests that may take equally long are shut down side by side."""
        outcomes: dict[str, ActionResult | SiteError] = {}
        for limit_s in sorted({limit_s for _, limit_s in wanted}):
            vms = [vm for vm, own_s in wanted if own_s == limit_s]
            outcomes |= self.connector.stop_vms(vms, turn_off=False, timeout_s=limit_s)
        return outcomes

    def _look_lane(self, purpose: str) -> LookLane:
        executor = self._pool.executor(self.name, purpose)

        def look(
            seen: Mapping[str, VmObservation | None], wait_s: float
        ) -> Mapping[str, VmObservation | SiteError]:
            # The lane is opened by the first look: most runs never need the second one.
            host = HyperVHost(name=self.name, lane=self._pool.lane(self.name, purpose))
            return host.observe(
                seen,
                wait_s=wait_s,
                interval_s=self._poll_s,
                timeout_s=wait_s + _LOOK_GRACE_S,
            )

        return LookLane(look=look, executor=executor)


class VmmAccess(_Access):
    """One VMM server: the hot spot of a site, so everything goes batched through its one lane."""

    def __init__(self, *, name: str, pool: LanePool, limits: Limits) -> None:
        super().__init__(name=name, pool=pool, limits=limits)
        self.connector = VmmServer(name=name, lane=pool.lane(name, "act"))
        vmm, limit_s = self.connector, self._limit_s
        self.addresses: Batcher[str, tuple[str, ...]] = Batcher(
            send=lambda ids: vmm.addresses(ids, timeout_s=limit_s),
            executor=self._executor,
            host=name,
        )
        self.grant: Batcher[GrantRequest, ActionResult] = self._batcher(
            lambda requests: vmm.grant_addresses(requests, timeout_s=limit_s)
        )
        self.revoke: Batcher[RevokeRequest, ActionResult] = self._batcher(
            lambda requests: vmm.revoke_addresses(requests, timeout_s=limit_s)
        )
        self.make_network: Batcher[MakeNetworkRequest, ActionResult] = self._batcher(
            lambda requests: vmm.make_networks(requests, timeout_s=limit_s)
        )
        self.connect: Batcher[VmmConnection, ActionResult] = self._batcher(
            lambda requests: vmm.connect_adapters(requests, timeout_s=limit_s)
        )
        self.remove_network: Batcher[RemoveNetworkRequest, ActionResult] = self._batcher(
            lambda requests: vmm.remove_networks(requests, timeout_s=limit_s)
        )
        self.refresh: Batcher[str, ActionResult] = self._batcher(self._refresh)

    def _refresh(self, hosts: Sequence[str]) -> Mapping[str, ActionResult | SiteError]:
        self.connector.refresh_hosts(hosts, timeout_s=self._limit_s)
        return dict.fromkeys(hosts, ActionResult(changed=False))

    async def logical_networks(self) -> tuple[LogicalView, ...]:
        """Its logical networks, and the VM networks that were made of them."""
        return await self.call(self.connector.logical_networks, timeout_s=self._limit_s)

    async def inventory(self, adapters_of: Sequence[str] = ()) -> Inventory:
        """Clouds, hosts, VMs and networks that it manages; the adapters of VMs of these names."""
        return await self.call(
            self.connector.inventory, adapters_of=tuple(adapters_of), timeout_s=self._limit_s
        )
