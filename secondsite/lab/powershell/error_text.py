"""Errors and other streams as Windows prints them, as text or as CLIXML."""

from __future__ import annotations

import re
from typing import Final
from xml.sax.saxutils import escape

from secondsite.lab.powershell.members_objects import position_message
from secondsite.lab.powershell.text_form import to_text
from secondsite.lab.powershell.type_names import short_name, type_name_of
from secondsite.lab.powershell.values import ErrorRecord, PsObject

CLIXML_HEADER: Final = "#< CLIXML\r\n"
_NAMESPACE: Final = "http://schemas.microsoft.com/powershell/2004/04"


def error_lines(record: ErrorRecord) -> list[str]:
    """The lines that the host prints for an error."""
    head = record.message
    if record.activity:
        head = f"{record.activity} : {head}"
    lines = head.splitlines() or [""]
    lines += position_message(record).splitlines()
    reason = short_name(record.exception.type_name)
    target = _target(record.target)
    lines.append(
        f"    + CategoryInfo          : {record.category}: ({target}) [{record.activity}], {reason}"
    )
    lines.append(f"    + FullyQualifiedErrorId : {record.fully_qualified_id}")
    lines.append(" ")
    return lines


def _target(target: object) -> str:
    if target is None:
        return ":"
    shown = to_text(target)
    name = target.type_name if isinstance(target, PsObject) else type_name_of(target)
    return f"{shown[:40]}:{short_name(name)}"


def _encode(text: str) -> str:
    """Characters that XML cannot carry as `_xHHHH_`, the way CLIXML has it."""
    text = re.sub(r"_x([0-9A-Fa-f]{4})_", r"_x005F_x\1_", text)
    text = re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\r\n\t]", lambda m: f"_x{ord(m[0]):04X}_", text)
    return escape(text)


def clixml(stream: str, lines: list[str]) -> str:
    """Lines of a stream as one CLIXML document."""
    nodes = "".join(f'<S S="{stream}">{_encode(line)}_x000D__x000A_</S>' for line in lines)
    return f'<Objs Version="1.1.0.1" xmlns="{_NAMESPACE}">{nodes}</Objs>'


def clixml_progress(activity: str, status: str) -> str:
    """A progress record as CLIXML, the noise of a first module import."""
    return (
        f'<Objs Version="1.1.0.1" xmlns="{_NAMESPACE}">'
        '<Obj S="progress" RefId="0"><TN RefId="0">'
        "<T>System.Management.Automation.PSCustomObject</T><T>System.Object</T></TN><MS>"
        '<I64 N="SourceId">1</I64><PR N="Record">'
        f"<AV>{_encode(activity)}</AV><AI>0</AI><Nil /><PI>-1</PI><PC>-1</PC>"
        f"<T>{_encode(status)}</T><SR>-1</SR><SD> </SD></PR></MS></Obj></Objs>"
    )
