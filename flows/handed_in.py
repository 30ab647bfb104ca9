"""Forms that were handed in and that no gate waits for any more: too late, or after another answer.

Prefect keeps a form until the flow asks for it. Where the gate was decided meanwhile by another
door, or by its time limit, nobody would: whoever handed it in must hear that it did not count.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from httpx import HTTPError
from prefect.client.schemas.objects import FlowRunInput
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError
from prefect.input.actions import (
    adelete_flow_run_input,
    afilter_flow_run_input,
)
from pydantic import ValidationError

from flows.gate import digest_of
from secondsite.run.ballot import Proposal, Submission
from secondsite.run.deadlines import has_lapsed
from secondsite.run.events import Decision
from secondsite.run.record import QuestionRecord, RunRecord

__all__ = ["put_away", "stray_answers"]

_KEY = re.compile(r"suspended-.*-(?P<digest>[0-9a-f]{8})(?:-\d+)+-response")
_PREFIX = "suspended-"
_MOST = 200


async def stray_answers(record: RunRecord, *, now: datetime) -> Mapping[str, Submission]:
    """Answers about gates that were decided, or have lapsed, before their form was read; by key."""
    found: dict[str, Submission] = {}
    for key, value in (await _handed_in(record)).items():
        match = _KEY.fullmatch(key)
        gate = _gate_of(record, match["digest"]) if match else None
        if gate is None or (gate.is_open and not has_lapsed(gate, now=now)):
            continue
        answer = _answer(gate, value)
        if answer is not None:
            found[key] = answer
    return found


async def put_away(record: RunRecord, *keys: str) -> None:
    """Forget forms that were handed in, all or some: what was in them is in the journal by now."""
    flow_run = _flow_run(record)
    for key in keys or await _handed_in(record):
        try:
            await adelete_flow_run_input(key, flow_run_id=flow_run)
        except (HTTPError, ObjectNotFound, PrefectHTTPStatusError):
            return  # it would be told once more that it did not count


async def _handed_in(record: RunRecord) -> Mapping[str, Any]:
    """What this flow run's forms hold, by key; nothing where Prefect's server does not answer."""
    flow_run = _flow_run(record)
    if flow_run is None:
        return {}
    try:
        inputs: Sequence[FlowRunInput] = await afilter_flow_run_input(
            key_prefix=_PREFIX, limit=_MOST, exclude_keys=set(), flow_run_id=flow_run
        )
    except (HTTPError, PrefectHTTPStatusError):
        return {}
    return {each.key: each.decoded_value for each in inputs if each.key.endswith("-response")}


def _flow_run(record: RunRecord) -> UUID | None:
    flow_run = record.attachments[-1].flow_run if record.attachments else ""
    return UUID(flow_run) if flow_run else None


def _gate_of(record: RunRecord, digest: str) -> QuestionRecord | None:
    return next((gate for gate in record.gates if digest_of(gate.id) == digest), None)


def _answer(gate: QuestionRecord, value: Any) -> Submission | None:
    try:
        proposal = Proposal(
            step=gate.id,
            decision=Decision(value["decision"]),
            by=str(value["approver"]),
            via="ui",
            comment=str(value.get("comment", "")),
        )
    except (KeyError, TypeError, ValueError, ValidationError):
        return None  # an empty form decides nothing
    return Submission(proposals=(proposal,), code=str(value.get("code", "")))
