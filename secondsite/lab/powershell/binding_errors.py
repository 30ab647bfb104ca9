"""Arguments, what was bound of them, and the errors of binding in Windows' words."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from secondsite.lab.powershell.facts import CmdletFacts, ParameterFacts
from secondsite.lab.powershell.failures import PsError, runtime_error
from secondsite.lab.powershell.parameter_types import Acceptance, AcceptanceRefusal

_BINDING: Final = "System.Management.Automation.ParameterBindingException"
_VALIDATION: Final = "System.Management.Automation.ParameterBindingValidationException"


@dataclass(slots=True)
class Given:
    """One argument as the command line has it.

    Attributes:
        name: `Name` of `-Name`; None: positional.
        value: The argument's value.
        has_value: `-Name:value` or positional; else the next positional argument may be it.
        spelling: How a bare number was written, for parameters that take text.
    """

    name: str | None
    value: object = None
    has_value: bool = True
    spelling: str | None = None


@dataclass(slots=True)
class Bound:
    """What was bound.

    Attributes:
        values: Converted values by canonical name, common parameters among them.
        sets: Parameter sets that are still possible.
        extra: Positional arguments that no parameter took (functions that have `$args`).
    """

    values: dict[str, object] = field(default_factory=dict)
    sets: frozenset[str] = frozenset()
    extra: list[object] = field(default_factory=list)


class BindingErrors:
    """The errors that binding to one command's parameters can end in."""

    def __init__(self, facts: CmdletFacts, class_name: str) -> None:
        self.facts = facts
        self.class_name = class_name
        self.parameters: dict[str, ParameterFacts] = {}
        self.accepts: dict[str, Acceptance] = {}

    def error(
        self,
        message: str,
        error_id: str,
        *,
        category: str = "InvalidArgument",
        exception_type: str = _BINDING,
    ) -> PsError:
        """An error of binding, with Windows' id."""
        error = runtime_error(
            message,
            f"{error_id},{self.class_name}",
            category=category,
            exception_type=exception_type,
        )
        error.record.activity = self.facts.name
        return error

    def _missing_argument(self, name: str) -> PsError:
        shown = self.accepts[name].type_name
        return self.error(
            f"Missing an argument for parameter '{name}'. Specify a parameter of type '{shown}' "
            "and try again.",
            "MissingArgument",
        )

    def _refused(self, name: str, refusal: AcceptanceRefusal) -> PsError:
        if refusal.is_validation:
            return self.error(
                f"Cannot validate argument on parameter '{name}'. {refusal.message}",
                "ParameterArgumentValidationError",
                category="InvalidData",
                exception_type=_VALIDATION,
            )
        return self.error(
            f"Cannot bind parameter '{name}'. {refusal.message}", "CannotConvertArgumentNoMessage"
        )

    def _refuse_empty(self, name: str, value: object) -> None:
        parameter = self.parameters[name]
        accepts = self.accepts[name]
        if not parameter.required:
            return
        what, tail = "", ""
        if value is None and not accepts.allows_null:
            what, tail = "null", "Null"
        elif value == "" and accepts.is_text and not accepts.allows_empty:
            what, tail = "an empty string", "EmptyString"
        elif isinstance(value, list) and not value and not accepts.allows_empty:
            what, tail = "an empty array", "EmptyArray"
        if what:
            raise self.error(
                f"Cannot bind argument to parameter '{name}' because it is {what}.",
                f"ParameterArgumentValidationError{tail}NotAllowed",
                category="InvalidData",
                exception_type=_VALIDATION,
            )

    def _ambiguous_set(self) -> PsError:
        return self.error(
            "Parameter set cannot be resolved using the specified named parameters.",
            "AmbiguousParameterSet",
        )
