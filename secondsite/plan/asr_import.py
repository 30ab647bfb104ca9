"""A recovery plan of Azure Site Recovery → a plan of ours, and all that could not be carried over.

Nothing is lost in silence: what cannot run here (an Automation runbook, say) becomes a gate that
tells people to do it, and each such change is a note.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PureWindowsPath
from typing import Any

from secondsite.plan.asr_document import AsrAction, AsrDocument, AsrGroup
from secondsite.plan.model import Plan
from secondsite.plan.yaml_dump import dump_model

__all__ = ["Imported", "import_plan"]

_KINDS = {
    "test": "test",
    "testfailover": "test",
    "planned": "planned",
    "plannedfailover": "planned",
    "unplanned": "unplanned",
    "unplannedfailover": "unplanned",
}
_DIRECTIONS = {"primarytorecovery": "forward", "recoverytoprimary": "back"}
_ISO_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.\d+)?S)?)?", re.I)
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.I)
_LONGEST_NAME = 100
_LONGEST_TIMEOUT_S = 30 * 86_400
_CLOCK_DURATION = re.compile(r"(?:(\d+)\.)?(\d+):(\d\d):(\d\d)(?:\.\d+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """A plan that was carried over.

    Attributes:
        notes: What changed, or must be completed by hand.
    """

    plan: Plan
    notes: tuple[str, ...]

    @property
    def text(self) -> str:
        """The plan's file: the notes as comments, then the plan."""
        head = ["# Carried over from Azure Site Recovery. Before the first rehearsal:"]
        head += [f"#  - {' '.join(note.split())}" for note in self.notes]
        head += [
            "#  - add readiness probes, addresses and DNS names, which ASR's plans do not have"
        ]
        return "\n".join(head) + "\n\n" + dump_model(self.plan)


def import_plan(
    document: AsrDocument, *, protection: str, names: Mapping[str, str] | None = None
) -> Imported:
    """`document` as a plan of ours.

    Args:
        document: The plan of Azure Site Recovery.
        protection: Name of the protection, in the estate, that takes the place of the two fabrics.
        names: Name of each VM by its id, for files that have ids only.
    """
    importer = _Importer(names={key.lower(): name for key, name in (names or {}).items()})
    return importer.run(document, protection)


