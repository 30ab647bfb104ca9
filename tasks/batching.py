"""Many requests for one server become one: what arrives while its lane is busy goes out together.

A connector's call serves many VMs and blocks a thread; a task wants one VM and must not block the
event loop. A `Batcher` stands between the two.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Generic, TypeVar

from secondsite.errors import SecondsiteError, UnknownOutcomeError

__all__ = ["Batcher"]

_LINGER_S = 0.02
"""How long the first request of a batch waits for its neighbours."""

RequestT = TypeVar("RequestT")
ResultT = TypeVar("ResultT")


@dataclass(slots=True)
class _Waiting(Generic[RequestT, ResultT]):
    request: RequestT
    future: asyncio.Future[ResultT]


class Batcher(Generic[RequestT, ResultT]):
    """Collects requests by key (a VM's name) and sends them in batches, one batch at a time."""

    def __init__(
        self,
        *,
        send: Callable[[Sequence[RequestT]], Mapping[str, ResultT | SecondsiteError]],
        executor: Executor,
        host: str,
    ) -> None:
        """Requests go to `send`, which blocks and therefore runs in `executor`."""
        self._send = send
        self._executor = executor
        self._host = host
        self._waiting: dict[str, _Waiting[RequestT, ResultT]] = {}
        self._sender: asyncio.Task[None] | None = None

    async def submit(self, key: str, request: RequestT) -> ResultT:
        """The result for `key` of the batch that `request` travels in.

        Raises:
            SecondsiteError: what this VM met, or what the request as a whole met.
        """
        while (earlier := self._waiting.get(key)) is not None:
            await asyncio.wait({earlier.future})  # one of a key in a batch: this goes in the next
        future: asyncio.Future[ResultT] = asyncio.get_running_loop().create_future()
        self._waiting[key] = _Waiting(request=request, future=future)
        if self._sender is None or self._sender.done():
            self._sender = asyncio.create_task(self._send_all())
        return await future

    async def _send_all(self) -> None:
        await asyncio.sleep(_LINGER_S)
        while self._waiting:
            batch, self._waiting = self._waiting, {}
            await self._send_batch(batch)

    async def _send_batch(self, batch: dict[str, _Waiting[RequestT, ResultT]]) -> None:
        requests = [waiting.request for waiting in batch.values()]
        loop = asyncio.get_running_loop()
        try:
            results = await loop.run_in_executor(self._executor, self._send, requests)
        except BaseException as error:
            for waiting in batch.values():
                if not waiting.future.done():
                    waiting.future.set_exception(error)
            if not isinstance(error, Exception):
                raise
            return
        for key, waiting in batch.items():
            if waiting.future.done():
                continue
            result = results.get(key)
            if result is None:
                waiting.future.set_exception(self._unanswered(key))
            elif isinstance(result, SecondsiteError):
                waiting.future.set_exception(result)
            else:
                waiting.future.set_result(result)

    def _unanswered(self, vm: str) -> UnknownOutcomeError:
        return UnknownOutcomeError(
            f"{self._host} answered, but said nothing about {vm}.",
            host=self._host,
            vm=vm,
            next_step="Look at the VM on that host, then resume the run: it reads the state first.",
        )
