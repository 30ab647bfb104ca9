"""Rules of the repository that no other tool keeps."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
TOP_LEVEL = {
    *(".ci", ".gitignore", ".pre-commit-config.yaml", "CHANGELOG.md", "CONTRIBUTING.md"),
    *("LICENSE", "Makefile", "README.md", "benchmarks", "deployments"),
    *("constraints.txt", "constraints-kerberos-build.txt", "constraints-kerberos.txt"),
    *("docs", "flows", "lab", "plans", "pyproject.toml", "secondsite", "tasks", "tests"),
}
_MOST_LINES = 600


def tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [REPOSITORY / name for name in listed.stdout.split("\0") if name]


def test_the_top_level_is_fixed() -> None:
    assert {path.relative_to(REPOSITORY).parts[0] for path in tracked()} <= TOP_LEVEL


def test_no_private_key_no_machine_path_and_no_index_address_is_committed() -> None:
    patterns = (
        r"BEGIN (RSA |EC |OPENSSH )?PRIVATE" + " KEY",
        r"(?<![\w.])/(root|work|home/\w+)/[a-z.]",
        r"://[a-z0-9.-]*(pypi|pythonhosted|npmjs|debian)\.",
    )
    wrong = [
        f"{path.relative_to(REPOSITORY)}: {match.group()}"
        for path in tracked()
        if path.suffix not in {".png", ".svg"} and path.name != "test_repository.py"
        for match in re.finditer("|".join(patterns), path.read_text(encoding="utf-8"))
    ]

    assert wrong == []


def test_plans_are_data_and_tests_are_no_packages() -> None:
    python = [path.relative_to(REPOSITORY) for path in tracked() if path.suffix == ".py"]

    assert [path for path in python if path.parts[0] == "plans"] == []
    assert [path for path in python if path.parts[0] == "tests" and path.stem == "__init__"] == []


def test_every_module_says_what_it_owns_and_none_is_huge() -> None:
    modules = [path for path in tracked() if path.suffix == ".py" and "tests" not in path.parts]

    assert [path for path in modules if not path.read_text().lstrip().startswith('"""')] == []
    assert [path for path in modules if path.read_text().count("\n") > _MOST_LINES] == []


def test_nothing_is_named_after_what_it_is_not() -> None:
    vague = {"utils.py", "helpers.py", "common.py", "misc.py", "manager.py"}

    assert [path for path in tracked() if path.name in vague] == []
