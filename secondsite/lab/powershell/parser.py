"""Text to syntax tree, remembered by text."""

from __future__ import annotations

from functools import lru_cache

from secondsite.lab.powershell.parse_statements import StatementParser
from secondsite.lab.powershell.syntax import ScriptBlockAst


@lru_cache(maxsize=512)
def parse(text: str) -> ScriptBlockAst:
    """The syntax tree of a script.

    Raises:
        ParseFailure: it is not PowerShell, or not in the lab's subset.
    """
    return StatementParser(text).read_script()
