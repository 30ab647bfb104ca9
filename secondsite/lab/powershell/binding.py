"""Binding of arguments to parameters, in Windows PowerShell's order and words.

Named arguments first, then positional ones, then (per object) pipeline input: by value without
conversion, by property name without, then both with conversion. Each bound parameter narrows the
parameter sets that remain (about_Parameters, about_Parameter_Sets of PowerShell 5.1; the order
of pipeline binding is that of PowerShell's own CmdletParameterBinderController).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from secondsite.lab.powershell.binding_errors import BindingErrors, Bound, Given
from secondsite.lab.powershell.facts import COMMON_PARAMETERS, CmdletFacts, ParameterFacts
from secondsite.lab.powershell.failures import PsError
from secondsite.lab.powershell.members import is_missing, read_or_missing
from secondsite.lab.powershell.parameter_types import Acceptance, AcceptanceRefusal, acceptance_of
from secondsite.lab.powershell.text_form import to_text


class BindingTable(BindingErrors):
    """The parameters of one command, prepared for binding.

    Args:
        facts: The command's parameters.
        class_name: Tail of its error ids.
        has_common: Whether it takes the common parameters.
        accepts: How a parameter's value is converted, for parameters that are not by facts alone.
        takes_extra: Whether arguments that fit no parameter are kept rather than refused.
    """

    def __init__(
        self,
        facts: CmdletFacts,
        *,
        class_name: str,
        has_common: bool = True,
        accepts: Mapping[str, Acceptance] | None = None,
        takes_extra: bool = False,
    ) -> None:
        super().__init__(facts, class_name)
        self.takes_extra = takes_extra
        self.parameters.update(facts.parameters)
        if has_common:
            for name, (type_name, alias) in COMMON_PARAMETERS.items():
                self.parameters.setdefault(
                    name, ParameterFacts(name=name, type=type_name, aliases=(alias,))
                )
        self.names: dict[str, str] = {}
        for name, parameter in self.parameters.items():
            for each in (name, *parameter.aliases):
                self.names[each.lower()] = name
        self.all_sets = frozenset(facts.sets)
        self._set_of = {
            name: frozenset(each for each, listed in facts.sets.items() if name in listed)
            or self.all_sets
            for name in self.parameters
        }
        self.positional = sorted(
            (each for each in facts.parameters.values() if each.position is not None),
            key=lambda each: each.position or 0,
        )
        self.by_pipeline = [
            each for each in facts.parameters.values() if each.by_value or each.by_property_name
        ]
        self.accepts.update(
            {name: acceptance_of(parameter) for name, parameter in self.parameters.items()}
        )
        self.accepts.update(accepts or {})

    # Command line

    def resolve(self, name: str) -> str | None:
        """The parameter that `-name` means: exact name or alias, else an unambiguous beginning."""
        lowered = name.lower()
        exact = self.names.get(lowered)
        if exact:
            return exact
        matches = {found for each, found in self.names.items() if each.startswith(lowered)}
        if len(matches) > 1:
            own = {each for each in matches if each not in COMMON_PARAMETERS}
            listed = " ".join(f"-{each}" for each in sorted(matches))
            if len(own) != 1 or len(matches - own) > 0:
                raise self.error(
                    f"Parameter cannot be processed because the parameter name '{name}' is "
                    f"ambiguous. Possible matches include: {listed}.",
                    "AmbiguousParameter",
                )
        return next(iter(matches), None)

    def bind(self, given: Iterable[Given]) -> Bound:
        """Bind the command line.

        Raises:
            PsError: as Windows would refuse it.
        """
        bound = Bound(sets=self.all_sets)
        rest: list[Given] = []
        waiting: str | None = None
        for argument in given:
            if argument.name is None:
                if waiting is not None:
                    self._set(bound, waiting, argument)
                    waiting = None
                else:
                    rest.append(argument)
                continue
            if waiting is not None:
                raise self._missing_argument(waiting)
            name = self.resolve(argument.name)
            if name is None:
                if not self.takes_extra:
                    raise self.error(
                        "A parameter cannot be found that matches parameter name "
                        f"'{argument.name}'.",
                        "NamedParameterNotFound",
                    )
                rest.append(Given(None, f"-{argument.name}"))
                if argument.has_value:
                    rest.append(Given(None, argument.value))
            elif argument.has_value:
                self._set(bound, name, argument)
            elif self.parameters[name].is_switch:
                self._set(bound, name, Given(None, value=True))
            else:
                waiting = name
        if waiting is not None:
            raise self._missing_argument(waiting)
        self._check_sets(bound)
        self._bind_positional(bound, rest)
        return bound

    def _set(self, bound: Bound, name: str, argument: Given) -> None:
        if name in bound.values:
            raise self.error(
                f"Cannot bind parameter because parameter '{name}' is specified more than once. "
                "To provide multiple values to parameters that can accept multiple values, use "
                'the array syntax. For example, "-parameter value1,value2,value3".',
                "ParameterAlreadyBound",
            )
        bound.values[name] = self._convert(name, argument)
        bound.sets = bound.sets & self._set_of[name]

    def _convert(self, name: str, argument: Given) -> object:
        accepts = self.accepts[name]
        value = argument.value
        if argument.spelling is not None and accepts.is_text:
            value = argument.spelling
        elif argument.spelling is not None and accepts.element == "System.Version":
            # Set-StrictMode -Version 2 and 2.0 mean the same (its own argument transformation).
            value = argument.spelling if "." in argument.spelling else f"{argument.spelling}.0"
        self._refuse_empty(name, value)
        try:
            return accepts.convert(value)
        except AcceptanceRefusal as refusal:
            raise self._refused(name, refusal) from None

    def _check_sets(self, bound: Bound) -> None:
        if not bound.sets:
            raise self._ambiguous_set()

    # Positional arguments

    def _bind_positional(self, bound: Bound, rest: list[Given]) -> None:
        index = 0
        while index < len(rest):
            argument = rest[index]
            candidates = self._next_positional(bound) or self._remaining(bound)
            if not candidates:
                break
            chosen = self._choose(candidates, argument.value)
            if chosen.remaining:
                values = [each.value for each in rest[index:]]
                self._set(
                    bound, chosen.name, Given(None, values[0] if len(values) == 1 else values)
                )
                return
            self._set(bound, chosen.name, argument)
            index += 1
        bound.extra = [each.value for each in rest[index:]]
        if bound.extra and not self.takes_extra:
            raise self.error(
                "A positional parameter cannot be found that accepts argument "
                f"'{to_text(bound.extra[0])}'.",
                "PositionalParameterNotFound",
            )

    def _next_positional(self, bound: Bound) -> list[ParameterFacts]:
        open_ones = [
            each
            for each in self.positional
            if each.name not in bound.values and self._set_of[each.name] & bound.sets
        ]
        if not open_ones:
            return []
        first = open_ones[0].position
        return [each for each in open_ones if each.position == first]

    def _remaining(self, bound: Bound) -> list[ParameterFacts]:
        return [
            each
            for each in self.facts.parameters.values()
            if each.remaining
            and each.name not in bound.values
            and self._set_of[each.name] & bound.sets
        ]

    def _choose(self, candidates: list[ParameterFacts], value: object) -> ParameterFacts:
        """The candidate of the default set first; one that needs no conversion before all."""
        ordered = self._default_first(candidates)
        for each in ordered:
            if self.accepts[each.name].fits(value):
                return each
        for each in ordered:
            if self.accepts[each.name].can_convert(value):
                return each
        return ordered[0]

    def _default_first(self, candidates: Iterable[ParameterFacts]) -> list[ParameterFacts]:
        default = self.facts.default_set
        return sorted(candidates, key=lambda each: default not in self._set_of[each.name])

    # Pipeline input

    def takes_input(self, bound: Bound) -> bool:
        """Whether some parameter can still take pipeline input."""
        return any(self._is_open(each, bound) for each in self.by_pipeline)

    def _is_open(self, parameter: ParameterFacts, bound: Bound) -> bool:
        return parameter.name not in bound.values and bool(
            self._set_of[parameter.name] & bound.sets
        )

    def bind_input(self, command_line: Bound, item: object) -> Bound | None:
        """The command line with one pipeline object bound; None if nothing takes the object."""
        bound = Bound(dict(command_line.values), command_line.sets)
        if not any(self._is_open(each, bound) for each in self.by_pipeline):
            return None
        took = False
        for convert in (False, True):
            took |= self._bind_by_value(bound, item, convert=convert)
            took |= self._bind_by_property(bound, item, convert=convert)
        return bound if took else None

    def _bind_by_value(self, bound: Bound, item: object, *, convert: bool) -> bool:
        took = False
        for each in self._default_first(self.by_pipeline):
            if not each.by_value or not self._is_open(each, bound):
                continue
            took |= self._try_input(bound, each, item, convert=convert)
        return took

    def _bind_by_property(self, bound: Bound, item: object, *, convert: bool) -> bool:
        took = False
        for each in self._default_first(self.by_pipeline):
            if not each.by_property_name or not self._is_open(each, bound) or item is None:
                continue
            for name in (each.name, *each.aliases):
                found = read_or_missing(item, name)
                if not is_missing(found):
                    took |= self._try_input(bound, each, found, convert=convert)
                    break
        return took

    def _try_input(
        self, bound: Bound, parameter: ParameterFacts, value: object, *, convert: bool
    ) -> bool:
        accepts = self.accepts[parameter.name]
        if not convert and not accepts.fits(value):
            return False
        if value is None and parameter.required and not accepts.allows_null:
            return False
        try:
            bound.values[parameter.name] = accepts.convert(value)
        except AcceptanceRefusal:
            return False
        bound.sets = bound.sets & self._set_of[parameter.name]
        return True

    # The end: which set, what is missing

    def settle(self, bound: Bound, *, expects_input: bool = False) -> str:
        """The parameter set in force.

        Raises:
            PsError: a mandatory parameter is missing, or several sets remain.
        """
        missing = {each: self._missing(each, bound, expects_input) for each in bound.sets}
        default = self.facts.default_set
        if default in missing and not missing[default]:
            return default
        complete = [each for each in self.facts.sets if each in missing and not missing[each]]
        if len(complete) == 1:
            return complete[0]
        if complete:
            narrow = [each for each in complete if len(self._required(each)) > 0]
            if len(narrow) == 1:
                return narrow[0]
            if expects_input:
                return complete[0]
            raise self._ambiguous_set()
        wanted = default if default in missing else next(iter(sorted(missing)), "")
        if default not in missing and len(missing) > 1:
            raise self._ambiguous_set()
        names = " ".join(missing.get(wanted, []))
        raise self.error(
            f"Cannot process command because of one or more missing mandatory parameters: {names}.",
            "MissingMandatoryParameter",
        )

    def _required(self, set_name: str) -> list[ParameterFacts]:
        listed = self.facts.sets[set_name]
        return [
            each
            for each in self.facts.parameters.values()
            if each.name in listed and each.is_required_in(set_name)
        ]

    def _missing(self, set_name: str, bound: Bound, expects_input: bool) -> list[str]:
        return [
            each.name
            for each in self._required(set_name)
            if each.name not in bound.values
            and not (expects_input and (each.by_value or each.by_property_name))
        ]


_TABLES: dict[int, tuple[CmdletFacts, BindingTable]] = {}


def table_of(facts: CmdletFacts, class_name: str) -> BindingTable:
    """The prepared table of a cmdlet, made once."""
    held = _TABLES.get(id(facts))
    if held is None:
        held = facts, BindingTable(facts, class_name=class_name)
        _TABLES[id(facts)] = held
    return held[1]


def not_bound(table: BindingTable, item: object) -> PsError:
    """The error for a pipeline object that no parameter takes."""
    error = table.error(
        "The input object cannot be bound to any parameters for the command either because the "
        "command does not take pipeline input or the input and its properties do not match any "
        "of the parameters that take pipeline input.",
        "InputObjectNotBound",
    )
    error.record.target = item
    return error
