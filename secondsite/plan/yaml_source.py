"""A YAML file → a frozen model, or every fault of it with file and line. For any pydantic model.

Plans, estates and the lab's estates are all read here, so their messages read alike:
`plans/web.yaml:14: group "web": vm "web01": "boot_timout" is not known here (did you mean …?)`.
"""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any, Generic, NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from secondsite.errors import Fault
from secondsite.plan.schema_walk import field_docs, keys_of, model_at
from secondsite.plan.suggestions import did_you_mean
from secondsite.plan.wording import Wording, place_in_words, say
from secondsite.plan.yaml_text import Lines, Path, read_text

__all__ = ["LoadedModel", "Source", "load_model", "read_model"]

ModelT = TypeVar("ModelT", bound=BaseModel)

_FOLLOW_UPS = frozenset(
    {"too_short", "literal_error"}
    | {f"{kind}_type" for kind in ("string", "int", "float", "bool", "list", "tuple", "dict")}
    | {"model_type", "mapping_type", "dataclass_type", "model_attributes_type", "none_required"}
)
"""Said of a value as a whole, these mean nothing when something inside it is wrong: another member
of the union fits better, or an entry is missing only because it is faulty itself."""


class LoadedModel(NamedTuple, Generic[ModelT]):
    """What `load_model` gives: the model if there are no faults, else the faults."""

    model: ModelT | None
    faults: tuple[Fault, ...]
    lines: Lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Source(Generic[ModelT]):
    """One file, read.

    Attributes:
        file: Path as the person gave it.
        data: The plain values; None if the file cannot be read.
        model: None if the file has faults.
        salvaged: The model without the keys that are wrong, when it stands without them: good for
            finding more faults, never for a run.
    """

    file: str
    data: Any
    lines: Lines
    faults: tuple[Fault, ...]
    model: ModelT | None
    salvaged: ModelT | None

    def fault(self, message: str, *path: str | int) -> Fault:
        """A fault of the value at `path`, with its line, and its place in words in front."""
        place = place_in_words(path, self.data)
        said = f"{place}: {message}" if place else message
        return Fault(file=self.file, line=self.lines.of(*path), message=said)


def load_model(
    path: FilePath, model: type[ModelT], *, shown: str | None = None
) -> LoadedModel[ModelT]:
    """The model in the YAML file at `path`, all faults of the file, and the line of each value."""
    source = read_model(path, model, shown=shown)
    return LoadedModel(source.model, source.faults, source.lines)


