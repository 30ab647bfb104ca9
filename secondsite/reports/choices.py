"""What was chosen when a run was started, in words: only what this kind of run could be told."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from secondsite.reports.phrasing import say_duration

__all__ = ["say_choices"]

_Words = Callable[[Mapping[str, Any]], Iterator[str]]


def say_choices(kind: str, parameters: Mapping[str, Any]) -> list[str]:
    """The choices of a run of that kind, a phrase each; what was not recorded is not said."""
    return list(_OF_KIND.get(kind, _of_any)(parameters))


def _of_test(parameters: Mapping[str, Any]) -> Iterator[str]:
    network = parameters.get("network_name") or parameters.get("network")
    if network:
        yield f"test network: {network}"
    yield from _points(parameters)
    if parameters.get("hold") and parameters.get("hold_for_s"):
        yield f"held for people for at most {say_duration(parameters['hold_for_s'])}"
    elif parameters.get("hold"):
        yield "held until people end it"
    if parameters.get("clean_up"):
        yield "cleaned up as a part of the run"
    if rehearsal := parameters.get("rehearsal"):
        yield f"part of the rehearsal {rehearsal}"
    yield from _of_any(parameters)


def _of_unplanned(parameters: Mapping[str, Any]) -> Iterator[str]:
    match parameters.get("primary_side"):
        case "skip":
            yield "nothing asked of the site that is left"
        case "attempt":
            yield "an orderly shutdown tried first"
    yield from _points(parameters)
    if said := parameters.get("other_site_is_gone"):
        yield f"said of the other site: “{said}”"
    yield from _of_any(parameters)


def _of_roll_back(parameters: Mapping[str, Any]) -> Iterator[str]:
    if run := parameters.get("of_run"):
        yield f"what {run} changed"
    yield from _of_any(parameters)


def _of_any(parameters: Mapping[str, Any]) -> Iterator[str]:
    if parameters.get("unattended"):
        yield "nobody asked about failed steps"


def _points(parameters: Mapping[str, Any]) -> Iterator[str]:
    if point := parameters.get("recovery_point"):
        yield f"recovery point: {point}"
    for vm, point in (parameters.get("recovery_points") or {}).items():
        yield f"{vm}: {point}"


_OF_KIND: Mapping[str, _Words] = {
    "test": _of_test,
    "unplanned": _of_unplanned,
    "rollback-dns": _of_roll_back,
}
