"""Functions of a script as commands: their parameters prepared for binding."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from secondsite.lab.powershell.binding import BindingTable
from secondsite.lab.powershell.conversion import (
    INTEGER_RANGES,
    cast_error,
    convert,
    enumerate_value,
    to_bool,
    to_number,
)
from secondsite.lab.powershell.evaluate_expressions import cast, evaluate, resolve_type
from secondsite.lab.powershell.facts import CmdletFacts, ParameterFacts
from secondsite.lab.powershell.failures import ConversionFailure, unsupported
from secondsite.lab.powershell.operators import equals, order
from secondsite.lab.powershell.parameter_types import Acceptance, AcceptanceRefusal
from secondsite.lab.powershell.scopes import FunctionInfo
from secondsite.lab.powershell.syntax import Attribute, Expression, Parameter
from secondsite.lab.powershell.text_form import to_text
from secondsite.lab.powershell.values import ScriptBlock
from secondsite.lab.powershell.wording import words

if TYPE_CHECKING:
    from secondsite.lab.powershell.runspace import Runspace

_SWITCH: Final = "System.Management.Automation.SwitchParameter"
_VALIDATIONS: Final = frozenset(
    words(
        """
    validateset validatenotnull validatenotnullorempty validaterange validatepattern
    validatescript validatecount validatelength
    """
    )
)
_IGNORED: Final = frozenset({"allowemptycollection", "psdefaultvalue", "argumentcompleter"})


@dataclass(frozen=True, slots=True)
class FunctionBinding:
    """How a function takes its arguments.

    Attributes:
        table: Its parameters.
        names: Names of its own parameters.
        is_advanced: It has [CmdletBinding()] or [Parameter()].
        has_common: It takes the common parameters.
    """

    table: BindingTable
    names: frozenset[str]
    is_advanced: bool
    has_common: bool
    types: Mapping[str, str]
    defaults: Mapping[str, Expression]
    acceptances: Mapping[str, Acceptance]

    def default_of(self, name: str, runspace: Runspace) -> object:
        """The value of a parameter that was not given."""
        node = self.defaults.get(name)
        type_name = self.types.get(name, "")
        if node is not None:
            value = evaluate(node, runspace)
            return cast(value, type_name, runspace) if type_name else value
        return _empty_value(type_name)

    def conversion_of(self, name: str) -> Callable[[object], object] | None:
        """What later assignments to the parameter's variable go through."""
        type_name = self.types.get(name, "")
        if not type_name or type_name in {"System.Object", _SWITCH}:
            return None
        return conversion_to(type_name)


def conversion_to(type_name: str) -> Callable[[object], object]:
    """The conversion of a typed variable."""

    def apply(value: object) -> object:
        try:
            return convert(value, type_name)
        except ConversionFailure as failure:
            raise cast_error(value, type_name, failure) from None

    return apply


def _empty_value(type_name: str) -> object:
    if type_name == "System.String":
        return ""
    if type_name in {"System.Boolean", _SWITCH}:
        return False
    if type_name in INTEGER_RANGES:
        return 0
    return 0.0 if type_name == "System.Double" else None


def binding_of(info: FunctionInfo, runspace: Runspace) -> FunctionBinding:
    """The binding of a function, made once for each body."""
    held = info.ast.binding
    if isinstance(held, FunctionBinding):
        return held
    made = _make_binding(info, runspace)
    info.ast.binding = made
    return made


