"""`value[index]`, read and written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from secondsite.lab.powershell.conversion import enumerate_value, to_number
from secondsite.lab.powershell.failures import runtime_error, unsupported
from secondsite.lab.powershell.members import PropertyList
from secondsite.lab.powershell.native import GroupList, PsDictionary
from secondsite.lab.powershell.text_form import to_text
from secondsite.lab.powershell.type_names import type_name_of
from secondsite.lab.powershell.values import Char, PsHashtable, PsList

if TYPE_CHECKING:
    from secondsite.lab.powershell.runspace import Runspace


def read_index(target: object, index: object, runspace: Runspace) -> object:
    """`target[index]`; out of range is null, and an error in strict mode."""
    if target is None:
        raise runtime_error("Cannot index into a null array.", "NullArray")
    if isinstance(target, PsHashtable):
        return _from_hashtable(target, index)
    if isinstance(target, PsDictionary):
        if index not in target.entries:
            raise runtime_error(
                "The given key was not present in the dictionary.",
                "System.Collections.Generic.KeyNotFoundException",
                category="NotSpecified",
                exception_type="System.Management.Automation.GetValueInvocationException",
            )
        return target.entries[index]
    if isinstance(target, GroupList):
        return target.get(index)
    if isinstance(target, PropertyList):
        return target.get(to_text(index))
    if isinstance(target, str):
        return _from_sequence([Char(each) for each in target], index, runspace)
    items = enumerate_value(target)
    if items is not None:
        return _from_sequence(list(items), index, runspace)
    raise runtime_error(
        f"Unable to index into an object of type {type_name_of(target)}.", "CannotIndex"
    )


def _from_hashtable(target: PsHashtable, index: object) -> object:
    if isinstance(index, list):
        return [target.get(each) for each in index]
    if target.ordered and isinstance(index, int) and not isinstance(index, bool):
        values = target.values()
        return values[index] if -len(values) <= index < len(values) else None
    return target.get(index)


def _from_sequence(items: list[object], index: object, runspace: Runspace) -> object:
    wanted = enumerate_value(index)
    if wanted is not None:
        places = [_place(items, each) for each in wanted]
        return [items[place] for place in places if place is not None]
    place = _place(items, index)
    if place is None:
        if runspace.strict:
            raise runtime_error(
                "Index was outside the bounds of the array.",
                "System.IndexOutOfRangeException",
                category="OperationStopped",
                exception_type="System.IndexOutOfRangeException",
            )
        return None
    return items[place]


def _place(items: list[object], index: object) -> int | None:
    number = round(to_number(index))
    return number if -len(items) <= number < len(items) else None


def write_index(target: object, index: object, value: object) -> None:
    """`target[index] = value`."""
    if isinstance(target, PsHashtable):
        if target.ordered and isinstance(index, int) and not isinstance(index, bool):
            raise unsupported("writing to an ordered dictionary by number")
        target[index] = value
        return
    if isinstance(target, PsDictionary):
        target.entries[index] = value
        return
    if target is None:
        raise runtime_error("Cannot index into a null array.", "NullArray")
    items = target.items if isinstance(target, PsList) else target
    if not isinstance(items, list):
        raise runtime_error(
            f"Unable to index into an object of type {type_name_of(target)}.", "CannotIndex"
        )
    place = _place(items, index)
    if place is None:
        raise runtime_error(
            "Index was outside the bounds of the array.",
            "System.IndexOutOfRangeException",
            category="OperationStopped",
            exception_type="System.IndexOutOfRangeException",
        )
    items[place] = value
