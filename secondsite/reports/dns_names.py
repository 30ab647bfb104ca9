"""What a run did to the DNS names of a VM: before, during, now. Pure.

The evidence of a DNS step lists one object per name: `{name, type, zone, before, after}`, where
`before` and `after` are a record set (`{values, ttl_s, …}`), a list of values, or null for "no such
name". Evidence is what it is: a form that is not known is shown as text, never dropped.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from secondsite.reports.shape import DnsFacts
from secondsite.run.record import StepRecord, VmRecord
from secondsite.run.states import StepState

__all__ = ["dns_facts"]


def dns_facts(vm: VmRecord, *, restore: StepRecord | None) -> list[DnsFacts]:
    """The DNS names of `vm` with what they led to.

    Args:
        vm: The VM with the evidence of its DNS step.
        restore: The step that puts its DNS back, where the run has one.
    """
    names: dict[tuple[str, str], DnsFacts] = {}
    for change in vm.dns:
        fact = _blank(change)
        fact["before"] = _values(change.get("before"))
        fact["during"] = _values(change.get("after"))
        fact["now"] = _values(change.get("after"))
        names[fact["name"].casefold(), fact["type"]] = fact
    for change in _changes(restore):
        key = (str(change.get("name", "")).casefold(), str(change.get("type", "")))
        fact = names.setdefault(key, _blank(change))
        fact["during"] = fact["during"] or _values(change.get("before"))
        fact["now"] = _values(change.get("after"))
        fact["before"] = fact["before"] or _values(change.get("after"))
        fact["restored"] = restore is not None and restore.state is StepState.DONE
    return list(names.values())


def _changes(step: StepRecord | None) -> Iterable[Mapping[str, Any]]:
    if step is None:
        return ()
    changes = step.evidence.get("dns", ())
    return [each for each in changes if isinstance(each, Mapping)]


def _blank(change: Mapping[str, Any]) -> DnsFacts:
    return {
        "name": str(change.get("name", "")),
        "type": str(change.get("type", "")),
        "zone": str(change.get("zone", "")),
        "before": [],
        "during": [],
        "now": None,
        "restored": False,
    }


def _values(found: object) -> list[str]:
    if found is None:
        return []
    if isinstance(found, Mapping):
        return _values(found.get("values", ()))
    if isinstance(found, list | tuple):
        return [str(value) for value in found]
    return [str(found)]
