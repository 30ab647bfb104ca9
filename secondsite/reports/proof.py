"""What proves that a VM works: what was asked of it, and what answered. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from secondsite.run.record import StepRecord
from secondsite.run.states import StepState

__all__ = ["proof_of"]


def proof_of(steps: Mapping[str, StepRecord]) -> list[str]:
    """One line for each thing that answered as wanted: heartbeat, probes, every DNS server.

    Args:
        steps: The VM's steps by action; those that are not done, or that a person has declared done
            after they had failed, prove nothing.
    """
    ready, verified = (_evidence(steps.get(action)) for action in ("ready", "verify"))
    return [*_readiness(ready), *_names(verified)]


def _evidence(step: StepRecord | None) -> Mapping[str, Any]:
    is_proof = step is not None and step.state is StepState.DONE and not step.done_by_hand
    return step.evidence if step is not None and is_proof else {}


def _readiness(evidence: Mapping[str, Any]) -> Iterable[str]:
    seen = evidence.get("last_seen") or {}
    if seen.get("heartbeat"):
        yield f"heartbeat: {seen['heartbeat']}"
    yield from map(str, evidence.get("probes", ()))


def _names(evidence: Mapping[str, Any]) -> Iterable[str]:
    for name in evidence.get("verified", ()):
        for server in name.get("servers", ()):
            yield f"{name.get('name')} {name.get('type')}: {server.get('server')} " + str(
                server.get("detail", "")
            )
