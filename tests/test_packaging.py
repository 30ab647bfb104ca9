"""What is distributed, what it may be called, and what the lock may hold."""

from __future__ import annotations

import importlib.util
import re
import sys
import tomllib
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

REPOSITORY = Path(__file__).parents[1]
PACKAGES = {"secondsite", "tasks", "flows"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    (path,) = WheelBuilder(str(REPOSITORY)).build(directory=str(folder), versions=["standard"])
    return zipfile.ZipFile(path)


def test_the_wheel_holds_exactly_the_three_packages(wheel: zipfile.ZipFile) -> None:
    tops = {name.partition("/")[0] for name in wheel.namelist()}

    assert {top for top in tops if not top.endswith(".dist-info")} == PACKAGES


def test_the_wheel_holds_every_file_that_the_code_reads(wheel: zipfile.ZipFile) -> None:
    shipped = set(wheel.namelist())
    data = {
        str(path.relative_to(REPOSITORY))
        for package in PACKAGES
        for path in (REPOSITORY / package).rglob("*")
        if path.is_file() and path.suffix not in {".py", ".pyc"}
    }

    assert any(name.endswith(".ps1") for name in data)
    assert data <= shipped


def test_no_other_distribution_claims_our_names() -> None:
    owners = packages_distributions()

    assert all(set(owners.get(name, ["secondsite"])) == {"secondsite"} for name in PACKAGES)


@pytest.mark.parametrize("folder", ["flows", "tasks"])
def test_no_module_hides_one_of_the_standard_library_or_an_installed_one(folder: str) -> None:
    """A flow loaded by path puts its folder first on sys.path and hides modules of these names."""
    names = {path.stem for path in (REPOSITORY / folder).glob("*.py")} - {"__init__"}

    assert not names & sys.stdlib_module_names
    assert [name for name in sorted(names) if importlib.util.find_spec(name)] == []


@pytest.mark.parametrize("lock", sorted(path.name for path in REPOSITORY.glob("constraints*.txt")))
def test_the_lock_has_a_hash_for_everything_and_no_index_address(lock: str) -> None:
    text = (REPOSITORY / lock).read_text()

    requirements = [line for line in text.splitlines() if line and not line.startswith(" ")]
    assert all(re.match(r"[a-z0-9._-]+(\[[a-z,]+\])?==\S+ .*\\$", each) for each in requirements)
    assert text.count("--hash=sha256:") >= len(requirements)
    assert "://" not in text
    assert "index" not in text


def test_every_runtime_dependency_is_in_the_lock() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    locked = {
        line.partition("==")[0].partition("[")[0].replace("-", ".")
        for line in (REPOSITORY / "constraints.txt").read_text().splitlines()
        if "==" in line
    }

    wanted = {
        re.split(r"[\[<>=!~ ]", each, maxsplit=1)[0].replace("-", ".")
        for each in project["dependencies"]
    }
    assert wanted <= locked
