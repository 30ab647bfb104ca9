"""`-Property` arguments: names, wildcards, script blocks, calculated properties."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from secondsite.lab.powershell.failures import PsError, runtime_error
from secondsite.lab.powershell.members import is_missing, property_names, read_or_missing
from secondsite.lab.powershell.patterns import wildcard
from secondsite.lab.powershell.text_form import to_text
from secondsite.lab.powershell.values import NOTHING, PsHashtable, ScriptBlock

if TYPE_CHECKING:
    from secondsite.lab.powershell.runspace import Runspace


@dataclass(frozen=True, slots=True)
class PropertySpec:
    """One wanted property.

    Attributes:
        name: Its name, maybe with wildcards.
        expression: How it is calculated; None: it is read.
        descending: For sorting: largest first; None: as the cmdlet says.
    """

    name: str
    expression: ScriptBlock | str | None
    descending: bool | None = None

    @property
    def is_pattern(self) -> bool:
        """Whether the name has wildcards."""
        return self.expression is None and any(char in self.name for char in "*?[")

    def matches(self, name: str) -> bool:
        """Whether a property's name is meant."""
        return wildcard(self.name).fullmatch(name) is not None

    def names(self, item: object) -> list[str]:
        """Names in the result."""
        if self.is_pattern:
            return [name for name in property_names(item) if self.matches(name)]
        return [self.name]


def property_specs(wanted: Iterable[object]) -> list[PropertySpec]:
    """The wanted properties of a -Property argument.

    Raises:
        PsError: a calculated property is malformed.
    """
    return [_spec(each) for each in wanted]


def _spec(wanted: object) -> PropertySpec:
    if isinstance(wanted, ScriptBlock):
        return PropertySpec(wanted.ast.text.strip(), wanted)
    if not isinstance(wanted, PsHashtable):
        return PropertySpec(to_text(wanted), None)
    name: str | None = None
    expression: ScriptBlock | str | None = None
    descending: bool | None = None
    for key, value in wanted.items():
        lowered = to_text(key).lower()
        if lowered and ("name".startswith(lowered) or "label".startswith(lowered)):
            name = to_text(value)
        elif lowered and "expression".startswith(lowered):
            expression = value if isinstance(value, ScriptBlock) else to_text(value)
        elif lowered and ("ascending".startswith(lowered) or "descending".startswith(lowered)):
            is_descending = "descending".startswith(lowered)
            descending = bool(value) == is_descending
        else:
            raise _bad_key(to_text(key))
    if expression is None:
        raise runtime_error("The expression key is missing.", "EmptyExpression")
    shown = expression if isinstance(expression, str) else expression.ast.text.strip()
    return PropertySpec(name if name is not None else shown, expression, descending)


def _bad_key(key: str) -> PsError:
    return runtime_error(
        f"The {key} key is not valid.",
        "DictionaryKeyUnknown,Microsoft.PowerShell.Commands.SelectObjectCommand",
        category="InvalidArgument",
        exception_type="System.NotSupportedException",
    )


def value_of(spec: PropertySpec, name: str, item: object, runspace: Runspace) -> object:
    """The value of a wanted property; an error in a calculation makes it null, as in Windows."""
    if isinstance(spec.expression, ScriptBlock):
        runspace.try_depth += 1
        try:
            value = runspace.collapse(runspace.invoke(spec.expression, underscore=item))
        except PsError as error:
            runspace.record_error(error)
            return None
        finally:
            runspace.try_depth -= 1
        return None if value is NOTHING else value
    found = read_or_missing(item, spec.expression or name)
    return None if is_missing(found) else found
