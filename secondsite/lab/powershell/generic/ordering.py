"""Sort-Object, Group-Object, Measure-Object, Compare-Object."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cmp_to_key
from typing import Final

from secondsite.lab.powershell.conversion import as_array, to_number
from secondsite.lab.powershell.failures import PsError, unsupported
from secondsite.lab.powershell.generic.properties import property_specs, value_of
from secondsite.lab.powershell.members import is_missing, read_or_missing
from secondsite.lab.powershell.operators import equals, order
from secondsite.lab.powershell.registry import CmdletCall, CmdletRegistry, PipelineCmdlet
from secondsite.lab.powershell.text_form import to_text
from secondsite.lab.powershell.values import PsHashtable, PsList, PsObject, ps_object

ORDERING: Final = CmdletRegistry()
_UTILITY: Final = "Microsoft.PowerShell.Utility"


class _Gathering(PipelineCmdlet):
    """Keeps all input until the end."""

    def begin(self, call: CmdletCall) -> Iterable[object] | None:
        """Nothing was seen yet."""
        del call
        self.items: list[object] = []
        return None

    def process(self, call: CmdletCall) -> Iterable[object] | None:
        """Keep the object."""
        if "InputObject" in call.parameters:
            self.items.append(call.get("InputObject"))
        return None


def compare_values(one: object, other: object, *, case: bool) -> int:
    """Order for sorting: null first, unlike things by their text."""
    if one is None or other is None:
        return (one is not None) - (other is not None)
    try:
        return order(one, other, case=case)
    except PsError:
        return order(to_text(one), to_text(other), case=case)


@ORDERING.pipeline_cmdlet("Sort-Object", module=_UTILITY, generic=True)
class SortObject(_Gathering):
    """Sorts stably by properties or by the objects themselves."""

    def end(self, call: CmdletCall) -> Iterator[object]:
        """Give the objects in order."""
        specs = property_specs(as_array(call.get("Property")))
        down, case = call.switch("Descending"), call.switch("CaseSensitive")
        rows = [
            (
                [value_of(spec, spec.name, each, call.runspace) for spec in specs] or [each],
                each,
            )
            for each in self.items
        ]
        directions = [spec.descending if spec.descending is not None else down for spec in specs]
        directions = directions or [down]

        def compare(one: tuple[list[object], object], other: tuple[list[object], object]) -> int:
            for left, right, is_down in zip(one[0], other[0], directions, strict=True):
                result = compare_values(left, right, case=case)
                if result:
                    return -result if is_down else result
            return 0

        rows.sort(key=cmp_to_key(compare))
        before: tuple[list[object], object] | None = None
        for row in rows:
            if call.switch("Unique") and before is not None and compare(before, row) == 0:
                continue
            before = row
            yield row[1]


@ORDERING.pipeline_cmdlet("Group-Object", module=_UTILITY, generic=True)
class GroupObject(_Gathering):
    """Groups objects by the text of properties, sorted by that text."""

    def end(self, call: CmdletCall) -> Iterator[object]:
        """Give the groups."""
        specs = property_specs(as_array(call.get("Property")))
        case = call.switch("CaseSensitive")
        groups: dict[object, tuple[list[object], list[object]]] = {}
        for each in self.items:
            values = [value_of(spec, spec.name, each, call.runspace) for spec in specs] or [each]
            text = ", ".join(to_text(value) for value in values)
            groups.setdefault(text if case else text.lower(), (values, []))[1].append(each)
        if call.switch("AsHashTable"):
            yield self._table(groups, as_string=call.switch("AsString"))
            return
        for key in sorted(groups, key=str):
            values, members = groups[key]
            made = ps_object(
                "Microsoft.PowerShell.Commands.GroupInfo",
                Count=len(members),
                Name=", ".join(to_text(value) for value in values),
                Group=PsList(
                    members, type_name="System.Collections.ObjectModel.Collection`1[PSObject]"
                ),
                Values=values,
            )
            if call.switch("NoElement"):
                made.remove("Group")
            yield made

    @staticmethod
    def _table(
        groups: dict[object, tuple[list[object], list[object]]], *, as_string: bool
    ) -> PsHashtable:
        table = PsHashtable()
        for values, members in groups.values():
            key = values[0] if len(values) == 1 else values
            table[to_text(key) if as_string else key] = PsList(
                members, type_name="System.Collections.ObjectModel.Collection`1[PSObject]"
            )
        return table


@ORDERING.pipeline_cmdlet("Measure-Object", module=_UTILITY, generic=True)
class MeasureObject(_Gathering):
    """Counts, adds up, averages."""

    def end(self, call: CmdletCall) -> Iterator[object]:
        """One result per property."""
        for name in ("Line", "Word", "Character"):
            if call.switch(name):
                raise unsupported(f"Measure-Object -{name}")
        for wanted in as_array(call.get("Property")) or [None]:
            yield self._measure(call, None if wanted is None else to_text(wanted))

    def _measure(self, call: CmdletCall, name: str | None) -> PsObject:
        values = []
        for each in self.items:
            found = each if name is None else read_or_missing(each, name)
            if found is not None and not is_missing(found):
                values.append(found)
        wants_numbers = call.switch("Sum") or call.switch("Average")
        numbers = [float(to_number(each)) for each in values] if wants_numbers else []

        def extreme(switch: str, *, largest: bool) -> object:
            if not call.switch(switch) or not values:
                return None
            best = values[0]
            for each in values[1:]:
                if (compare_values(each, best, case=False) > 0) == largest and not equals(
                    each, best
                ):
                    best = each
            return float(best) if isinstance(best, int) and not isinstance(best, bool) else best

        return ps_object(
            "Microsoft.PowerShell.Commands.GenericMeasureInfo",
            Count=len(values),
            Average=sum(numbers) / len(numbers) if call.switch("Average") and numbers else None,
            Sum=sum(numbers) if call.switch("Sum") and values else None,
            Maximum=extreme("Maximum", largest=True),
            Minimum=extreme("Minimum", largest=False),
            Property=name,
        )


@ORDERING.pipeline_cmdlet("Compare-Object", module=_UTILITY, generic=True)
class CompareObject(PipelineCmdlet):
    """Tells which objects are on one side only."""

    def begin(self, call: CmdletCall) -> None:
        """Nothing was seen yet."""
        del call
        self._difference: list[object] = []

    def process(self, call: CmdletCall) -> None:
        """Gather the difference side."""
        self._difference += as_array(call.get("DifferenceObject"))

    def end(self, call: CmdletCall) -> Iterator[object]:
        """Pair off equal objects; give what is left, right side first."""
        specs = property_specs(as_array(call.get("Property")))
        case = call.switch("CaseSensitive")
        left = as_array(call.get("ReferenceObject"))
        right = self._difference

        def key(item: object) -> list[object]:
            return [value_of(spec, spec.name, item, call.runspace) for spec in specs] or [item]

        def same(one: object, other: object) -> bool:
            pairs = zip(key(one), key(other), strict=True)
            return all(equals(a, b, case=case) or to_text(a) == to_text(b) for a, b in pairs)

        rest = list(left)
        matched: list[object] = []
        only_right: list[object] = []
        for each in right:
            index = next((i for i, other in enumerate(rest) if same(other, each)), None)
            if index is None:
                only_right.append(each)
            else:
                matched.append(rest.pop(index))
        sides: list[tuple[object, str]] = []
        if call.switch("IncludeEqual") or call.switch("ExcludeDifferent"):
            sides += [(each, "==") for each in matched]
        if not call.switch("ExcludeDifferent"):
            sides += [(each, "=>") for each in only_right] + [(each, "<=") for each in rest]
        for item, side in sides:
            if call.switch("PassThru"):
                yield item
            elif specs:
                values = zip(specs, key(item), strict=True)
                made = PsObject(properties={spec.name: value for spec, value in values})
                made.set("SideIndicator", side)
                yield made
            else:
                yield PsObject(properties={"InputObject": item, "SideIndicator": side})
