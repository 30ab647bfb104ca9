from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from secondsite.connectors.base import VmObservation
from secondsite.errors import NotReadyError, NotStartedError, SiteError
from secondsite.plan.model import TcpProbe
from tasks.readiness import Wanted, until_ready
from tasks.watch import HostWatch, LookLane

pytestmark = pytest.mark.anyio


class Host:
    """A host whose VMs change when the test says so; a look blocks until one differs."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.shown: dict[str, VmObservation] = {}
        self.looks: list[frozenset[str]] = []
        self.fault: SiteError | None = None
        self.is_over = False

    def end(self) -> None:
        with self.changed:
            self.is_over = True
            self.changed.notify_all()

    def show(self, vm: str, *, heartbeat: str, addresses: tuple[str, ...] = ()) -> None:
        with self.changed:
            self.shown[vm] = VmObservation(
                vm=vm, state="Running", heartbeat=heartbeat, addresses=addresses, uptime_s=1.0
            )
            self.changed.notify_all()

    def look(
        self, seen: Mapping[str, VmObservation | None], wait_s: float
    ) -> Mapping[str, VmObservation | SiteError]:
        self.looks.append(frozenset(seen))
        if self.fault is not None:
            fault, self.fault = self.fault, None
            raise fault
        with self.changed:
            self.changed.wait_for(
                lambda: self.is_over or any(self.shown[vm] != last for vm, last in seen.items()),
                timeout=2,
            )
            return {vm: self.shown[vm] for vm in seen}


@pytest.fixture
def host() -> Host:
    return Host()


@pytest.fixture
def watch(host: Host) -> Iterator[HostWatch]:
    with ThreadPoolExecutor(max_workers=1) as first, ThreadPoolExecutor(max_workers=1) as second:
        yield HostWatch([LookLane(look=host.look, executor=pool) for pool in (second, first)])


def wanted(vm: str, *, limit_s: float = 5.0, port: int | None = None) -> Wanted:
    return Wanted(
        vm=vm,
        host="hv1",
        probes=("heartbeat",) if port is None else ("heartbeat", TcpProbe(tcp=port)),
        limit_s=limit_s,
        pause_s=0.01,
        usable=lambda seen: seen.addresses,
        reach=lambda address: "127.0.0.1",
    )


async def test_vms_that_boot_together_are_looked_at_together(host: Host, watch: HostWatch) -> None:
    for vm in ("a", "b"):
        host.show(vm, heartbeat="OkApplicationsHealthy")

    await asyncio.gather(until_ready(wanted("a"), watch), until_ready(wanted("b"), watch))

    assert host.looks[0] == {"a", "b"}


async def test_a_vm_that_joins_does_not_wait_for_the_boot_of_another(
    host: Host, watch: HostWatch
) -> None:
    host.show("slow", heartbeat="NoContact")
    slow = asyncio.create_task(until_ready(wanted("slow"), watch))
    while len(host.looks) < 2:  # the first look saw NoContact; the second now blocks on the host
        await asyncio.sleep(0.005)

    host.shown["quick"] = VmObservation(
        vm="quick", state="Running", heartbeat="OkApplicationsUnknown", addresses=(), uptime_s=1
    )
    await asyncio.wait_for(until_ready(wanted("quick"), watch), timeout=1)

    assert not slow.done()
    host.show("slow", heartbeat="OkApplicationsHealthy")
    await slow


async def test_a_running_vm_without_heartbeat_is_not_ready(host: Host, watch: HostWatch) -> None:
    host.show("sql01", heartbeat="NoContact")

    with pytest.raises(NotReadyError) as caught:
        await until_ready(wanted("sql01", limit_s=2), watch)

    assert "sql01 on hv1" in caught.value.message
    assert "heartbeat NoContact" in caught.value.message
    assert caught.value.next_step


async def test_ready_means_that_the_service_answers(host: Host, watch: HostWatch) -> None:
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    host.show("sql01", heartbeat="OkApplicationsHealthy", addresses=("10.2.0.21",))

    async with server:
        evidence = await until_ready(wanted("sql01", port=port), watch)

    assert evidence["probes"] == [f"tcp {port} on 10.2.0.21: open"]


async def test_what_comes_a_moment_after_the_heartbeat_is_not_waited_for_a_whole_pause(
    host: Host, watch: HostWatch
) -> None:
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    host.show("sql01", heartbeat="OkApplicationsHealthy")
    slowly = replace(wanted("sql01", port=port), pause_s=60.0)

    async with server:
        ready = asyncio.create_task(until_ready(slowly, watch))
        while len(host.looks) < 2:  # the heartbeat was seen; an address is looked for
            await asyncio.sleep(0.005)
        host.show("sql01", heartbeat="OkApplicationsHealthy", addresses=("10.2.0.21",))
        evidence = await asyncio.wait_for(ready, timeout=2)

    assert evidence["probes"] == [f"tcp {port} on 10.2.0.21: open"]


async def test_a_closed_port_is_named_with_the_guests_own_address(
    host: Host, watch: HostWatch
) -> None:
    server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    host.show("sql01", heartbeat="OkApplicationsHealthy", addresses=("10.2.0.21",))

    with pytest.raises(NotReadyError, match=rf"tcp {port} on 10\.2\.0\.21: .*refused"):
        await until_ready(wanted("sql01", port=port, limit_s=2), watch)


async def test_a_host_that_cannot_be_asked_for_a_moment_is_asked_again(
    host: Host, watch: HostWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.watch._PAUSE_AFTER_FAULT_S", 0.01)
    host.fault = NotStartedError("connection refused", host="hv1")
    host.show("sql01", heartbeat="OkApplicationsHealthy")

    await until_ready(wanted("sql01"), watch)

    assert len(host.looks) == 2


async def test_whoever_follows_next_sees_at_once_what_the_look_under_way_began_with(
    host: Host, watch: HostWatch
) -> None:
    host.show("sql01", heartbeat="OkApplicationsHealthy", addresses=("10.2.0.21",))
    async with watch.following("sql01") as first:
        assert await first.change(timeout_s=1)
        while len(host.looks) < 2:  # the second look blocks: nothing changes any more
            await asyncio.sleep(0.005)

        async with watch.following("sql01") as second:
            assert second.latest == first.latest
