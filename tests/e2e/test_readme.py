"""What README tells a newcomer to type is typed here, in its order, in a fresh home."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = [pytest.mark.integration, pytest.mark.timeout(280)]

REPOSITORY = Path(__file__).parents[2]
_MARKED = re.compile(r"<!-- these run as a test: [^>]*-->\n```sh\n(.*?)^```$", re.S | re.M)
_LIMIT_S = 180


def commands() -> list[str]:
    """The lines of README's marked blocks, without their comments."""
    readme = (REPOSITORY / "README.md").read_text("utf-8")
    lines = [line for block in _MARKED.findall(readme) for line in block.splitlines()]
    return [line.partition(" # ")[0].strip() for line in lines if line.strip()]


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Path]:
    """A folder like a clone's, with a home of its own; nothing is left running."""
    folder = tmp_path / "clone"
    folder.mkdir()
    for name in ("plans", "lab"):
        (folder / name).symlink_to(REPOSITORY / name)
    yield folder
    for words in ("down", "lab down"):
        typed(f"secondsite {words}", folder)


def typed(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """What comes of the line in a shell whose PATH is the one that README sets."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PREFECT_", "SECONDSITE_"))
    }
    path = f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}"
    return subprocess.run(
        ["bash", "-euc", line],
        env=kept | {"PATH": path, "SECONDSITE_HOME": str(folder.parent / "home")},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=_LIMIT_S,
        check=False,
    )


def test_the_commands_of_the_readme_work_one_after_the_other(checkout: Path) -> None:
    lines = commands()

    for line in lines:
        done = typed(line, checkout)
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stdout + done.stderr

    assert "secondsite run storefront --kind test" in lines
    assert "storefront" in (checkout / "report.html").read_text("utf-8")
