"""A fingerprint of everything that a plan says, or a suite: text, scripts, and the estate."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from secondsite.plan.hook_places import hook_places
from secondsite.plan.hooks import ScriptHook
from secondsite.plan.loader import estate_file, load_plan

__all__ = ["plan_digest", "suite_digest"]


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
        text = _text(file) if file.is_file() else b""
        digest.update(f"{label} {len(text)}\n".encode())
        digest.update(text)
    return digest.hexdigest()


def suite_digest(path: Path, plans: Iterable[Path]) -> str:
    """SHA-256 over the suite's file, and all that its plans say, in the order of `plans`.

    Raises:
        PlanError: a plan is wrong.
    """
    digest = hashlib.sha256(b"secondsite suite digest 1\n")
    text = _text(path)
    digest.update(f"suite {len(text)}\n".encode())
    digest.update(text)
    for plan in plans:
        digest.update(f"plan {plan_digest(plan)}\n".encode())
    return digest.hexdigest()


def _text(file: Path) -> bytes:
    """What it says, whatever its line ends."""
    return file.read_bytes().replace(b"\r\n", b"\n")
