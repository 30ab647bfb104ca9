"""One zone of one DNS target: asynchronous, and names that change together share a message."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from typing import NamedTuple

from secondsite.connectors.dns import (
    Change,
    DnsTarget,
    Edit,
    Finding,
    RecordSet,
    Verification,
    ZoneWay,
)
from secondsite.errors import SiteError
from tasks.absent import Absent
from tasks.batching import Batcher

__all__ = ["ZoneAccess"]


class _Found(NamedTuple):
    """A record set that was read; wrapped, because absence (None) is an answer too."""

    records: RecordSet | None


class ZoneAccess:
    """Reads, changes and checks of one zone.

    Args:
        way: How it is changed.
        executor: Where reads and changes run, one call at a time if the way needs that.
        look_executor: Where every server is asked what it shows, for as long as that takes.
        exchange_s: How long one round of reads or changes may take.
        verify_s: How long to wait until every server shows a change.
        absent: Servers that the run does without.
    """

    def __init__(
        self,
        way: ZoneWay,
        *,
        executor: Executor,
        look_executor: Executor,
        exchange_s: float,
        verify_s: float,
        absent: Absent | None = None,
    ) -> None:
        self.way = way
        self._absent = absent or Absent()
        self._executor = executor
        self._look_executor = look_executor
        self._exchange_s = exchange_s
        self._verify_s = verify_s
        self._read: Batcher[tuple[str, str], _Found] = Batcher(
            send=self._send_reads, executor=executor, host=way.server
        )
        self._write: Batcher[Edit, Change] = Batcher(
            send=self._send_edits, executor=executor, host=way.server
        )

    @property
    def target(self) -> DnsTarget:
        """The zone and its servers."""
        return self.way.target

    @property
    def server(self) -> str:
        """The server that takes changes."""
        return self.way.server

    async def read(self, name: str, type_: str) -> RecordSet | None:
        """The records of that name and type on the server that takes changes."""
        found = await self._read.submit(_key(name, type_), (name, type_))
        return found.records

    async def change(self, edit: Edit) -> Change:
        """Make the edit: compare-and-set; never over somebody else's change."""
        return await self._write.submit(_key(*edit.key), edit)

    async def verify(self, edits: Sequence[Edit]) -> Sequence[Verification]:
        """What every server of the zone shows of the edits, within the estate's limit.

        Servers that the run does without are not asked, or not waited for.
        """
        call = functools.partial(
            self.way.verify,
            edits,
            timeout_s=self._verify_s,
            left_out=frozenset(self._absent.gone),
            expendable=self._absent.expendable,
        )
        seen = await asyncio.get_running_loop().run_in_executor(self._look_executor, call)
        return self._absent.excuse(seen)

    async def preflight(self, records: Sequence[tuple[str, str]] = ()) -> Sequence[Finding]:
        """What speaks against changing this zone, and `records` in it; changes nothing."""
        call = functools.partial(
            self.way.preflight,
            records,
            timeout_s=self._exchange_s,
            left_out=frozenset(self._absent.gone),
        )
        found = await asyncio.get_running_loop().run_in_executor(self._executor, call)
        return self._absent.weigh(found)

    def _send_reads(self, wanted: Sequence[tuple[str, str]]) -> Mapping[str, _Found | SiteError]:
        results = self.way.read_many(wanted, timeout_s=self._exchange_s)
        return {
            _key(*each): found if isinstance(found, SiteError) else _Found(found)
            for each, found in results.items()
        }

    def _send_edits(self, edits: Sequence[Edit]) -> Mapping[str, Change | SiteError]:
        results = self.way.apply(edits, timeout_s=self._exchange_s)
        return {_key(*each): result for each, result in results.items()}


def _key(name: str, type_: str) -> str:
    return f"{name}/{type_}"
