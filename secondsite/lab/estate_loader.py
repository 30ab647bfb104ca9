"""A lab's YAML file → its estate, or every fault of it at once."""

from __future__ import annotations

from pathlib import Path

from secondsite.errors import PlanError
from secondsite.lab.estate import LabEstate
from secondsite.lab.estate_checks import misfits
from secondsite.plan.yaml_source import read_model

__all__ = ["load_lab_estate"]


def load_lab_estate(path: Path, *, shown: str | None = None) -> LabEstate:
    """The estate in the file at `path`.

    Args:
        path: The file.
        shown: Path as faults show it; `path` itself if absent.

    Raises:
        PlanError: the file is wrong; all its faults, each with its line.
    """
    source = read_model(path, LabEstate, shown=shown)
    faults = list(source.faults)
    readable = source.model or source.salvaged
    if readable is not None:
        faults += [source.fault(found.message, *found.place) for found in misfits(readable)]
    if faults or source.model is None:
        raise PlanError(faults)
    return source.model
