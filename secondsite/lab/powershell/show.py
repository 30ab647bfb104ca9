"""What a script leaves in its output, as lines on the console.

Windows formats objects by views that the lab does not have; scripts that another program reads
print text or JSON. Objects come out as a list of their properties.
"""

from __future__ import annotations

from datetime import datetime

from secondsite.lab.powershell.members_time import long_date
from secondsite.lab.powershell.text_form import to_text
from secondsite.lab.powershell.values import PsHashtable, PsObject


def shown_lines(value: object) -> list[str]:
    """The lines of one output object."""
    if value is None:
        return []
    if isinstance(value, PsObject):
        width = max((len(name) for name in value.properties), default=0)
        lines = [
            f"{name.ljust(width)} : {to_text(held)}" for name, held in value.properties.items()
        ]
        return ["", *lines, ""] if lines else []
    if isinstance(value, PsHashtable):
        width = max((len(to_text(key)) for key in value), default=4)
        head = [f"{'Name'.ljust(width)} Value", f"{'----'.ljust(width)} -----"]
        return [
            *head,
            *(f"{to_text(key).ljust(width)} {to_text(held)}" for key, held in value.items()),
        ]
    if isinstance(value, datetime):
        return ["", long_date(value), ""]
    if isinstance(value, list):
        return [line for each in value for line in shown_lines(each)]
    return to_text(value).splitlines() or [""]
