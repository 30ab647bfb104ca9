"""Telling people what happens to runs: from the journal, once per target, and never in the way.

The journal says before a message is sent that it is, so no two processes send it, and none sends it
again after a crash: one that died in between leaves a message that may or may not have arrived.
Each target has a thread of its own, and each message a process that is ended when its time is over.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Literal

from secondsite.cli.messenger_process import Delivery, Errand
from secondsite.cli.services import services
from secondsite.errors import JournalError
from secondsite.plan.contact import is_mail_address
from secondsite.plan.estate import Estate
from secondsite.plan.notifications import NotificationTarget
from secondsite.reports.messages import Message, messages_about
from secondsite.run.events import CodeGiven, JournalEvent, Notified
from secondsite.run.journal import Entry, Journal
from secondsite.run.record import RunRecord
from secondsite.run.replay import replay

__all__ = ["Notifier", "deliver", "page_address"]

_NEWEST = 200
_OVER_FOR = timedelta(hours=1)
"""Runs that ended longer ago are not looked at."""
_LATE = timedelta(minutes=1)
"""Beyond a target's own limit: whoever was sending is gone."""
_NO_LIMIT = timedelta(minutes=5)


Deliver = Callable[[Errand], Delivery]


def deliver(errand: Errand) -> Delivery:
    """Send one message by a process of its own, which is ended when the target's time is over."""
    limit_s = errand.target.timeout.total_seconds()
    try:
        done = subprocess.run(
            [sys.executable, "-m", "secondsite.cli.messenger_process"],
            input=errand.model_dump_json(),
            capture_output=True,
            text=True,
            timeout=limit_s,
            cwd=os.sep,
            check=False,
        )
        return Delivery.model_validate_json(done.stdout)
    except subprocess.TimeoutExpired:
        return Delivery(
            state="unknown",
            why=f"no answer within {limit_s:g} s; it may or may not have arrived",
        )
    except (OSError, ValueError):
        return Delivery(state="failed", why="its process ended without a word")


