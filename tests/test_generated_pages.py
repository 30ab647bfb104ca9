from __future__ import annotations

from pathlib import Path

import pytest

from secondsite.cli.reference import generated_files

REPOSITORY = Path(__file__).parents[1]
FILES = generated_files()


@pytest.mark.parametrize("name", FILES)
def test_the_generated_file_is_current(name: str) -> None:
    assert (REPOSITORY / name).read_text(encoding="utf-8") == FILES[name], "run: make docs"
