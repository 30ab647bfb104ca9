"""Get-Date, Start-Sleep, New-TimeSpan, Get-Random, New-Guid, Measure-Command."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from secondsite.lab.powershell.conversion import as_array, to_number
from secondsite.lab.powershell.failures import unsupported
from secondsite.lab.powershell.moments import ShownDate, face, plain
from secondsite.lab.powershell.registry import CmdletCall, CmdletRegistry
from secondsite.lab.powershell.text_form import format_date, to_text
from secondsite.lab.powershell.values import ScriptBlock

TIME: Final = CmdletRegistry()
_UTILITY: Final = "Microsoft.PowerShell.Utility"


@TIME.cmdlet("Get-Date", module=_UTILITY, generic=True)
def get_date(call: CmdletCall) -> Iterator[object]:
    """The time of the simulated computer, or the given date changed."""
    given = call.get("Date")
    moment = plain(given) if isinstance(given, datetime) else call.runspace.local_now()
    changed = {
        name.lower(): int(to_number(call.get(name)))
        for name in ("Year", "Month", "Day", "Hour", "Minute", "Second")
        if name in call.parameters
    }
    if "Millisecond" in call.parameters:
        changed["microsecond"] = int(to_number(call.get("Millisecond"))) * 1000
    moment = moment.replace(**changed)  # type: ignore[arg-type]
    if "UFormat" in call.parameters:
        raise unsupported("Get-Date -UFormat")
    if "Format" in call.parameters:
        yield format_date(moment, to_text(call.get("Format")))
        return
    yield ShownDate.of(moment)


@TIME.cmdlet("Start-Sleep", module=_UTILITY, generic=True)
def start_sleep(call: CmdletCall) -> None:
    """Waits real time: a script's own waits are not the simulated world's."""
    if "Milliseconds" in call.parameters:
        call.runspace.sleep(int(to_number(call.get("Milliseconds"))) / 1000)
    else:
        call.runspace.sleep(float(to_number(call.get("Seconds"))))


@TIME.cmdlet("New-TimeSpan", module=_UTILITY, generic=True)
def new_timespan(call: CmdletCall) -> Iterator[object]:
    """A time span from its parts or between two dates."""
    start, end = call.get("Start"), call.get("End")
    if isinstance(start, datetime) or isinstance(end, datetime):
        now = call.runspace.local_now()
        first = start if isinstance(start, datetime) else now
        last = end if isinstance(end, datetime) else now
        yield face(last) - face(first)
        return
    parts = {
        name.lower(): int(to_number(call.get(name, 0)))
        for name in ("Days", "Hours", "Minutes", "Seconds")
    }
    yield timedelta(**parts)


@TIME.cmdlet("Get-Random", module=_UTILITY, generic=True)
def get_random(call: CmdletCall) -> Iterator[object]:
    """A random number or a random element of the given list."""
    seed = int(to_number(call.get("SetSeed"))) if "SetSeed" in call.parameters else None
    chooser = random.Random(seed)  # noqa: S311 - what scripts draw is no secret
    if "InputObject" in call.parameters:
        items = as_array(call.get("InputObject"))
        count = int(to_number(call.get("Count", 1)))
        yield from chooser.sample(items, min(count, len(items)))
        return
    low = int(to_number(call.get("Minimum", 0)))
    high = int(to_number(call.get("Maximum", 2**31 - 1)))
    yield chooser.randrange(low, high)


@TIME.cmdlet("New-Guid", module=_UTILITY, generic=True)
def new_guid(call: CmdletCall) -> Iterator[object]:
    """A new GUID."""
    del call
    yield uuid.uuid4()


@TIME.cmdlet("Measure-Command", module=_UTILITY, generic=True)
def measure_command(call: CmdletCall) -> Iterator[object]:
    """The real time that a script block took."""
    block = call.get("Expression")
    if not isinstance(block, ScriptBlock):
        raise unsupported("Measure-Command without a script block")
    started = time.monotonic()
    call.runspace.invoke(block)
    yield timedelta(seconds=time.monotonic() - started)
