"""What a parameter takes: its type, accepted values, and the conversion of an argument."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from secondsite.lab.powershell.conversion import as_array, convert, enumerate_value, is_number
from secondsite.lab.powershell.facts import ParameterFacts
from secondsite.lab.powershell.failures import ConversionFailure, PsError
from secondsite.lab.powershell.text_form import to_text
from secondsite.lab.powershell.type_names import is_instance, resolve, type_name_of, types_of
from secondsite.lab.powershell.values import PsEnum, PsList
from secondsite.lab.powershell.wording import words

ACTION_PREFERENCES: Final = ("SilentlyContinue", "Stop", "Continue", "Inquire", "Ignore", "Suspend")


class AcceptanceRefusal(Exception):  # noqa: N818 - becomes a binding error
    """An argument that a parameter does not take."""

    def __init__(self, message: str, *, is_validation: bool = False) -> None:
        self.message = message
        self.is_validation = is_validation
        super().__init__(message)


@dataclass(slots=True, kw_only=True)
class Acceptance:
    """What a parameter takes.

    Attributes:
        type_name: Full .NET type name, as Windows' messages have it.
        element: Type of one value: an array parameter's element, else the type itself.
        is_array: Takes several values; one value becomes an array of one.
        values: Accepted values; an enumeration's names, or a ValidateSet for text.
        checks: Further rules (ValidateRange, ...); each raises AcceptanceRefusal.
        allows_null: A mandatory parameter takes null ([AllowNull()]).
        allows_empty: A mandatory parameter takes an empty string or array.
    """

    type_name: str
    element: str
    is_array: bool = False
    values: tuple[str, ...] = ()
    checks: Sequence[Callable[[object], None]] = field(default_factory=tuple)
    allows_null: bool = False
    allows_empty: bool = False
    zone_convert: Callable[[object, str], object] = convert

    @property
    def is_text(self) -> bool:
        """Whether a bare number is taken as it was written."""
        return self.element == "System.String"

    def convert(self, value: object) -> object:
        """The value as the command gets it.

        Raises:
            AcceptanceRefusal: it cannot be taken.
        """
        converted = self._convert_array(value) if self.is_array else self._convert_one(value)
        for check in self.checks:
            check(converted)
        return converted

    def _convert_array(self, value: object) -> object:
        if value is None:
            return None if not self.is_text else [""]
        if isinstance(value, bytes) and self.element == "System.Byte":
            return value
        return [self._convert_one(each) for each in as_array(value)]

    def _convert_one(self, value: object) -> object:
        if self.values:
            return self._choose(value)
        element = self.element
        if isinstance(value, list | PsList) and element in _SCALARS:
            raise AcceptanceRefusal(
                f"Cannot convert '{type_name_of(value)}' to the type '{element}' required by the "
                "parameter. Specified method is not supported."
            )
        if element in _BOOLEANS and not (isinstance(value, bool) or is_number(value)):
            shown = type_name_of(value) if value is not None else "null"
            raise AcceptanceRefusal(
                f'Cannot convert value "{shown}" to type "{element}". Boolean parameters accept '
                "only Boolean values and numbers, such as $True, $False, 1 or 0."
            )
        if element in _OPAQUE:
            return value
        try:
            return self.zone_convert(value, element)
        except ConversionFailure as failure:
            raise AcceptanceRefusal(
                f'Cannot convert value "{to_text(value)}" to type "{element}". Error: '
                f'"{failure.message}"'
            ) from None
        except PsError as error:
            raise AcceptanceRefusal(error.record.message) from None

    def _choose(self, value: object) -> object:
        if value is None:
            if self.is_text:
                return ""
            raise AcceptanceRefusal(
                f'Cannot convert null to type "{self.element}" due to enumeration values that '
                "are not valid."
            )
        text = value.name if isinstance(value, PsEnum) else to_text(value)
        for each in self.values:
            if each.lower() == text.lower():
                return each
        if self.element == "System.String":
            listed = ",".join(self.values)
            raise AcceptanceRefusal(
                f'The argument "{text}" does not belong to the set "{listed}" specified by the '
                "ValidateSet attribute. Supply an argument that is in the set and then try the "
                "command again.",
                is_validation=True,
            )
        started = [each for each in self.values if each.lower().startswith(text.lower())]
        if len(started) == 1 and text:
            return started[0]
        if "," in text:
            return ", ".join(str(self._choose(part.strip())) for part in text.split(","))
        listed = ", ".join(self.values)
        raise AcceptanceRefusal(
            f'Cannot convert value "{text}" to type "{self.element}". Error: "Unable to match the '
            f"identifier name {text} to a valid enumerator name. Specify one of the following "
            f'enumerator names and try again:\r\n{listed}"'
        )

    def fits(self, value: object) -> bool:
        """Whether the value is taken as it is, without conversion."""
        if value is None:
            return False
        if self.element in {"System.Object", "System.Management.Automation.PSObject"}:
            return True
        items = enumerate_value(value)
        if items is not None:
            return self.is_array and all(is_a(each, self.element) for each in items)
        return is_a(value, self.element)

    def can_convert(self, value: object) -> bool:
        """Whether `convert` would succeed."""
        try:
            self.convert(value)
        except AcceptanceRefusal:
            return False
        return True


class TypedAcceptance(Acceptance):
    """Takes objects of a type that only cmdlets make, `VirtualMachine`."""

    def _convert_one(self, value: object) -> object:
        if value is None or is_a(value, self.element):
            return value
        raise AcceptanceRefusal(
            f'Cannot convert the "{to_text(value)}" value of type "{type_name_of(value)}" to type '
            f'"{self.element}".'
        )


def is_a(value: object, type_name: str) -> bool:
    """Whether a value is of a type; a name without namespace matches the type's own name."""
    if value is not None and "." not in type_name:
        return any(each.rpartition(".")[2] == type_name for each in types_of(value))
    return is_instance(value, type_name)


