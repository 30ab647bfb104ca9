"""YAML text → plain values, the line of each of them, and every syntax fault; knows no models.

YAML 1.2 (ruamel.yaml), where `on`, `yes` and `no` are words and `010` is ten. Mappings become
`dict` with text keys, sequences `list`, dates stay text. Duplicate keys are faults: the last one
does not win.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

__all__ = ["Lines", "Path", "Text", "read_text"]

Path = tuple[str | int, ...]
"""Where a value is in a file: the keys and indexes that lead to it."""

_TAG = "tag:yaml.org,2002:"
_PLAIN_TAGS = frozenset({"null", "bool", "int", "float", "str", "timestamp", "value"})
_MOST_VALUES = 300_000
"""A file with more (through aliases of aliases) is not one that a person wrote."""

_HINTS = {
    "mapping values are not allowed here": (
        "a second `: ` in one line; put the text in quotes, or start a new line"
    ),
    "that cannot start any token": "put this text in quotes (tabs: indent with spaces instead)",
    "found unexpected end of stream": "a quote that is opened here is never closed",
    "expected <block end>": "the indentation does not fit the lines above",
    "could not find expected ':'": "a key needs `: ` after it",
    "expected a single document": "a file holds one document: remove the second `---`",
    "but found another document": "a file holds one document: remove the second `---`",
    "found undefined alias": "`*name` refers to `&name` above it; text with a star needs quotes",
    "expected ',' or": "a list in [brackets] or a mapping in {braces} is not closed",
    "expected the node content": "a list in [brackets] or a mapping in {braces} is not closed",
    "expected '<document start>'": "a key needs `: ` after it, and its indentation must fit",
}


class Lines:
    """The 1-based line of every value of one file."""

    def __init__(self, lines: Mapping[Path, int] | None = None) -> None:
        self._lines = MappingProxyType(dict(lines or {}))

    def of(self, *path: str | int) -> int:
        """Line of the value at `path`, or of the nearest thing around it that has one.

        For a value with a key it is the key's line. An empty file has line 1.
        """
        for length in range(len(path), -1, -1):
            line = self._lines.get(path[:length])
            if line is not None:
                return line
        return 1

    def __contains__(self, path: object) -> bool:
        """Whether something was written at that path."""
        return path in self._lines


@dataclass(frozen=True, slots=True)
class Text:
    """One file, read.

    Attributes:
        data: The plain values; None for an empty file.
        faults: (line, what is wrong and what to write instead).
        is_readable: False when the syntax is broken: then `data` is None and means nothing.
    """

    data: Any
    lines: Lines
    faults: tuple[tuple[int, str], ...] = ()
    is_readable: bool = True


def read_text(text: str) -> Text:
    """The values of a YAML document, with all that is wrong with it as YAML."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an anchor that is used twice is allowed in YAML 1.2
            root = YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        return Text(None, Lines(), (_syntax_fault(error),), is_readable=False)
    except YAMLError as error:
        return Text(None, Lines(), (_character_fault(text, error),), is_readable=False)
    if root is None:
        return Text(None, Lines())
    reader = _Reader()
    data = reader.value(root, ())
    if reader.is_endless:
        return Text(None, Lines(), tuple(reader.faults), is_readable=False)
    return Text(data, Lines(reader.lines), tuple(reader.faults))


