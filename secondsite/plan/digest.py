"""A fingerprint of everything that a plan says: its text, its scripts, and the estate."""

from __future__ import annotations

import hashlib
from pathlib import Path

from secondsite.plan.hook_places import hook_places
from secondsite.plan.hooks import ScriptHook
from secondsite.plan.loader import estate_file, load_plan

__all__ = ["plan_digest"]


def plan_digest(path: Path) -> str:
    """SHA-256 over the plan's file, the scripts that it names, and the estate beside it.

    It does not depend on where the folder is, on line ends, or on the order of the scripts.

    Raises:
        PlanError: the plan is wrong.
    """
    plan = load_plan(path)
    folder = path.parent
    scripts = {
        Path(place.hook.script).as_posix()
        for place in hook_places(plan)
        if isinstance(place.hook, ScriptHook)
    }
    digest = hashlib.sha256(b"secondsite plan digest 1\n")
    parts = [("plan", path), ("estate", estate_file(folder))]
    parts += [(f"script {name}", folder / name) for name in sorted(scripts)]
    for label, file in parts:
        text = file.read_bytes().replace(b"\r\n", b"\n") if file.is_file() else b""
        digest.update(f"{label} {len(text)}\n".encode())
        digest.update(text)
    return digest.hexdigest()
