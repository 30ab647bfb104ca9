"""What a run was made from, part by part: so that people are told *what* has changed since.

The plan digest says that something differs; a fingerprint says which file or which part of the
estate. How servers are reached (addresses, ports) and who may decide are no part of it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from secondsite.plan.estate import Estate
from secondsite.plan.hook_places import hook_places
from secondsite.plan.hooks import ScriptHook
from secondsite.plan.model import Plan

__all__ = ["changes_between", "fingerprint"]

_REACH = frozenset(
    {
        "address",
        "ca",
        "certificate",
        "certificate_key",
        "credential",
        "guest_credential",
        "https",
        "masquerade",
        "port",
        "transport",
    }
)
"""How something is reached, not what it is; a lab gives these anew each time it starts."""
_ESTATE = "estate"
_PLAN = "plan"


def fingerprint(plan: Plan, estate: Estate, *, folder: Path) -> dict[str, str]:
    """SHA-256 of the plan, of each script that it names, and of what it uses of the estate.

    Args:
        plan: As it was loaded: comments and the order of keys make no difference.
        estate: The estate beside it, completed by the lab or not.
        folder: Where its scripts are.
    """
    scripts = {
        Path(place.hook.script).as_posix()
        for place in hook_places(plan)
        if isinstance(place.hook, ScriptHook)
    }
    # When it is rehearsed is no part of what a rehearsal proves.
    meant = plan.model_dump(mode="json", exclude={"description", "rehearse_within", "check"})
    for key in ("cron", "timezone", "hold"):
        (meant.get("rehearse") or {}).pop(key, None)
    meant = _without(meant, frozenset({"credential"}))  # how a guest is entered
    parts = {_PLAN: _of_value(meant), _ESTATE: _of_value(_used_estate(plan, estate))}
    return parts | {f"script {name}": _of_file(folder / name) for name in sorted(scripts)}


def changes_between(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """What has changed, in words; empty if nothing has, or nothing is known of before."""
    if not before:
        return []
    parts = sorted(before.keys() | now.keys())
    return [_words(part) for part in parts if before.get(part) != now.get(part)]


def _words(part: str) -> str:
    match part.partition(" "):
        case ("plan", "", ""):
            return "the plan was changed"
        case ("estate", "", ""):
            return "what the plan uses of the estate was changed"
        case (_, _, name):
            return f"{name} was changed"


def _used_estate(plan: Plan, estate: Estate) -> dict[str, Any]:
    protection = estate.protection(plan.protection)
    if protection is None:
        return {}
    zones = {record.zone for vm in plan.vms for record in vm.dns}
    sites = {name: estate.sites.get(name) for name in (protection.primary, protection.recovery)}
    used: dict[str, Any] = {
        "protection": protection.model_dump(mode="json"),
        "sites": {name: site.model_dump(mode="json") for name, site in sites.items() if site},
        "dns": [
            target.model_dump(mode="json")
            for target in estate.dns
            if zones & {*target.zones, *target.stands_for}
        ],
    }
    without: dict[str, Any] = _without(used, _REACH)
    return without


def _without(value: Any, keys: frozenset[str]) -> Any:
    match value:
        case dict():
            return {key: _without(each, keys) for key, each in value.items() if key not in keys}
        case list():
            return [_without(each, keys) for each in value]
        case _:
            return value


def _of_value(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _of_file(path: Path) -> str:
    text = path.read_bytes().replace(b"\r\n", b"\n") if path.is_file() else b""
    return hashlib.sha256(text).hexdigest()