def read_model(path: FilePath, model: type[ModelT], *, shown: str | None = None) -> Source[ModelT]:
    """The YAML file at `path` with everything that is known of it; never raises for a bad file.

    Args:
        path: The file.
        model: What it must be.
        shown: Path as faults show it; `path` itself if absent.
    """
    file = shown or str(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        return _unreadable(file, _why_unreadable(error))
    read = read_text(text)
    faults = [Fault(file=file, line=line, message=message) for line, message in read.faults]
    if not read.is_readable:
        return Source(
            file=file, data=None, lines=read.lines, faults=tuple(faults), model=None, salvaged=None
        )
    if read.data is None:
        return _unreadable(file, f"the file is empty: write {_first_keys(model)}", line=1)
    found: ModelT | None = None
    salvaged: ModelT | None = None
    try:
        found = model.model_validate(read.data)
    except ValidationError as error:
        errors = error.errors(include_url=False)
        faults += _faults(model, errors, read.data, file, read.lines)
        salvaged = _salvage(model, errors, read.data)
    if faults:
        found, salvaged = None, found or salvaged
    return Source(
        file=file,
        data=read.data,
        lines=read.lines,
        faults=tuple(dict.fromkeys(faults)),
        model=found,
        salvaged=salvaged,
    )


def _unreadable(file: str, message: str, *, line: int = 0) -> Source[Any]:
    fault = Fault(file=file, line=line, message=message)
    return Source(file=file, data=None, lines=Lines(), faults=(fault,), model=None, salvaged=None)


def _why_unreadable(error: OSError | UnicodeDecodeError) -> str:
    match error:
        case FileNotFoundError():
            return "there is no such file"
        case IsADirectoryError():
            return "this is a folder, not a file"
        case UnicodeDecodeError():
            return "the file is not UTF-8 text: save it as UTF-8"
        case _:
            reason = error.strerror or type(error).__name__
            return f"the file cannot be read: {reason}"


def _first_keys(model: type[BaseModel]) -> str:
    required = [
        field.alias or name for name, field in model.model_fields.items() if field.is_required()
    ]
    return ", ".join(f"{key}: …" for key in required or keys_of(model)[:3])


def _faults(
    model: type[BaseModel],
    errors: Sequence[ErrorDetails],
    data: Any,
    file: str,
    lines: Lines,
) -> list[Fault]:
    """One fault per place: what the members of a union say of one value becomes one sentence."""
    wordings: dict[Path, list[Wording]] = defaultdict(list)
    unknown_keys: set[Path] = set()
    for path, error in _own_faults(errors, data):
        if error["type"] == "extra_forbidden":
            unknown_keys.add(path)
        wording = _wording(model, error, path)
        if wording not in wordings[path]:
            wordings[path].append(wording)
    faults = []
    for path, said in wordings.items():
        is_about_key = path not in lines or path in unknown_keys
        place = place_in_words(path[:-1] if is_about_key else path, data)
        message = f"{place}: {_merged(said)}" if place else _merged(said)
        faults.append(Fault(file=file, line=lines.of(*path), message=message))
    return faults


def _own_faults(errors: Sequence[ErrorDetails], data: Any) -> list[tuple[Path, ErrorDetails]]:
    """The errors with their places, without those that only follow from one further inside."""
    placed = [(_written_path(error, data), error) for error in errors]
    kinds: dict[Path, set[str]] = defaultdict(set)
    for path, error in placed:
        kinds[path].add(error["type"])
    above = {path[:length] for path in kinds for length in range(len(path))}
    return [
        (path, error)
        for path, error in placed
        if not (path in above and kinds[path] <= _FOLLOW_UPS)
    ]


def _merged(wordings: Sequence[Wording]) -> str:
    insteads = list(dict.fromkeys(instead for _, instead in wordings if instead))
    wrong = wordings[0][0]
    if not insteads:
        return "; ".join(dict.fromkeys(wrong for wrong, _ in wordings))
    return f"{wrong}: write {' or '.join(insteads)}"


def _written_path(error: ErrorDetails, data: Any) -> Path:
    """Pydantic's place without the names of union members: only what leads through `data`."""
    place = error["loc"]
    path: list[str | int] = []
    current = data
    for index, part in enumerate(place):
        is_last = index == len(place) - 1
        if isinstance(current, dict) and part in current:
            current = current[str(part)]
            path.append(part)
        elif isinstance(current, list) and isinstance(part, int) and part < len(current):
            current = current[part]
            path.append(part)
        elif is_last and error["type"] == "missing":
            path.append(part)
    return tuple(path)


def _wording(model: type[BaseModel], error: ErrorDetails, path: Path) -> Wording:
    kind, place = error["type"], error["loc"]
    if kind in {"missing", "extra_forbidden"}:
        key = str(place[-1])
        around = model_at(model, place[:-1])
        if kind == "missing":
            about = field_docs(around).get(key, "") if around else ""
            return f'"{key}" is missing', f"{key}: …{f' ({about})' if about else ''}"
        known = keys_of(around) if around else ()
        return f'"{key}" is not known here{did_you_mean(key, known)}', ""
    return say(
        kind,
        value=error["input"],
        context=error.get("ctx", {}),
        path=path,
        message=error["msg"],
    )


def _salvage(model: type[ModelT], errors: Sequence[ErrorDetails], data: Any) -> ModelT | None:
    """`data` as a model, without the keys that are wrong; None if it cannot do without them."""
    kept = copy.deepcopy(data)
    for path, error in _own_faults(errors, data):
        if error["type"] == "missing" or not path or isinstance(path[-1], int):
            return None
        if error["type"] != "extra_forbidden" and isinstance(error["input"], dict | list):
            return None
        around = kept
        for part in path[:-1]:
            around = around[part]
        around.pop(path[-1], None)
    try:
        return model.model_validate(kept)
    except ValidationError:
        return None