@dataclass(slots=True)
class _Importer:
    names: Mapping[str, str]
    notes: list[str] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)

    def run(self, document: AsrDocument, protection: str) -> Imported:
        if document.primary or document.recovery:
            self.notes.append(
                f"the protection {protection!r} stands for {document.primary or '?'} → "
                f"{document.recovery or '?'}: see that it is the right one"
            )
        data: dict[str, Any] = {
            "name": self._plan_name(document.name),
            "protection": protection,
            "shutdown": {"before": [], "after": []},
            "failover": {"before": [], "after": []},
            "groups": [],
        }
        for group in document.groups:
            if group.type == "boot":
                continue
            part = data[group.type]
            part["before"] += self._hooks(group.before, place=group.type)
            part["after"] += self._hooks(group.after, place=group.type)
            if group.vms:
                self.notes.append(
                    f"the {group.type} group had VMs of its own; they start in group-0, first"
                )
                data["groups"].append({"name": "group-0", "vms": self._vms(group)})
        boot = [group for group in document.groups if group.type == "boot"]
        for number, group in enumerate(boot, start=1):
            made = self._boot_group(group, number)
            if made is not None:
                data["groups"].append(made)
        if not data["groups"]:
            self.notes.append("the plan had no VMs and no boot groups: write them")
            data["groups"].append({"name": "group-1"})
        return Imported(plan=Plan.model_validate(data), notes=tuple(dict.fromkeys(self.notes)))

    def _plan_name(self, name: str) -> str:
        plain = re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-_")[:63].strip("-_")
        if plain != name:
            self.notes.append(
                f"the plan was called {name!r}; its name here is {plain or 'imported'}"
            )
        return plain or "imported"

    def _boot_group(self, group: AsrGroup, number: int) -> dict[str, Any] | None:
        where = f"group-{number}"
        made = {
            "name": where,
            "before": self._hooks(group.before, place=where),
            "vms": self._vms(group),
            "after": self._hooks(group.after, place=where),
        }
        if made["before"] or made["vms"] or made["after"]:
            return made
        self.notes.append(f"boot group {number} was empty and is left out")
        return None

    def _vms(self, group: AsrGroup) -> list[str]:
        found = []
        for name, identity in group.vms:
            known = (self.names.get((identity or "").lower()) or name or identity or "").strip()
            if not known:
                self.notes.append("a protected item without name and id is left out: add its VM")
                continue
            if known.casefold() in self.taken:
                self.notes.append(f"{known} was in two groups; it is kept in the first one")
                continue
            if len(known) > _LONGEST_NAME:
                self.notes.append(f"{known[:40]}… is too long for a VM's name, and is left out")
                continue
            if known == identity and _GUID.fullmatch(known):
                self.notes.append(
                    f"write the VM's name for {identity}: the file has only this id (Get-VM -Id)"
                )
            self.taken.add(known.casefold())
            found.append(known)
        return found

    def _hooks(self, actions: Sequence[AsrAction], *, place: str) -> list[dict[str, Any]]:
        hooks = (self._hook(action, place=place) for action in actions)
        return [hook for hook in hooks if hook is not None]

    def _hook(self, action: AsrAction, *, place: str) -> dict[str, Any] | None:
        name = action.name or f"Action of {place}"
        applies = self._applies(action, name=name, place=place)
        if applies is None:
            return None
        details = action.details
        if action.kind == "manual":
            text = str(details.get("description") or "").strip()
            return {"gate": name[:120], "instructions": f"{text}\n" if text else "", **applies}
        if action.kind == "runbook":
            runbook = str(details.get("runbookid") or "").rstrip("/").rpartition("/")[2] or "?"
            return self._by_hand(
                name, f"the Automation runbook {runbook} ({self._side(details, name)})", applies
            )
        if action.kind == "unknown":
            return self._by_hand(name, "an action of a kind that is not known", applies)
        path = str(details.get("path") or details.get("scriptpath") or "")
        file = PureWindowsPath(path.replace("/", "\\")).name
        if not file.lower().endswith(".ps1"):
            return self._by_hand(name, f"the program {path or '?'}", applies)
        self.notes.append(f"copy {path} to scripts/{file}, and read it: it was written for ASR")
        hook = {
            "script": f"scripts/{file}",
            "name": name,
            "on": self._side(details, name),
            **applies,
        }
        timeout = self._timeout(details.get("timeout"), name)
        return {**hook, "timeout": timeout} if timeout else hook

    def _by_hand(self, name: str, what: str, applies: Mapping[str, Any]) -> dict[str, Any]:
        self.notes.append(f"{name!r} was {what}: it is a gate now; write a script in its place")
        instructions = (
            f"In Azure Site Recovery this was {what}. Do its work by hand, then approve.\n"
        )
        return {"gate": name[:120], "instructions": instructions, **applies}

    def _side(self, details: Mapping[str, Any], name: str) -> str:
        side = str(details.get("fabriclocation") or "").lower()
        if side in {"primary", "recovery"}:
            return side
        self.notes.append(f"{name!r} did not say where it runs: the recovery site is assumed")
        return "recovery"

    def _applies(self, action: AsrAction, *, name: str, place: str) -> dict[str, Any] | None:
        """`kinds` and `directions` of a hook; None if it would never run."""
        kinds = self._known(action.failover_types, _KINDS, f"{name!r} failover type")
        directions = self._known(action.directions, _DIRECTIONS, f"{name!r} direction")
        if kinds == [] or directions == [] or (place == "shutdown" and kinds == ["test"]):
            self.notes.append(f"{name!r} ({place}) would never run here, and is left out")
            return None
        found: dict[str, Any] = {}
        if kinds is not None and len(kinds) < len(set(_KINDS.values())):
            found["kinds"] = kinds
        if directions is not None and len(directions) < len(_DIRECTIONS):
            found["directions"] = directions
        return found

    def _known(
        self, written: Sequence[str] | None, words: Mapping[str, str], what: str
    ) -> list[str] | None:
        if not written:
            return None
        for each in written:
            if each.lower() not in words:
                self.notes.append(f"{what} {each!r} has no counterpart here")
        return list(dict.fromkeys(words[each.lower()] for each in written if each.lower() in words))

    def _timeout(self, written: Any, name: str) -> str | None:
        if written in (None, ""):
            return None
        seconds = _seconds(str(written).strip())
        if seconds and seconds <= _LONGEST_TIMEOUT_S:
            return f"{seconds}s"
        self.notes.append(
            f"{name!r} had the time-out {written!r}, which cannot be read: 10m is used"
        )
        return None


def _seconds(text: str) -> int | None:
    """ASR's time-outs: ISO 8601 (`PT10M`), a time span (`00:10:00`), or seconds."""
    if text.isdigit():
        return int(text)
    match = _ISO_DURATION.fullmatch(text) or _CLOCK_DURATION.fullmatch(text)
    if match is None:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds
