"""The values that the lab's PowerShell works with, as Python objects.

What a simulated cmdlet gives or receives is one of these:

====================  ==========================================================================
PowerShell            Python
====================  ==========================================================================
``$null``             ``None`` (and `NOTHING`, the output of a pipeline that gave none)
``[string]``          ``str``; ``[char]``: `Char`
``[int]``             ``int`` within 32 bits; ``[long]``: any other ``int``, or `Int64`
``[double]``          ``float``; ``[decimal]``: ``decimal.Decimal``
``[bool]``            ``bool``
``[object[]]``        ``list`` (``[byte[]]``: ``bytes``)
``[datetime]``        ``datetime``: UTC kind when its zone is UTC, local kind when it has another
                      zone, unspecified kind when naive
``[timespan]``        ``timedelta``
``[guid]``            ``uuid.UUID``
an enumeration        `PsEnum`
hashtables            `PsHashtable`
any other object      `PsObject`, made by `ps_object`
====================  ==========================================================================
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from secondsite.lab.powershell.error_record import (
    ERROR_CATEGORIES,
    ErrorRecord,
    PsException,
)

if TYPE_CHECKING:
    from secondsite.lab.powershell.syntax import ScriptBlockAst

__all__ = [
    "CUSTOM_OBJECT",
    "ERROR_CATEGORIES",
    "NOTHING",
    "Char",
    "ErrorRecord",
    "Int64",
    "PsEnum",
    "PsException",
    "PsHashtable",
    "PsList",
    "PsObject",
    "PsVersion",
    "ScriptBlock",
    "custom_object",
    "ps_object",
]

CUSTOM_OBJECT: Final = "System.Management.Automation.PSCustomObject"


class _Nothing:
    """The output of a pipeline that gave none (AutomationNull): null that enumerates to nothing."""

    def __repr__(self) -> str:
        return "NOTHING"

    def __bool__(self) -> bool:
        return False


NOTHING: Final = _Nothing()


class Char(str):
    """One UTF-16 character, `[char]`."""

    __slots__ = ()


class Int64(int):
    """A `[long]` whose value would also fit an `[int]`."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class PsEnum:
    """One value of a .NET enumeration.

    Attributes:
        type_name: Full name of the enumeration, `Microsoft.HyperV.PowerShell.VMState`.
        name: `Running`; what it prints as, and compares with strings as (without case).
        number: What ConvertTo-Json of Windows PowerShell 5.1 writes.
    """

    type_name: str
    name: str
    number: int

    def __str__(self) -> str:
        return self.name


class PsObject:
    """An object with ordered properties, found without case.

    Attributes:
        type_names: Full .NET type name first, then its bases.
        aliases: Alias property → property.
        methods: Methods by name; each takes the PowerShell arguments.
        text: What the object prints as in a string; None: its type name (or `@{...}` if custom).
    """

    __slots__ = ("_names", "_values", "aliases", "methods", "text", "type_names")

    def __init__(
        self,
        type_names: Iterable[str] = (CUSTOM_OBJECT,),
        properties: Mapping[str, object] | None = None,
        *,
        aliases: Mapping[str, str] | None = None,
        methods: Mapping[str, Callable[..., object]] | None = None,
        text: str | None = None,
    ) -> None:
        self.type_names = tuple(type_names)
        self._values: dict[str, object] = dict(properties or {})
        self._names: dict[str, str] | None = None
        self.aliases: Mapping[str, str] = aliases or {}
        self.methods: Mapping[str, Callable[..., object]] = methods or {}
        self.text = text

    @property
    def type_name(self) -> str:
        """Full name of the object's own type."""
        return self.type_names[0]

    @property
    def is_custom(self) -> bool:
        """Whether it is a `[pscustomobject]` rather than an object of a .NET type."""
        return self.type_names[-1] == CUSTOM_OBJECT

    @property
    def properties(self) -> Mapping[str, object]:
        """Properties in order, without alias properties."""
        return self._values

    def resolve(self, name: str) -> str | None:
        """The property that `name` means, whatever its case; None when there is none."""
        if name in self._values:
            return name
        if self._names is None:
            self._names = {key.lower(): key for key in self._values}
            for alias, target in self.aliases.items():
                self._names.setdefault(alias.lower(), target)
        return self._names.get(name.lower())

    def has(self, name: str) -> bool:
        """Whether there is such a property or alias property."""
        return self.resolve(name) is not None

    def get(self, name: str, default: object = None) -> object:
        """The value of a property."""
        key = self.resolve(name)
        return default if key is None else self._values.get(key, default)

    def set(self, name: str, value: object) -> None:
        """Change a property, or add it at the end."""
        key = self.resolve(name)
        if key is None:
            self._names = None
            key = name
        self._values[key] = value

    def remove(self, name: str) -> None:
        """Take a property away; nothing happens if there is none."""
        key = self.resolve(name)
        if key is not None:
            self._values.pop(key, None)
            self._names = None

    def all_names(self) -> list[str]:
        """Properties, then alias properties."""
        return [*self._values, *self.aliases]

    def __repr__(self) -> str:
        return f"PsObject({self.type_name!r}, {self._values!r})"


