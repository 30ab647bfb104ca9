"""Last line of defence against secrets in reports: nothing that looks like one is shown.

Secrets never enter the journal (design promise 7). Scripts of customers, though, may print what
they like, and their output is evidence. What is named like a secret is withheld here.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

__all__ = ["WITHHELD", "withhold", "withhold_in_text"]

WITHHELD = "(withheld)"

_NAMES = r"pass(?:word|wd|phrase)?|pwd|secret|token|api[_-]?key|private[_-]?key|tsig[_-]?key"
_SECRET_NAME = re.compile(rf"(?i)(?:^|[^a-z])(?:{_NAMES})(?:$|[^a-z])|(?:password|secret)$")
_ASSIGNED = re.compile(
    rf"(?i)((?:\b|[_-])(?:[a-z0-9_-]*(?:password|passwd|secret|token)|{_NAMES})\s*[=:]\s*)"
    r"(\"[^\"]*\"|'[^']*'|[^\s,;&]+)"
)
_BEARER = re.compile(
    r"(?i)\b(authorization\s*:\s*)?(basic|bearer|negotiate|ntlm)\s+(?=\S*[0-9=])[a-z0-9+/=._-]{12,}"
)
_PEM = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.S
)
_SUSPICIOUS = re.compile(r"[=:\s]")
"""Every pattern here needs one of these in the text; names, ids and addresses have none."""
_IN_ADDRESS = re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://[^\s/:@]*):[^\s/@]+@")


def withhold_in_text(text: str) -> str:
    """`text` without values that are named or shaped like secrets."""
    if not _SUSPICIOUS.search(text):
        return text
    text = _PEM.sub(WITHHELD, text)
    text = _IN_ADDRESS.sub(rf"\1:{WITHHELD}@", text)
    text = _BEARER.sub(lambda match: f"{match[1] or ''}{match[2]} {WITHHELD}", text)
    return _ASSIGNED.sub(rf"\1{WITHHELD}", text)


def withhold(value: Any) -> Any:
    """A copy of a JSON value in which secrets by name or shape are withheld."""
    if isinstance(value, str):
        return withhold_in_text(value)
    if isinstance(value, dict):
        return {
            str(key): WITHHELD if held and _names_a_secret(str(key)) else withhold(held)
            for key, held in value.items()
        }
    if isinstance(value, list | tuple):
        return [withhold(each) for each in value]
    return value


@lru_cache(maxsize=1024)
def _names_a_secret(key: str) -> bool:
    return _SECRET_NAME.search(key) is not None
