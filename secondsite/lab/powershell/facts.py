"""What Microsoft's documentation says of cmdlets: parameters, types, sets.

`facts.json` beside this file is a reduction (`reduce_facts`) of facts taken by script from
Microsoft's reference markdown; each cmdlet names its source page there. `required` follows the
parameter's metadata, not the SYNTAX line.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

COMMON_PARAMETERS: Mapping[str, tuple[str, str]] = {
    "Verbose": ("SwitchParameter", "vb"),
    "Debug": ("SwitchParameter", "db"),
    "ErrorAction": ("Management.Automation.ActionPreference", "ea"),
    "WarningAction": ("Management.Automation.ActionPreference", "wa"),
    "InformationAction": ("Management.Automation.ActionPreference", "infa"),
    "ErrorVariable": ("String", "ev"),
    "WarningVariable": ("String", "wv"),
    "InformationVariable": ("String", "iv"),
    "OutVariable": ("String", "ov"),
    "OutBuffer": ("Int32", "ob"),
    "PipelineVariable": ("String", "pv"),
}
"""Type and alias of the common parameters (about_CommonParameters, Windows PowerShell 5.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterFacts:
    """One parameter.

    Attributes:
        name: Canonical name.
        type: .NET type without `System.`, `String[]`.
        aliases: Other names.
        required: Sets in which it is mandatory; `*`: in every one.
        position: Place among positional arguments; None: by name only.
        by_value: Takes pipeline objects of its type.
        by_property_name: Takes pipeline objects' property of its name.
        remaining: Takes all positional arguments that are left.
        values: Accepted values; empty: any.
        allows_null: Though mandatory, null is taken.
        allows_empty: Though mandatory, an empty string or array is taken.
    """

    name: str
    type: str
    aliases: tuple[str, ...] = ()
    required: frozenset[str] = frozenset()
    position: int | None = None
    by_value: bool = False
    by_property_name: bool = False
    remaining: bool = False
    values: tuple[str, ...] = ()
    allows_null: bool = False
    allows_empty: bool = False

    @property
    def is_switch(self) -> bool:
        """Whether it is given without a value."""
        return self.type == "SwitchParameter"

    def is_required_in(self, set_name: str) -> bool:
        """Whether that parameter set demands it."""
        return "*" in self.required or set_name in self.required


@dataclass(frozen=True, slots=True, kw_only=True)
class CmdletFacts:
    """One cmdlet.

    Attributes:
        name: Canonical name.
        module: Windows module.
        parameters: By canonical name; common parameters are not among them.
        sets: Parameter names of each parameter set, by its name.
        default_set: The set taken when several remain; empty: none is named.
        source: Page that the facts come from.
    """

    name: str
    module: str
    parameters: Mapping[str, ParameterFacts]
    sets: Mapping[str, frozenset[str]]
    default_set: str = ""
    source: str = ""


def declare(
    module: str,
    name: str,
    *parameters: ParameterFacts,
    sets: Mapping[str, frozenset[str]] | None = None,
    default_set: str = "",
    source: str,
) -> CmdletFacts:
    """Facts of a cmdlet that the documentation at hand does not have; `source` says whence."""
    by_name = {parameter.name: parameter for parameter in parameters}
    return CmdletFacts(
        name=name,
        module=module,
        parameters=by_name,
        sets=sets or {"Default": frozenset(by_name)},
        default_set=default_set or ("" if sets else "Default"),
        source=source,
    )


class KnownFacts:
    """The facts at hand, by module and cmdlet."""

    def __init__(self, document: Mapping[str, object]) -> None:
        cmdlets = document["cmdlets"]
        names = document["names"]
        if not isinstance(cmdlets, dict) or not isinstance(names, dict):
            raise TypeError("facts.json: not the form that reduce_facts writes")
        self._cmdlets = cmdlets
        self._names: dict[str, tuple[str, str]] = {
            name.lower(): (name, module) for module, listed in names.items() for name in listed
        }

    def cmdlet(self, module: str, name: str) -> CmdletFacts:
        """The facts of one cmdlet.

        Raises:
            LookupError: none are at hand; the message says how to get them.
        """
        held = self._cmdlets.get(module, {}).get(name)
        if held is None:
            raise LookupError(
                f"facts.json holds no {name} of module {module}: add it to wanted_cmdlets.txt and "
                "run secondsite.lab.powershell.reduce_facts, or pass facts=declare(...)"
            )
        return _parse(module, name, held)

    def module_of(self, name: str) -> str | None:
        """The Windows module with a cmdlet of that name, simulated or not."""
        found = self._names.get(name.lower())
        return found[1] if found else None


def _parse(module: str, name: str, held: Mapping[str, dict[str, object]]) -> CmdletFacts:
    parameters = {
        parameter: _parse_parameter(parameter, facts)  # type: ignore[arg-type]
        for parameter, facts in held["parameters"].items()
    }
    sets = {key: frozenset(listed) for key, listed in held["sets"].items()}  # type: ignore[call-overload]
    return CmdletFacts(
        name=name,
        module=module,
        parameters=parameters,
        sets=sets,
        default_set=str(held.get("default_set", "")),
        source=str(held.get("source", "")),
    )


def _parse_parameter(name: str, facts: Mapping[str, object]) -> ParameterFacts:
    required = facts.get("required", [])
    pipeline = str(facts.get("pipeline", ""))
    position = facts.get("position")
    return ParameterFacts(
        name=name,
        type=str(facts["type"]),
        aliases=tuple(facts.get("aliases", ())),  # type: ignore[arg-type]
        required=frozenset(required),  # type: ignore[call-overload]
        position=position if isinstance(position, int) else None,
        by_value="ByValue" in pipeline,
        by_property_name="ByPropertyName" in pipeline,
        remaining=bool(facts.get("remaining", False)),
        values=tuple(facts.get("values", ())),  # type: ignore[arg-type]
        allows_null="null" in facts.get("allows", ()),  # type: ignore[operator]
        allows_empty="empty" in facts.get("allows", ()),  # type: ignore[operator]
    )


@lru_cache(maxsize=1)
def known_facts() -> KnownFacts:
    """The facts of facts.json."""
    text = resources.files(__package__).joinpath("facts.json").read_text(encoding="utf-8")
    return KnownFacts(json.loads(text))
