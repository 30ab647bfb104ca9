"""Files → plans and estates that are right, or one `PlanError` with every fault of all of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from secondsite.errors import Fault, PlanError
from secondsite.home import home as default_home
from secondsite.plan.derived_names import check_derived_names, with_derived_names
from secondsite.plan.estate import Estate
from secondsite.plan.estate_checks import check_estate
from secondsite.plan.hook_checks import check_script_files
from secondsite.plan.lab_endpoints import resolve_lab
from secondsite.plan.model import Plan
from secondsite.plan.plan_checks import check_plan
from secondsite.plan.plan_in_estate import check_in_estate, warn_in_estate
from secondsite.plan.prefect_checks import check_notified_plans
from secondsite.plan.suggestions import did_you_mean
from secondsite.plan.suite import Suite
from secondsite.plan.suite_loader import examine_suites, suite_files
from secondsite.plan.yaml_source import Source, read_model
from secondsite.plan.yaml_text import Lines

__all__ = [
    "ESTATE_NAMES",
    "Loaded",
    "Verdict",
    "examine",
    "find_plan",
    "load_estate",
    "load_folder",
    "load_plan",
]

ESTATE_NAMES = ("estate.yaml", "estate.yml")
_SUFFIXES = frozenset({".yaml", ".yml"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A folder of plans without a fault.

    Attributes:
        plans: By name.
        files: The file of each plan, by the plan's name.
        source_lines: The line of each value of each plan, by the plan's name.
        warnings: What is possible but probably not meant.
        suites: By name.
    """

    estate: Estate
    plans: Mapping[str, Plan]
    files: Mapping[str, Path]
    source_lines: Mapping[str, Lines]
    warnings: tuple[Fault, ...] = ()
    suites: Mapping[str, Suite] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What is to say about an estate and plans, right or wrong.

    Attributes:
        estate: Absent if it has faults.
        plans: The plans, with their files; those with structural faults are left out.
        suites: Those without faults, with their files.
    """

    estate: Estate | None
    plans: tuple[tuple[Path, Plan, Lines], ...]
    faults: tuple[Fault, ...]
    warnings: tuple[Fault, ...]
    suites: tuple[tuple[Path, Suite], ...] = ()


def load_folder(path: Path) -> Loaded:
    """The estate and the plans of a folder: `estate.yaml`, and every other YAML file is a plan.

    Suites are the YAML files of its folder `suites`.

    Raises:
        PlanError: with every fault of all files.
    """
    return _right(examine(estate_file(path), plan_files(path), suites=suite_files(path)))


def load_plan(path: Path, estate: Estate | None = None) -> Plan:
    """The plan in the file at `path`, checked by itself, and against `estate` if that is given.

    With an estate the VMs have the names that its rules give them.

    Raises:
        PlanError: with every fault of the file.
    """
    source = read_model(path, Plan)
    faults = [*source.faults, *_plan_faults(source, path, estate)]
    if faults or source.model is None:
        raise PlanError(_tidy(faults))
    return source.model if estate is None else with_derived_names(source.model, estate)


def load_estate(path: Path, *, home: Path | None = None, resolve: bool = False) -> Estate:
    """The estate in the file at `path`.

    Args:
        path: The file, or the folder that it is in.
        home: Where the lab writes its endpoints; SECONDSITE_HOME if absent.
        resolve: Whether an estate with `lab:` is completed with what the running lab says. Without
            it the estate of a lab has no addresses, and needs no lab.

    Raises:
        PlanError: with every fault of the file.
        UnreachableError: the lab is not up.
    """
    file = estate_file(path) if path.is_dir() else path
    source = read_model(file, Estate)
    faults = [*source.faults, *_estate_faults(source)]
    if faults or source.model is None:
        raise PlanError(_tidy(faults))
    if not resolve:
        return source.model
    return resolve_lab(source, source.model, home=home or default_home())


def find_plan(name: str, *, folder: Path) -> Path:
    """The file of a plan: `name` is a path of one, or the name of a plan in `folder`.

    Raises:
        PlanError: there is no such plan; says which there are.
    """
    as_path = Path(name)
    if as_path.suffix in _SUFFIXES:
        return as_path
    known: dict[str, Path] = {}
    for file in plan_files(folder):
        known.setdefault(file.stem, file)
        data = read_model(file, Plan).data
        written = data.get("name") if isinstance(data, dict) else None
        if written == name:
            return file
        if isinstance(written, str):
            known.pop(file.stem, None)
            known[written] = file
    if name in known:
        return known[name]
    raise PlanError(
        [
            Fault(
                file=str(folder),
                line=0,
                message=f'there is no plan "{name}"{did_you_mean(name, known)}',
            )
        ]
    )


def estate_file(folder: Path) -> Path:
    """The estate's file of a folder; the usual name if it has none."""
    candidates = [folder / name for name in ESTATE_NAMES]
    return next((each for each in candidates if each.is_file()), candidates[0])


