"""Readable, unambiguous step ids from the names that people give to groups, VMs and hooks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath
from urllib.parse import quote

from secondsite.plan.model import GateHook, Hook

__all__ = ["escape", "slugs"]

_PHASES = {"preflight", "shutdown", "grant", "failover", "reverse", "commit", "undo", "cleanup"}
_PHASES |= {"cancel", "give-back", "restore-dns"}
_RESERVED = _PHASES | {"hold", "begin", "end", "before", "after"}
_UNSAFE = re.compile(r"[/%\x00-\x1f\x7f]|^\s|\s$")


def escape(name: str) -> str:
    """`name` as one part of a step id: readable as it is, and never equal to another name's.

    A slash would look like a part of its own, and words such as `failover` have a meaning of their
    own in ids: a group of that name becomes `failover%name`, which no escaped name can be.
    """
    escaped = _UNSAFE.sub(lambda match: quote(match.group(), safe=""), name)
    return f"{escaped}%name" if escaped.casefold() in _RESERVED else escaped


def slugs(hooks: Sequence[Hook]) -> tuple[str, ...]:
    """One id part per hook, from its script's or gate's name; a second one gets -2."""
    taken: set[str] = set()
    result: list[str] = []
    for hook in hooks:
        stem = hook.gate if isinstance(hook, GateHook) else _stem(hook.script)
        base = re.sub(r"[^\w.]+", "-", stem.casefold()).strip("-.") or "hook"
        slug, count = base, 1
        while slug in taken:
            count += 1
            slug = f"{base}-{count}"
        taken.add(slug)
        result.append(slug)
    return tuple(result)


def _stem(script: str) -> str:
    return PurePosixPath(script.replace("\\", "/")).stem
