"""Writes facts.json: the facts of the wanted cmdlets, out of the big file.

    python -m secondsite.lab.powershell.reduce_facts CMDLETS.JSON

The big file holds `{module: {cmdlet: {parameters, parameter_sets, parameter_set_names, ...}}}`,
facts taken by script from MicrosoftDocs/windows-powershell-docs, PowerShell/PowerShell-Docs 5.1
and the System Center 2016 VMM reference. wanted_cmdlets.txt beside this module names what to keep.
The names of all cmdlets are kept, so that the lab can tell "Windows has no such cmdlet" from
"the lab does not simulate it".
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
REMAINING = {
    ("ForEach-Object", "RemainingScripts"),
    ("Write-Host", "Object"),
    ("Write-Output", "InputObject"),
}
"""Parameters that take all remaining arguments; the reference pages do not say which do."""

TYPES = {
    ("Set-StrictMode", "Version"): "Object",  # an argument transformation takes the word Latest
    ("Get-VM", "ClusterObject"): "ClusterObject",  # a PSObject of that type name (assumed)
}
"""Types where the page's own would let in what Windows refuses, or the reverse."""

ALLOWS = {
    ("ConvertTo-Json", "InputObject"): ["null", "empty"],
    ("ConvertFrom-Json", "InputObject"): ["empty"],
    ("Write-Output", "InputObject"): ["null", "empty"],
    ("Write-Verbose", "Message"): ["empty"],
    ("Write-Warning", "Message"): ["empty"],
    ("Write-Debug", "Message"): ["empty"],
    ("Write-Information", "MessageData"): ["null", "empty"],
    ("Compare-Object", "ReferenceObject"): ["empty"],
    ("Compare-Object", "DifferenceObject"): ["empty"],
    ("Select-String", "InputObject"): ["null", "empty"],
    ("Join-Path", "ChildPath"): ["null", "empty"],
}
"""Mandatory parameters with [AllowNull], [AllowEmptyString] or [AllowEmptyCollection].

The pages do not say; these are the attributes in PowerShell's own source.
"""


def read_wanted(text: str) -> list[tuple[str, str]]:
    """Module and cmdlet of each wanted cmdlet, as wanted_cmdlets.txt lists them."""
    wanted = []
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            module, _, names = line.partition(":")
            wanted += [(module.strip(), name) for name in names.split()]
    return wanted


def reduce_parameter(cmdlet: str, name: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    """One parameter, without what is false, empty or prose."""
    required = facts.get("required", False)
    if isinstance(required, dict):
        required = sorted(name for name, needed in required.items() if needed)
    else:
        required = ["*"] if required else []
    reduced = {
        "type": TYPES.get((cmdlet, name)) or facts["type"] or "Object",
        "aliases": facts.get("aliases"),
        "required": required,
        "position": facts.get("position"),
        "pipeline": facts.get("pipeline"),
        "values": facts.get("values"),
        "remaining": (cmdlet, name) in REMAINING or None,
        "allows": ALLOWS.get((cmdlet, name)),
    }
    return {key: value for key, value in reduced.items() if value not in (None, [], "")}


def reduce_cmdlet(cmdlet: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    """One cmdlet: parameters, sets by name, default set, source."""
    return {
        "parameters": {
            name: reduce_parameter(cmdlet, name, parameter)
            for name, parameter in facts["parameters"].items()
        },
        "sets": {
            name: [each for each in listed if each in facts["parameters"]]
            for name, listed in zip(
                facts["parameter_set_names"], facts["parameter_sets"], strict=True
            )
        },
        "default_set": facts.get("default_set", ""),
        "source": facts["source"],
    }


def reduce_facts(
    big: Mapping[str, Mapping[str, Any]], wanted: Sequence[tuple[str, str]]
) -> dict[str, Any]:
    """The document that facts.json holds.

    Raises:
        LookupError: a wanted cmdlet is not in the big file; the message names all of them.
    """
    missing = [f"{module}\\{name}" for module, name in wanted if name not in big.get(module, {})]
    if missing:
        raise LookupError(f"not in the big file: {', '.join(missing)}")
    cmdlets: dict[str, dict[str, Any]] = {}
    for module, name in sorted(wanted):
        cmdlets.setdefault(module, {})[name] = reduce_cmdlet(name, big[module][name])
    return {
        "source": "Microsoft's reference markdown; the page of each cmdlet is in its `source`",
        "names": {module: sorted(listed) for module, listed in sorted(big.items())},
        "cmdlets": cmdlets,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("big_file", type=Path, help="the big file of facts, JSON")
    parser.add_argument("--wanted", type=Path, default=HERE / "wanted_cmdlets.txt")
    parser.add_argument("--output", type=Path, default=HERE / "facts.json")
    given = parser.parse_args(arguments)
    big = json.loads(given.big_file.read_text(encoding="utf-8"))
    wanted = read_wanted(given.wanted.read_text(encoding="utf-8"))
    try:
        document = reduce_facts(big, wanted)
    except LookupError as error:
        sys.stderr.write(f"reduce_facts: {error.args[0]}\n")
        return 1
    lines = json.dumps(document, ensure_ascii=False, separators=(",", ":"), sort_keys=False)
    given.output.write_text(lines.replace('"source":"', '\n"source":"') + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