def _make_binding(info: FunctionInfo, runspace: Runspace) -> FunctionBinding:
    ast = info.ast
    block_attributes = {each.name: each for each in ast.attributes}
    is_advanced = "cmdletbinding" in block_attributes or any(
        attribute.name == "parameter"
        for parameter in ast.parameters
        for attribute in parameter.attributes
    )
    binding_attribute = block_attributes.get("cmdletbinding")
    options = _named(binding_attribute, runspace) if binding_attribute else {}
    readers = [_ParameterReader(each, runspace) for each in ast.parameters]
    explicit = any(reader.position is not None for reader in readers)
    by_position = to_bool(options.get("positionalbinding", True)) and not explicit
    facts: dict[str, ParameterFacts] = {}
    acceptances: dict[str, Acceptance] = {}
    place = 0
    for reader in readers:
        position = reader.position
        if by_position and not reader.is_switch:
            position, place = place, place + 1
        facts[reader.name] = reader.facts(position)
        acceptances[reader.name] = reader.acceptance()
    if to_bool(options.get("supportsshouldprocess", False)):
        for name, alias in (("WhatIf", "wi"), ("Confirm", "cf")):
            facts[name] = ParameterFacts(name=name, type="SwitchParameter", aliases=(alias,))
    sets = _sets(readers, facts)
    cmdlet = CmdletFacts(
        name=info.name or "<ScriptBlock>",
        module="",
        parameters=facts,
        sets=sets,
        default_set=to_text(options.get("defaultparametersetname", "")) or next(iter(sets)),
        source="the script itself",
    )
    table = BindingTable(
        cmdlet,
        class_name=info.name,
        has_common=is_advanced,
        accepts=acceptances,
        takes_extra=not is_advanced,
    )
    return FunctionBinding(
        table,
        frozenset(facts),
        is_advanced,
        is_advanced,
        {reader.name: reader.type_name for reader in readers if reader.type_name},
        {each.name: each.default for each in ast.parameters if each.default is not None},
        acceptances,
    )


def _sets(
    readers: list[_ParameterReader], facts: Mapping[str, ParameterFacts]
) -> dict[str, frozenset[str]]:
    named = sorted({name for reader in readers for name in reader.set_names})
    if not named:
        return {"__AllParameterSets": frozenset(facts)}
    own = {reader.name: set(reader.set_names) for reader in readers}
    return {
        name: frozenset(each for each in facts if not own.get(each) or name in own[each])
        for name in named
    }


def _named(attribute: Attribute, runspace: Runspace) -> dict[str, object]:
    return {
        name.lower(): True if node is None else evaluate(node, runspace)
        for name, node in attribute.named
    }


class _ParameterReader:
    """One declared parameter and what its attributes say."""

    def __init__(self, parameter: Parameter, runspace: Runspace) -> None:
        self.name = parameter.name
        self.runspace = runspace
        self.type_name = resolve_type(parameter.type) if parameter.type else ""
        self.is_switch = self.type_name == _SWITCH
        self.position: int | None = None
        self.required: set[str] = set()
        self.set_names: list[str] = []
        self.by_value = self.by_property_name = self.remaining = False
        self.aliases: tuple[str, ...] = ()
        self.values: tuple[str, ...] = ()
        self.checks: list[Callable[[object], None]] = []
        self.allows_null = self.allows_empty = False
        for attribute in parameter.attributes:
            self._read(attribute)

    def _read(self, attribute: Attribute) -> None:
        name = attribute.name.removesuffix("attribute").rpartition(".")[2]
        positional = [evaluate(each, self.runspace) for each in attribute.positional]
        if name == "parameter":
            self._read_parameter(_named(attribute, self.runspace))
        elif name == "alias":
            self.aliases = tuple(to_text(each) for each in positional)
        elif name == "validateset":
            self.checks.append(_in_set([to_text(each) for each in positional]))
        elif name in _VALIDATIONS:
            self.checks.append(_check(name, positional, self.runspace))
        elif name == "allownull":
            self.allows_null = True
        elif name in {"allowemptystring", "allowemptycollection"}:
            self.allows_empty = True
        elif name not in _IGNORED:
            raise unsupported(f"the attribute [{attribute.name}()]")

    def _read_parameter(self, options: Mapping[str, object]) -> None:
        set_name = to_text(options.get("parametersetname", ""))
        if set_name:
            self.set_names.append(set_name)
        if to_bool(options.get("mandatory", False)):
            self.required.add(set_name or "*")
        if "position" in options:
            self.position = int(to_number(options["position"]))
        self.by_value |= to_bool(options.get("valuefrompipeline", False))
        self.by_property_name |= to_bool(options.get("valuefrompipelinebypropertyname", False))
        self.remaining |= to_bool(options.get("valuefromremainingarguments", False))

    def facts(self, position: int | None) -> ParameterFacts:
        """The parameter as the binder sees it."""
        return ParameterFacts(
            name=self.name,
            type="SwitchParameter" if self.is_switch else self.type_name or "Object",
            aliases=self.aliases,
            required=frozenset(self.required),
            position=position,
            by_value=self.by_value,
            by_property_name=self.by_property_name,
            remaining=self.remaining,
        )

    def acceptance(self) -> Acceptance:
        """What the parameter takes."""
        type_name = self.type_name or "System.Object"
        zone = self.runspace.zone
        return Acceptance(
            type_name=type_name,
            element=type_name.removesuffix("[]"),
            is_array=type_name.endswith("[]"),
            checks=self.checks,
            allows_null=self.allows_null,
            allows_empty=self.allows_empty,
            zone_convert=lambda value, name: convert(value, name, zone),
        )


