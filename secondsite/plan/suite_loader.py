"""The suites of a plans folder: `suites/*.yaml` in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from secondsite.errors import Fault, PlanError
from secondsite.plan.suggestions import did_you_mean
from secondsite.plan.suite import Suite
from secondsite.plan.yaml_source import Source, read_model

__all__ = ["examine_suites", "find_suite", "load_suites", "suite_files"]

FOLDER = "suites"
_SUFFIXES = frozenset({".yaml", ".yml"})


def suite_files(folder: Path) -> list[Path]:
    """The files of the suites of a plans folder, in order."""
    suites = folder / FOLDER
    if not suites.is_dir():
        return []
    return sorted(
        each
        for each in suites.iterdir()
        if each.suffix in _SUFFIXES and not each.name.startswith(".")
    )


def examine_suites(
    files: Iterable[Path], *, plans: Sequence[str], others: bool = False
) -> tuple[list[tuple[Path, Suite]], list[Fault]]:
    """The suites that are right, and every fault of all of them.

    Args:
        files: Their files.
        plans: Names of the plans that there are, faulty ones too.
        others: Whether there are others whose names cannot be read.
    """
    found: list[tuple[Path, Suite]] = []
    faults: list[Fault] = []
    lines_of_name: dict[str, str] = {}
    for path in files:
        source = read_model(path, Suite)
        faults += source.faults
        suite = source.model or source.salvaged
        if suite is None:
            continue
        here = f"{source.file}:{source.lines.of('name')}"
        first = lines_of_name.setdefault(suite.name.casefold(), here)
        if first != here:
            faults.append(
                source.fault(f"another suite has this name ({first}): write another", "name")
            )
        mine = list(_faults(source, suite, plans, others=others))
        faults += mine
        if source.model is not None and not mine:
            found.append((path, source.model))
    return found, faults


def load_suites(folder: Path, *, plans: Sequence[str]) -> dict[str, Suite]:
    """The suites of the plans folder, by name.

    Raises:
        PlanError: with every fault of their files.
    """
    found, faults = examine_suites(suite_files(folder), plans=plans)
    if faults:
        raise PlanError(faults)
    return {suite.name: suite for _, suite in found}


def find_suite(name: str, *, folder: Path) -> Path | None:
    """The file of the suite of that name in the plans folder; None if there is none."""
    for path in suite_files(folder):
        data = read_model(path, Suite).data
        if isinstance(data, dict) and data.get("name") == name:
            return path
    return None


def _faults(
    source: Source[Suite], suite: Suite, plans: Sequence[str], *, others: bool
) -> Iterator[Fault]:
    known = {name.casefold() for name in plans}
    if suite.name.casefold() in known:
        yield source.fault(
            "a plan has this name: give the suite another, so that commands know which is meant",
            "name",
        )
    seen: set[str] = set()
    for index, name in enumerate(suite.plans):
        if name not in plans and not others:
            yield source.fault(
                f'"{name}" is no plan of this folder{did_you_mean(name, plans)}', "plans", index
            )
        elif name in seen:
            yield source.fault(f'"{name}" is in the suite twice: keep one', "plans", index)
        seen.add(name)
