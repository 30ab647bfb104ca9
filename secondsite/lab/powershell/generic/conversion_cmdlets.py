"""ConvertTo-Json, ConvertFrom-Json, ConvertTo-Csv, ConvertFrom-Csv."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Final

from secondsite.lab.powershell.conversion import as_array, to_number
from secondsite.lab.powershell.failures import ConversionFailure, unsupported
from secondsite.lab.powershell.generic.json_text import from_json, to_json
from secondsite.lab.powershell.members import property_names, read_own
from secondsite.lab.powershell.registry import (
    CmdletCall,
    CmdletError,
    CmdletRegistry,
    PipelineCmdlet,
)
from secondsite.lab.powershell.text_form import to_text
from secondsite.lab.powershell.type_names import type_name_of
from secondsite.lab.powershell.values import ErrorRecord, custom_object

CONVERSION: Final = CmdletRegistry()
_UTILITY: Final = "Microsoft.PowerShell.Utility"
_MAX_DEPTH: Final = 100


class _Gathering(PipelineCmdlet):
    """Keeps all input until the end."""

    def begin(self, call: CmdletCall) -> None:
        """Nothing was seen yet."""
        del call
        self.items: list[object] = []

    def process(self, call: CmdletCall) -> None:
        """Keep the object."""
        if "InputObject" in call.parameters:
            self.items.append(call.get("InputObject"))


@CONVERSION.pipeline_cmdlet("ConvertTo-Json", module=_UTILITY, generic=True)
class ConvertToJson(_Gathering):
    """One JSON text of all input: several objects become an array, a single one does not."""

    def end(self, call: CmdletCall) -> Iterator[object]:
        """Write it."""
        if not self.items:
            return
        depth = int(to_number(call.get("Depth", 2)))
        if not 1 <= depth <= _MAX_DEPTH:
            raise unsupported(f"ConvertTo-Json -Depth {depth}")
        value = self.items[0] if len(self.items) == 1 else self.items
        try:
            yield to_json(
                value,
                depth=depth,
                compress=call.switch("Compress"),
                zone=call.runspace.zone,
                piped=call.has_input and len(self.items) == 1,
            )
        except ConversionFailure as failure:
            raise unsupported(failure.message) from None


@CONVERSION.pipeline_cmdlet("ConvertFrom-Json", module=_UTILITY, generic=True)
class ConvertFromJson(_Gathering):
    """Objects from JSON; an array comes out as one object, which 5.1 does not unroll."""

    def end(self, call: CmdletCall) -> None:
        """Read all lines as one text; if the first alone is JSON, each for itself."""
        lines = [to_text(each) for each in self.items]
        if not lines:
            return
        try:
            texts = lines if len(lines) > 1 and _is_json(lines[0]) else ["\r\n".join(lines)]
            for text in texts:
                call.emit(from_json(text))
        except ConversionFailure as failure:
            raise CmdletError(
                ErrorRecord(
                    "System.ArgumentException",
                    failure.message,
                    "System.ArgumentException,Microsoft.PowerShell.Commands.ConvertFromJsonCommand",
                    "NotSpecified",
                )
            ) from None


def _is_json(text: str) -> bool:
    try:
        from_json(text)
    except ConversionFailure:
        return False
    return True


@CONVERSION.pipeline_cmdlet("ConvertTo-Csv", module=_UTILITY, generic=True)
class ConvertToCsv(_Gathering):
    """Lines of comma-separated values, every value quoted."""

    def end(self, call: CmdletCall) -> Iterator[object]:
        """Type line, header, rows."""
        if not self.items:
            return
        delimiter = to_text(call.get("Delimiter", ","))
        names = property_names(self.items[0])
        if not call.switch("NoTypeInformation"):
            yield f"#TYPE {type_name_of(self.items[0])}"
        yield delimiter.join(_quoted(name) for name in names)
        for item in self.items:
            yield delimiter.join(_quoted(to_text(read_own(item, name))) for name in names)


def _quoted(text: str) -> str:
    doubled = text.replace('"', '""')
    return f'"{doubled}"'


@CONVERSION.pipeline_cmdlet("ConvertFrom-Csv", module=_UTILITY, generic=True)
class ConvertFromCsv(_Gathering):
    """Custom objects from lines of comma-separated values."""

    def end(self, call: CmdletCall) -> Iterator[object]:
        """Read the rows."""
        text = "\n".join(to_text(each) for item in self.items for each in as_array(item))
        lines = [line for line in text.splitlines() if not line.startswith("#TYPE")]
        reader = csv.reader(
            io.StringIO("\n".join(lines)), delimiter=to_text(call.get("Delimiter", ","))
        )
        header = [to_text(each) for each in as_array(call.get("Header"))]
        for row in reader:
            if not header:
                header = row
                continue
            padded = [*row, *([""] * (len(header) - len(row)))]
            yield custom_object(dict(zip(header, padded, strict=False)))