def _each(value: object) -> list[object]:
    items = enumerate_value(value)
    return [value] if items is None else list(items)


def _in_set(values: list[str]) -> Callable[[object], None]:
    def check(value: object) -> None:
        for each in _each(value):
            if not any(equals(to_text(each), allowed) for allowed in values):
                raise AcceptanceRefusal(
                    f'The argument "{to_text(each)}" does not belong to the set '
                    f'"{",".join(values)}" specified by the ValidateSet attribute. Supply an '
                    "argument that is in the set and then try the command again.",
                    is_validation=True,
                )

    return check


def _refuse(message: str) -> None:
    raise AcceptanceRefusal(message, is_validation=True)


def _check(name: str, options: list[object], runspace: Runspace) -> Callable[[object], None]:
    def not_empty(value: object) -> None:
        empty = value is None or value == "" or (isinstance(value, list) and not value)
        if empty or any(each is None or each == "" for each in _each(value)):
            if name == "validatenotnull" and value is not None:
                return
            _refuse(
                "The argument is null or empty. Provide an argument that is not null or empty, "
                "and then try the command again."
            )

    def in_range(value: object) -> None:
        for each in _each(value):
            if order(each, options[0]) < 0 or order(each, options[1]) > 0:
                _refuse(
                    f"The {to_text(each)} argument is outside the allowed range of "
                    f"{to_text(options[0])} to {to_text(options[1])}. Supply an argument that is "
                    "in the range and then try the command again."
                )

    def matches(value: object) -> None:
        for each in _each(value):
            if not re.search(to_text(options[0]), to_text(each), re.IGNORECASE):
                _refuse(
                    f'The argument "{to_text(each)}" does not match the "{to_text(options[0])}" '
                    f'pattern. Supply an argument that matches "{to_text(options[0])}" and try '
                    "the command again."
                )

    def passes(value: object) -> None:
        block = options[0]
        for each in _each(value):
            if not isinstance(block, ScriptBlock) or not to_bool(
                runspace.collapse(runspace.invoke(block, underscore=each))
            ):
                _refuse(
                    f'The "{to_text(block)}" validation script for the argument with value '
                    f'"{to_text(each)}" did not return a result of True.'
                )

    def counted(value: object) -> None:
        sizes = (
            [len(_each(value))]
            if name == "validatecount"
            else [len(to_text(e)) for e in _each(value)]
        )
        low, high = (int(to_number(each)) for each in options)
        if any(not low <= size <= high for size in sizes):
            _refuse(f"The argument's size is not between {low} and {high}.")

    return {
        "validatenotnull": not_empty,
        "validatenotnullorempty": not_empty,
        "validaterange": in_range,
        "validatepattern": matches,
        "validatescript": passes,
        "validatecount": counted,
        "validatelength": counted,
    }[name]
