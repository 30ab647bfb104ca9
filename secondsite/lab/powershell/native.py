"""Small .NET objects that scripts make: dictionaries, sets, builders, stopwatches, matches."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from secondsite.lab.powershell.values import PsObject, ps_object


def dictionary_entry(key: object, value: object) -> PsObject:
    """One entry of an enumerated hashtable."""
    return ps_object(
        "System.Collections.DictionaryEntry", aliases={"Name": "Key"}, Key=key, Value=value
    )


@dataclass(eq=False, slots=True)
class PsDictionary:
    """`[System.Collections.Generic.Dictionary[K,V]]`: keys have case, and an order."""

    type_name: str
    key_type: str
    value_type: str
    entries: dict[object, object] = field(default_factory=dict)

    def enumerate_items(self) -> Iterable[object]:
        """Not fed to a pipeline entry by entry: as a whole."""
        return [self]


@dataclass(eq=False, slots=True)
class PsSet:
    """`[System.Collections.Generic.HashSet[T]]`, optionally without case."""

    type_name: str
    element_type: str
    ignore_case: bool = False
    entries: dict[object, object] = field(default_factory=dict)

    def key(self, value: object) -> object:
        """What tells elements apart."""
        return value.lower() if self.ignore_case and isinstance(value, str) else value

    def enumerate_items(self) -> Iterable[object]:
        """The elements, as a pipeline is fed."""
        return list(self.entries.values())


@dataclass(eq=False, slots=True)
class PsQueue:
    """`[System.Collections.Generic.Queue[T]]`."""

    type_name: str
    items: list[object] = field(default_factory=list)

    def enumerate_items(self) -> Iterable[object]:
        """The elements, as a pipeline is fed."""
        return list(self.items)


@dataclass(eq=False, slots=True)
class TextBuilder:
    """`[System.Text.StringBuilder]`."""

    parts: list[str] = field(default_factory=list)
    type_name: str = "System.Text.StringBuilder"

    def __str__(self) -> str:
        return "".join(self.parts)


class Stopwatch:
    """`[System.Diagnostics.Stopwatch]`: measures the real time that the script really took.

    Args:
        clock: The runspace's; one that has `monotonic` (an injected one) is measured by.
    """

    type_name = "System.Diagnostics.Stopwatch"

    def __init__(self, clock: object = None) -> None:
        self._tick: Callable[[], float] = getattr(clock, "monotonic", time.monotonic)
        self._started: float | None = None
        self._held_s = 0.0

    def start(self) -> None:
        """Go on measuring."""
        if self._started is None:
            self._started = self._tick()

    def stop(self) -> None:
        """Hold."""
        self._held_s = self.elapsed_s()
        self._started = None

    def reset(self) -> None:
        """Back to nothing, held."""
        self._started, self._held_s = None, 0.0

    @property
    def is_running(self) -> bool:
        """Whether it measures."""
        return self._started is not None

    def elapsed_s(self) -> float:
        """Seconds measured."""
        running = 0.0 if self._started is None else self._tick() - self._started
        return self._held_s + running


@dataclass(frozen=True, slots=True)
class PsRegex:
    """`[regex]`."""

    pattern: re.Pattern[str]
    text: str
    type_name: str = "System.Text.RegularExpressions.Regex"

    def __str__(self) -> str:
        return self.text


def match_object(found: re.Match[str] | None) -> PsObject:
    """A System.Text.RegularExpressions.Match."""
    if found is None:
        return _group(found=None, name="0", type_name="Match", groups=None)
    return _group(
        found=(found.group(), found.start()), name="0", type_name="Match", groups=group_list(found)
    )


def _group(
    *, found: tuple[str, int] | None, name: str, type_name: str, groups: GroupList | None
) -> PsObject:
    text, start = found or ("", 0)
    properties: dict[str, object] = {
        "Success": found is not None,
        "Name": name,
        "Index": start,
        "Length": len(text),
        "Value": text,
    }
    if groups is not None or type_name == "Match":
        properties = {"Groups": groups or GroupList([], {}), **properties}
    return PsObject(
        (f"System.Text.RegularExpressions.{type_name}", "System.Object"), properties, text=text
    )


@dataclass(frozen=True, slots=True)
class GroupList:
    """The groups of a match, by number or name; an unknown one is unsuccessful, not an error."""

    items: list[PsObject]
    by_name: dict[str, PsObject]
    type_name: str = "System.Text.RegularExpressions.GroupCollection"

    def get(self, key: object) -> PsObject:
        """The group of that number or name."""
        if isinstance(key, int) and 0 <= key < len(self.items):
            return self.items[key]
        found = self.by_name.get(str(key))
        return found or _group(found=None, name=str(key), type_name="Group", groups=None)

    def enumerate_items(self) -> Iterable[object]:
        """The groups, as a pipeline is fed."""
        return list(self.items)


def group_list(found: re.Match[str]) -> GroupList:
    """The groups of a match."""
    names = {number: name for name, number in found.re.groupindex.items()}
    items = []
    for number in range(found.re.groups + 1):
        text = found.group(number)
        span = None if text is None else (text, found.start(number))
        items.append(
            _group(found=span, name=names.get(number, str(number)), type_name="Group", groups=None)
        )
    return GroupList(items, {name: items[number] for number, name in names.items()})