class Notifier:
    """Reads what is new in the journal, and tells the targets of the estate."""

    def __init__(
        self,
        open_journal: Callable[[], AbstractContextManager[Journal]],
        *,
        deliver: Deliver = deliver,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`say` gets a line about each message that did not arrive, for the log."""
        self._open_journal = open_journal
        self._deliver = deliver
        self._now = now
        self._say = say
        self._seen: dict[str, int] = {}
        self._sending: dict[tuple[str, str, tuple[int, ...]], datetime] = {}
        self._threads: dict[str, ThreadPoolExecutor] = {}
        self._under_way: set[Future[None]] = set()

    def look(self, journal: Journal, estate: Estate) -> None:
        """Start telling what is new; returns at once.

        Raises:
            JournalError: it cannot be read; the next look tries again.
        """
        if not estate.notifications:
            return
        now = self._now()
        for head in journal.heads(limit=_NEWEST):
            is_near = head.ended_at is None or now - head.ended_at < _OVER_FOR
            if is_near and head.event_count > self._seen.get(head.run_id, 0):
                self._look_at(journal, head.run_id, estate)
        self._give_up_the_dead(journal, estate)

    def wait(self) -> None:
        """Return when every message has been sent, or has not arrived in its time."""
        wait(self._under_way)

    def _look_at(self, journal: Journal, run_id: str, estate: Estate) -> None:
        seen = self._seen.get(run_id, 0)
        new = journal.read(run_id, after=seen)
        if not new:
            return
        self._remember_sending(run_id, new)
        self._seen[run_id] = new[-1].run_seq
        if any(not isinstance(entry.event, Notified) for entry in new):
            every = journal.read(run_id) if seen else new
            record = replay(entry.event for entry in every)
            for target in estate.notifications:
                self._tell(target, record, new, estate)

    def _tell(
        self,
        target: NotificationTarget,
        record: RunRecord,
        entries: Sequence[Entry],
        estate: Estate,
    ) -> None:
        told = _told(record.notifications, target)
        untold = [entry for entry in entries if entry.run_seq not in told]
        page = page_address(record, estate)
        for message in messages_about(record, untold, page=page, now=self._now()):
            if target.wants(topic=message.topic, plan=record.plan, kind=record.kind):
                errand = Errand(
                    target=target,
                    title=message.title,
                    text=message.text,
                    mood=message.mood,
                    to=_recipients(target, message, estate),
                )
                thread = self._threads.setdefault(
                    target.name, ThreadPoolExecutor(1, thread_name_prefix=f"tell {target.name}")
                )
                done = thread.submit(self._send, record.run_id, message, errand)
                self._under_way.add(done)
                done.add_done_callback(self._under_way.discard)

    def _send(self, run_id: str, message: Message, errand: Errand) -> None:
        """Say in the journal that it is sent, send it, and say what came of it."""
        target = errand.target
        try:
            with self._open_journal() as journal:
                sending = self._notified(target, message.topic, message.about, "sending")
                if not journal.decide(run_id, _unless_told(sending, target)):
                    return
                delivery = self._deliver(errand)
                outcome = self._notified(
                    target, message.topic, message.about, delivery.state, delivery.why
                )
                journal.append(run_id, outcome)
        except JournalError as error:
            self._seen.pop(run_id, None)  # what was not sent is found again
            self._say(f"{run_id}: {target.name}: {error}")
            return
        if delivery.state != "sent":
            self._say(f"{run_id}: {target.name}: {message.topic}: {delivery.why}")

    def _notified(
        self,
        target: NotificationTarget,
        topic: str,
        about: tuple[int, ...],
        state: Literal["sending", "sent", "failed", "unknown"],
        why: str = "",
    ) -> Notified:
        return Notified(
            at=self._now(),
            target=target.name,
            topic=topic,
            about=about,
            state=state,
            why=why,
        )

    def _remember_sending(self, run_id: str, entries: Iterable[Entry]) -> None:
        for entry in entries:
            match entry.event:
                case Notified(state="sending", target=target, about=about, at=at):
                    self._sending[run_id, target, about] = at
                case Notified(target=target, about=about):
                    self._sending.pop((run_id, target, about), None)

    def _give_up_the_dead(self, journal: Journal, estate: Estate) -> None:
        """Note messages whose sender is gone: they are not sent again."""
        limits = {target.name: target.timeout for target in estate.notifications}
        for (run_id, target, about), at in list(self._sending.items()):
            if self._now() - at < limits.get(target, _NO_LIMIT) + _LATE:
                continue
            why = "whoever sent it has died meanwhile; it may or may not have arrived"

            def choose(
                record: RunRecord,
                _codes: Sequence[CodeGiven],
                key: tuple[str, tuple[int, ...]] = (target, about),
                why: str = why,
            ) -> Sequence[JournalEvent]:
                mine = [each for each in record.notifications if (each.target, each.about) == key]
                if any(each.state != "sending" for each in mine):
                    return []
                return [
                    Notified(
                        at=self._now(),
                        target=key[0],
                        topic=mine[0].topic,
                        about=key[1],
                        state="unknown",
                        why=why,
                    )
                ]

            journal.decide(run_id, choose)
            del self._sending[run_id, target, about]


def page_address(record: RunRecord, estate: Estate) -> str:
    """Address of the run's page in Prefect's UI; empty if none is known."""
    carried = [each.flow_run for each in record.attachments if each.flow_run]
    api = os.environ.get("PREFECT_API_URL") or services().api_url
    ui = estate.prefect.ui or api.removesuffix("/api")
    return f"{ui}/runs/flow-run/{carried[-1]}" if ui and carried else ""


def _told(notifications: Iterable[Notified], target: NotificationTarget) -> set[int]:
    return {number for each in notifications if each.target == target.name for number in each.about}


def _unless_told(
    sending: Notified, target: NotificationTarget
) -> Callable[[RunRecord, tuple[CodeGiven, ...]], Sequence[JournalEvent]]:
    def choose(record: RunRecord, _codes: tuple[CodeGiven, ...]) -> Sequence[JournalEvent]:
        return [] if _told(record.notifications, target) & set(sending.about) else [sending]

    return choose


def _recipients(target: NotificationTarget, message: Message, estate: Estate) -> tuple[str, ...]:
    if not (target.to_approvers and message.approvers):
        return ()
    found = (estate.approver(name) for name in message.approvers)
    return tuple(
        each.contact for each in found if each is not None and is_mail_address(each.contact)
    )
