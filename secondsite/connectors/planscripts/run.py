"""One script of a plan on one Windows server, in a PowerShell of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from secondsite.connectors.base import ActionResult
from secondsite.connectors.outcomes import read_items, read_object
from secondsite.connectors.scriptlane import Script, ScriptLane
from secondsite.errors import ActionFailedError

__all__ = ["OUTPUT_LIMIT_CHARS", "read_run", "run_plan_script"]

OUTPUT_LIMIT_CHARS = 65_536
"""What is kept of a script's output; journals and reports carry it."""


@cache
def _script() -> Script:
    ours = Script.from_package("secondsite.connectors.planscripts", "run_script.ps1")
    return replace(ours, own_process=True)


def run_plan_script(
    lane: ScriptLane,
    text: str,
    *,
    host: str,
    arguments: Mapping[str, Any],
    context: Mapping[str, Any],
    timeout_s: float,
) -> ActionResult:
    """Run `text` with `arguments`; it finds `context` as $RecoveryPlanContext.

    Evidence: output, warnings, errors (those that did not end it), truncated. A script that calls
    `exit 0` is done; its output is not kept then.

    Raises:
        ActionFailedError: it threw, or exited with another code than 0.
        UnknownOutcomeError: it may or may not have run.
    """
    answer = lane.call(
        _script(),
        {
            "Text": text,
            "Arguments": dict(arguments),
            "Context": dict(context),
            "LimitChars": OUTPUT_LIMIT_CHARS,
        },
        timeout_s=timeout_s,
    )
    return read_run(answer, host=host)


def read_run(answer: Any, *, host: str) -> ActionResult:
    """What `run_script.ps1` answered; None is what is left of a script that called `exit 0`.

    Raises:
        ActionFailedError: the script threw.
    """
    if answer is None:
        return ActionResult(changed=True, evidence={"exit_code": 0, "output": []})
    run = read_object(answer, host=host)
    evidence = {
        "output": [str(line) for line in read_items(run.get("output"))],
        "warnings": [str(line) for line in read_items(run.get("warnings"))],
        "errors": [str(line) for line in read_items(run.get("errors"))],
        "truncated": run.get("truncated") is True,
    }
    if run.get("ok") is True:
        return ActionResult(changed=True, evidence=evidence)
    error = run.get("error") or {}
    raise ActionFailedError(
        f"The script threw on {host}: {error.get('message') or 'no message'}",
        host=host,
        next_step="Part of it may have been carried out: read its output in the evidence, then"
        " retry or skip the step.",
        evidence={**evidence, "cause": dict(error)},
    )
