from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from secondsite.errors import NotFoundError, SecondsiteError, UnknownOutcomeError
from tasks.batching import Batcher

pytestmark = pytest.mark.anyio


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(max_workers=1) as pool:
        yield pool


class Server:
    """Answers requests in upper case, and remembers what came together."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.may_answer = threading.Event()
        self.may_answer.set()

    def send(self, requests: Sequence[str]) -> Mapping[str, str | SecondsiteError]:
        self.batches.append(sorted(requests))
        assert self.may_answer.wait(5)
        return {each: each.upper() for each in requests if each != "silent"}


async def test_requests_that_come_together_travel_together(executor: ThreadPoolExecutor) -> None:
    server = Server()
    batcher = Batcher[str, str](send=server.send, executor=executor, host="hv1")

    answers = await asyncio.gather(*(batcher.submit(vm, vm) for vm in ("a", "b", "c")))

    assert answers == ["A", "B", "C"]
    assert server.batches == [["a", "b", "c"]]


async def test_what_comes_while_the_lane_is_busy_goes_out_in_the_next_request(
    executor: ThreadPoolExecutor,
) -> None:
    server = Server()
    server.may_answer.clear()
    batcher = Batcher[str, str](send=server.send, executor=executor, host="hv1")
    first = asyncio.create_task(batcher.submit("a", "a"))
    while not server.batches:
        await asyncio.sleep(0.005)

    later = [asyncio.create_task(batcher.submit(vm, vm)) for vm in ("b", "c")]
    await asyncio.sleep(0.02)
    server.may_answer.set()
    await asyncio.gather(first, *later)

    assert server.batches == [["a"], ["b", "c"]]


async def test_a_vm_that_the_answer_forgets_has_an_unknown_outcome(
    executor: ThreadPoolExecutor,
) -> None:
    batcher = Batcher[str, str](send=Server().send, executor=executor, host="hv1")

    with pytest.raises(UnknownOutcomeError, match="hv1 answered, but said nothing about silent"):
        await batcher.submit("silent", "silent")


async def test_the_error_of_one_vm_is_its_own(executor: ThreadPoolExecutor) -> None:
    def send(requests: Sequence[str]) -> Mapping[str, str | SecondsiteError]:
        return {"a": "fine", "b": NotFoundError("no b", vm="b")}

    batcher = Batcher[str, str](send=send, executor=executor, host="hv1")

    a, b = await asyncio.gather(
        batcher.submit("a", "a"), batcher.submit("b", "b"), return_exceptions=True
    )

    assert a == "fine"
    assert isinstance(b, NotFoundError)


async def test_a_fault_of_the_whole_request_reaches_every_vm_of_it(
    executor: ThreadPoolExecutor,
) -> None:
    def send(requests: Sequence[str]) -> Mapping[str, str | SecondsiteError]:
        raise UnknownOutcomeError("reply lost", host="hv1")

    batcher = Batcher[str, str](send=send, executor=executor, host="hv1")

    results = await asyncio.gather(
        *(batcher.submit(vm, vm) for vm in ("a", "b")), return_exceptions=True
    )

    assert [type(each) for each in results] == [UnknownOutcomeError] * 2


async def test_two_who_ask_for_the_same_are_both_answered(executor: ThreadPoolExecutor) -> None:
    batches: list[list[str]] = []

    def send(requests: Sequence[str]) -> Mapping[str, str | SecondsiteError]:
        batches.append(list(requests))
        return {"record": requests[0].upper()}

    batcher = Batcher[str, str](send=send, executor=executor, host="ns1")

    answers = await asyncio.wait_for(
        asyncio.gather(*(batcher.submit("record", each) for each in ("one", "two", "three"))), 10
    )

    assert answers == ["ONE", "TWO", "THREE"]
    assert batches == [["one"], ["two"], ["three"]]