@dataclass(slots=True)
class _Reader:
    """Turns nodes into plain values, and notes lines and faults on the way."""

    lines: dict[Path, int] = field(default_factory=dict)
    faults: list[tuple[int, str]] = field(default_factory=list)
    is_endless: bool = False
    _open: set[int] = field(default_factory=set)
    _count: int = 0

    def value(self, node: Node, path: Path) -> Any:
        self.lines.setdefault(path, _line(node))
        self._count += 1
        if id(node) in self._open or self._count > _MOST_VALUES:
            if not self.is_endless:
                self.faults.append((_line(node), "an alias contains itself, or far too much"))
            self.is_endless = True
            return None
        if isinstance(node, ScalarNode):
            return self._scalar(node)
        self._open.add(id(node))
        try:
            if isinstance(node, SequenceNode):
                return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]
            return self._mapping(node, path) if isinstance(node, MappingNode) else None
        finally:
            self._open.discard(id(node))

    def _mapping(self, node: MappingNode, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        first_line: dict[str, int] = {}
        merged: list[Node] = []
        for key_node, value_node in node.value:
            line = _line(key_node)
            if not isinstance(key_node, ScalarNode):
                self.faults.append((line, "a key is a word, not a list or a mapping"))
                continue
            if key_node.tag == f"{_TAG}merge":
                merged.append(value_node)
                continue
            key = str(key_node.value)
            if key in first_line:
                self.faults.append(
                    (line, f'"{key}" is written twice (first in line {first_line[key]}): keep one')
                )
                continue
            first_line[key] = line
            self.lines[(*path, key)] = line
            found[key] = self.value(value_node, (*path, key))
        for value_node in merged:
            self._merge(value_node, path, found)
        return found

    def _merge(self, node: Node, path: Path, into: dict[str, Any]) -> None:
        sources = node.value if isinstance(node, SequenceNode) else [node]
        for source in sources:
            if not isinstance(source, MappingNode):
                self.faults.append((_line(source), "`<<:` takes a mapping: write `<<: *name`"))
                continue
            for key, value in self._mapping_apart(source, path, into).items():
                into.setdefault(key, value)

    def _mapping_apart(
        self, node: MappingNode, path: Path, known: dict[str, Any]
    ) -> dict[str, Any]:
        """The values of a mapping that is merged in; keys that are written out keep their lines."""
        before = {key: line for key, line in self.lines.items() if key[: len(path)] == path}
        value = self.value(node, path)
        self.lines.update(
            {
                key: line
                for key, line in before.items()
                if len(key) <= len(path) or key[len(path)] in known
            }
        )
        return value if isinstance(value, dict) else {}

    def _scalar(self, node: ScalarNode) -> Any:
        kind = str(node.tag or "").removeprefix(_TAG)
        text = str(node.value)
        if kind not in _PLAIN_TAGS:
            self.faults.append(
                (_line(node), f"the YAML tag !{kind.lstrip('!')} means nothing here")
            )
            return text
        try:
            return _plain(kind, text)
        except ValueError:
            self.faults.append((_line(node), f'"{text}" is not {_A_KIND.get(kind, kind)}'))
            return text


_A_KIND = {"int": "a whole number", "float": "a number", "bool": "true or false"}


def _plain(kind: str, text: str) -> Any:
    match kind:
        case "null":
            return None
        case "bool":
            if text.lower() not in {"true", "false"}:
                raise ValueError(text)
            return text.lower() == "true"
        case "int":
            return _whole_number(text)
        case "float":
            special = text.lower().replace(".inf", "inf").replace(".nan", "nan")
            return float(special.replace("_", ""))
        case _:
            return text


def _whole_number(text: str) -> int:
    digits = text.replace("_", "").lower()
    unsigned = digits.lstrip("+-")
    for prefix, base in (("0x", 16), ("0o", 8), ("0b", 2)):
        if unsigned.startswith(prefix):
            return int(digits, base)
    return int(digits)


def _line(node: Node) -> int:
    return int(node.start_mark.line) + 1


def _syntax_fault(error: MarkedYAMLError) -> tuple[int, str]:
    problem = str(error.problem or error.context or "this is not YAML")
    mark = error.problem_mark or error.context_mark
    is_left_open = "unexpected end of stream" in problem or "flow" in str(error.context)
    if error.context_mark is not None and is_left_open:
        mark = error.context_mark  # where it was opened, not where the reader gave up
    hint = next((hint for sign, hint in _HINTS.items() if sign in problem), "")
    where = f", column {mark.column + 1}" if mark is not None else ""
    message = f"this is not YAML{where}: {hint or problem}"
    return (mark.line + 1 if mark is not None else 1), message


def _character_fault(text: str, error: YAMLError) -> tuple[int, str]:
    position = getattr(error, "position", None)
    line = text.count("\n", 0, position) + 1 if isinstance(position, int) else 1
    character = getattr(error, "character", None)
    shown = f" (character {character:#06x})" if isinstance(character, int) else ""
    return line, f"a character that no text file should hold{shown}: remove it"