def plan_files(folder: Path) -> list[Path]:
    """The files of the plans of a folder, in order."""
    if not folder.is_dir():
        return []
    return sorted(
        each
        for each in folder.iterdir()
        if each.suffix in _SUFFIXES
        and each.name not in ESTATE_NAMES
        and not each.name.startswith(".")
    )


def examine(
    estate_path: Path, plan_paths: Sequence[Path], *, suites: Sequence[Path] = ()
) -> Verdict:
    """Everything that is to say about an estate and plans; never raises for what is in them.

    Args:
        estate_path: File of the estate.
        plan_paths: Files of plans.
        suites: Files of suites of these plans.
    """
    source = read_model(estate_path, Estate)
    estate_faults = [*_missing_estate(source, estate_path), *_estate_faults(source)]
    faults = list(estate_faults)
    estate = source.model or source.salvaged
    warnings: list[Fault] = []
    plans: list[tuple[Path, Plan, Lines]] = []
    lines_of_name: dict[str, str] = {}
    known: list[str] = []
    for path in plan_paths:
        plan_source = read_model(path, Plan)
        faults += [*plan_source.faults, *_plan_faults(plan_source, path, estate)]
        plan = plan_source.model or plan_source.salvaged
        if plan is None:
            continue
        here = f"{plan_source.file}:{plan_source.lines.of('name')}"
        first = lines_of_name.setdefault(plan.name.casefold(), here)
        if first != here:
            faults.append(
                plan_source.fault(f"another plan has this name ({first}): write another", "name")
            )
        if estate is not None:
            warnings += warn_in_estate(plan_source, plan, estate)
        known.append(plan.name)
        if plan_source.model is not None:
            whole = plan if estate is None else with_derived_names(plan, estate)
            plans.append((path, whole, plan_source.lines))
    right_suites, suite_faults = examine_suites(
        suites, plans=known, others=len(known) < len(plan_paths)
    )
    faults += suite_faults
    is_all = sorted(plan_paths) == plan_files(estate_path.parent)
    if estate is not None and is_all and len(known) == len(plan_paths):
        faults += check_notified_plans(source, estate, known)
    return Verdict(
        estate=None if estate_faults else source.model,
        plans=tuple(plans),
        faults=tuple(_tidy(faults)),
        warnings=tuple(_tidy(warnings)),
        suites=tuple(right_suites),
    )


def _right(verdict: Verdict) -> Loaded:
    if verdict.faults or verdict.estate is None:
        raise PlanError(verdict.faults)
    return Loaded(
        estate=verdict.estate,
        plans={plan.name: plan for _, plan, _ in verdict.plans},
        files={plan.name: path for path, plan, _ in verdict.plans},
        source_lines={plan.name: lines for _, plan, lines in verdict.plans},
        warnings=verdict.warnings,
        suites={suite.name: suite for _, suite in verdict.suites},
    )


def _missing_estate(source: Source[Estate], path: Path) -> Sequence[Fault]:
    if path.exists() or not source.faults:
        return source.faults
    folder = path.parent
    message = (
        f"there is no estate here: write one, or begin with `secondsite init {folder}`"
        if folder.is_dir()
        else f"there is no such folder: begin with `secondsite init {folder}`"
    )
    return [Fault(file=str(path), line=0, message=message)]


def _plan_faults(source: Source[Plan], path: Path, estate: Estate | None) -> Iterable[Fault]:
    plan = source.model or source.salvaged
    if plan is None:
        return
    yield from check_plan(source, plan)
    yield from check_script_files(source, plan, path.parent)
    if estate is not None:
        yield from check_in_estate(source, plan, estate)
        yield from check_derived_names(source, plan, estate)


def _estate_faults(source: Source[Estate]) -> Iterable[Fault]:
    estate = source.model or source.salvaged
    return () if estate is None else check_estate(source, estate)


def _tidy(faults: Iterable[Fault]) -> list[Fault]:
    return sorted(set(faults))