_BOOLEANS: Final = frozenset({"System.Boolean", "System.Management.Automation.SwitchParameter"})
_SCALARS: Final = frozenset(
    words(
        """
    System.String System.Int32 System.Int64 System.Boolean System.Guid System.DateTime
    System.TimeSpan System.UInt16 System.UInt32 System.UInt64 System.Byte System.Double
    """
    )
)
_OPAQUE: Final = frozenset(
    {
        "System.Object",
        "System.Management.Automation.ScriptBlock",
        "System.Management.Automation.PSObject",
    }
)


def acceptance_of(parameter: ParameterFacts) -> Acceptance:
    """What a documented parameter takes."""
    type_name = parameter.type
    if type_name.startswith("Nullable`1["):
        type_name = type_name[len("Nullable`1[") : -1]
    if type_name.startswith("Collections.Generic.List`1["):
        type_name = f"{type_name[len('Collections.Generic.List`1[') : -1]}[]"
    is_array = type_name.endswith("[]")
    written = type_name.removesuffix("[]")
    resolved = resolve(written)
    values = parameter.values
    if written.endswith("ActionPreference"):
        values = ACTION_PREFERENCES
    if resolved in {*_BOOLEANS} or (resolved in _SCALARS and resolved != "System.String"):
        values = ()
    element = resolved or written
    shown = f"{element}[]" if is_array else element
    if element == "System.Management.Automation.ScriptBlock":
        return TypedAcceptance(type_name=shown, element=element, is_array=is_array)
    if resolved is None and not values:
        return TypedAcceptance(type_name=shown, element=written, is_array=is_array)
    return Acceptance(
        type_name=shown,
        element=element,
        is_array=is_array,
        values=values,
        allows_null=parameter.allows_null,
        allows_empty=parameter.allows_empty,
    )