def ps_object(
    type_name: str,
    /,
    *,
    bases: Iterable[str] = (),
    aliases: Mapping[str, str] | None = None,
    methods: Mapping[str, Callable[..., object]] | None = None,
    text: str | None = None,
    **properties: object,
) -> PsObject:
    """An object as a cmdlet gives it: `ps_object("Some.Type", Name="x", State=PsEnum(...))`."""
    return PsObject(
        (type_name, *bases, "System.Object"),
        properties,
        aliases=aliases,
        methods=methods,
        text=text,
    )


def custom_object(properties: Mapping[str, object]) -> PsObject:
    """A `[pscustomobject]`."""
    return PsObject((CUSTOM_OBJECT,), properties)


def _fold(key: object) -> object:
    return key.lower() if isinstance(key, str) else key


class PsHashtable:
    """A hashtable whose string keys have no case.

    An unordered one is enumerated in an order that is stable but not that of insertion, as in
    .NET, so that a script which relies on the order shows it here.
    """

    __slots__ = ("_entries", "ordered")

    def __init__(
        self,
        entries: Mapping[str, object] | Iterable[tuple[object, object]] = (),
        *,
        ordered: bool = False,
    ) -> None:
        self.ordered = ordered
        self._entries: dict[object, tuple[object, object]] = {}
        pairs = entries.items() if isinstance(entries, Mapping) else entries
        for key, value in pairs:
            self[key] = value

    def __setitem__(self, key: object, value: object) -> None:
        folded = _fold(key)
        held = self._entries.get(folded)
        self._entries[folded] = (held[0] if held else key, value)

    def __getitem__(self, key: object) -> object:
        return self._entries[_fold(key)][1]

    def __contains__(self, key: object) -> bool:
        return _fold(key) in self._entries

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[object]:
        return iter([key for key, _ in self.items()])

    def get(self, key: object, default: object = None) -> object:
        """The value under `key`."""
        held = self._entries.get(_fold(key))
        return held[1] if held else default

    def remove(self, key: object) -> None:
        """Take an entry away; nothing happens if there is none."""
        self._entries.pop(_fold(key), None)

    def clear(self) -> None:
        """Take every entry away."""
        self._entries.clear()

    def items(self) -> list[tuple[object, object]]:
        """Entries, in the order in which they are enumerated."""
        entries = list(self._entries.values())
        if not self.ordered and len(entries) > 1:
            entries.sort(key=lambda entry: zlib.crc32(str(_fold(entry[0])).encode()))
        return entries

    def insertion_items(self) -> list[tuple[object, object]]:
        """Entries in the order in which they were written (casts to an object keep it)."""
        return list(self._entries.values())

    def keys(self) -> list[object]:
        """Keys, in the order in which they are enumerated."""
        return [key for key, _ in self.items()]

    def values(self) -> list[object]:
        """Values, in the order in which they are enumerated."""
        return [value for _, value in self.items()]

    def copy(self) -> PsHashtable:
        """A shallow copy."""
        return PsHashtable(self._entries.values(), ordered=self.ordered)

    def __repr__(self) -> str:
        return f"PsHashtable({self.items()!r})"


class PsList:
    """A growing list: `[System.Collections.Generic.List[T]]` or `[System.Collections.ArrayList]`.

    Attributes:
        type_name: Full name of the list's type.
        element_type: Name that elements are converted to, empty for any object.
        items: The elements.
    """

    __slots__ = ("element_type", "items", "type_name")

    def __init__(
        self,
        items: Iterable[object] = (),
        *,
        type_name: str = "System.Collections.ArrayList",
        element_type: str = "",
    ) -> None:
        self.items = list(items)
        self.type_name = type_name
        self.element_type = element_type


@dataclass(eq=False, slots=True)
class ScriptBlock:
    """`{ ... }` as a value.

    Attributes:
        ast: What it runs.
        closure: Variables captured by GetNewClosure.
    """

    ast: ScriptBlockAst
    closure: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class PsVersion:
    """`[version]`; -1 where a part was not given."""

    major: int
    minor: int
    build: int = -1
    revision: int = -1

    def __str__(self) -> str:
        parts = (self.major, self.minor, self.build, self.revision)
        return ".".join(str(part) for part in parts if part >= 0)
