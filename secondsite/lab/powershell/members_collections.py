"""Properties and methods of arrays, lists, hashtables, dictionaries, sets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from secondsite.lab.powershell.conversion import as_array, convert
from secondsite.lab.powershell.failures import unsupported
from secondsite.lab.powershell.method_call import OUT_OF_RANGE, MethodFailure, whole
from secondsite.lab.powershell.native import (
    GroupList,
    PsDictionary,
    PsQueue,
    PsSet,
    dictionary_entry,
)
from secondsite.lab.powershell.operators import equals, order
from secondsite.lab.powershell.text_form import to_text
from secondsite.lab.powershell.values import PsHashtable, PsList

Reader = Callable[[Any], object]
Caller = Callable[[Any, list[object], Any], object]


def _fixed(value: object, arguments: list[object], runspace: object) -> object:
    del value, arguments, runspace
    raise MethodFailure("System.NotSupportedException", "Collection was of a fixed size.")


def _array_contains(value: list[object], arguments: list[object], _: object) -> object:
    return any(_same(each, arguments[0]) for each in value)


def _same(one: object, other: object) -> bool:
    """Equals of .NET: no conversion, case matters."""
    if isinstance(one, str) or isinstance(other, str):
        return isinstance(one, str) and isinstance(other, str) and one == other
    return equals(one, other, case=True)


def _index_of(items: list[object], wanted: object) -> int:
    return next((index for index, each in enumerate(items) if _same(each, wanted)), -1)


# Lists


def _element(value: PsList, item: object) -> object:
    return convert(item, value.element_type) if value.element_type else item


def _list_add(value: PsList, arguments: list[object], _: object) -> object:
    value.items.append(_element(value, arguments[0]))
    return None if value.element_type else len(value.items) - 1


def _list_add_range(value: PsList, arguments: list[object], _: object) -> object:
    value.items.extend(_element(value, each) for each in as_array(arguments[0]))
    return None


def _list_remove(value: PsList, arguments: list[object], _: object) -> object:
    index = _index_of(value.items, arguments[0])
    if index >= 0:
        del value.items[index]
    return index >= 0 if value.element_type else None


def _list_remove_at(value: PsList, arguments: list[object], _: object) -> object:
    index = whole(arguments, 0)
    if not 0 <= index < len(value.items):
        raise MethodFailure(
            OUT_OF_RANGE,
            "Index was out of range. Must be non-negative and less than the size of the "
            "collection.",
        )
    del value.items[index]
    return None


def _list_insert(value: PsList, arguments: list[object], _: object) -> object:
    value.items.insert(whole(arguments, 0), _element(value, arguments[1]))
    return None


def _list_sort(value: PsList, arguments: list[object], _: object) -> object:
    from functools import cmp_to_key  # noqa: PLC0415 - used here only

    if arguments:
        raise unsupported("List.Sort with a comparison")
    value.items.sort(key=cmp_to_key(order))
    return None


def _list_clear(value: PsList, arguments: list[object], _: object) -> object:
    del arguments
    value.items.clear()
    return None


def _list_reverse(value: PsList, arguments: list[object], _: object) -> object:
    del arguments
    value.items.reverse()
    return None


# Hashtables and dictionaries


def _hash_add(value: PsHashtable, arguments: list[object], _: object) -> object:
    if arguments[0] in value:
        raise MethodFailure(
            "System.ArgumentException",
            f"Item has already been added. Key in dictionary: '{to_text(arguments[0])}'  Key being "
            f"added: '{to_text(arguments[0])}'",
        )
    value[arguments[0]] = arguments[1]
    return None


def _hash_remove(value: PsHashtable, arguments: list[object], _: object) -> object:
    value.remove(arguments[0])
    return None


def _hash_clear(value: PsHashtable, arguments: list[object], _: object) -> object:
    del arguments
    value.clear()
    return None


def _hash_has(value: PsHashtable, arguments: list[object], _: object) -> object:
    return arguments[0] in value


def _entries(value: PsHashtable, arguments: list[object], _: object) -> object:
    del arguments
    return [dictionary_entry(key, held) for key, held in value.items()]


def _dictionary_key(value: PsDictionary, key: object) -> object:
    return convert(key, value.key_type)


def _dictionary_add(value: PsDictionary, arguments: list[object], _: object) -> object:
    key = _dictionary_key(value, arguments[0])
    if key in value.entries:
        raise MethodFailure(
            "System.ArgumentException", "An item with the same key has already been added."
        )
    value.entries[key] = convert(arguments[1], value.value_type)
    return None


def _dictionary_remove(value: PsDictionary, arguments: list[object], _: object) -> object:
    key = _dictionary_key(value, arguments[0])
    found = key in value.entries
    value.entries.pop(key, None)
    return found


def _dictionary_has(value: PsDictionary, arguments: list[object], _: object) -> object:
    return _dictionary_key(value, arguments[0]) in value.entries


def _dictionary_entries(value: PsDictionary, arguments: list[object], _: object) -> object:
    del arguments
    return [dictionary_entry(key, held) for key, held in value.entries.items()]


def _dictionary_clear(value: PsDictionary, arguments: list[object], _: object) -> object:
    del arguments
    value.entries.clear()
    return None


# Sets and queues


def _set_add(value: PsSet, arguments: list[object], _: object) -> object:
    item = convert(arguments[0], value.element_type)
    key = value.key(item)
    if key in value.entries:
        return False
    value.entries[key] = item
    return True


def _set_has(value: PsSet, arguments: list[object], _: object) -> object:
    return value.key(convert(arguments[0], value.element_type)) in value.entries


def _set_remove(value: PsSet, arguments: list[object], _: object) -> object:
    return value.entries.pop(value.key(arguments[0]), None) is not None


def _dequeue(value: PsQueue, arguments: list[object], _: object) -> object:
    del arguments
    if not value.items:
        raise MethodFailure("System.InvalidOperationException", "Queue empty.")
    return value.items.pop(0)


def _enqueue(value: PsQueue, arguments: list[object], _: object) -> object:
    value.items.append(arguments[0])
    return None


_LIST_READERS: Final[Mapping[str, Reader]] = {
    "count": len,
    "length": len,
    "longlength": len,
    "rank": lambda _: 1,
}
COLLECTION_PROPERTIES: Final[Mapping[type, Mapping[str, Reader]]] = {
    list: _LIST_READERS,
    bytes: _LIST_READERS,
    PsList: {"count": lambda value: len(value.items)},
    PsHashtable: {
        "count": len,
        "keys": PsHashtable.keys,
        "values": PsHashtable.values,
    },
    PsDictionary: {
        "count": lambda value: len(value.entries),
        "keys": lambda value: list(value.entries),
        "values": lambda value: list(value.entries.values()),
    },
    PsSet: {"count": lambda value: len(value.entries)},
    PsQueue: {"count": lambda value: len(value.items)},
    GroupList: {"count": lambda value: len(value.items)},
}
COLLECTION_METHODS: Final[Mapping[type, Mapping[str, Caller]]] = {
    list: {
        "add": _fixed,
        "remove": _fixed,
        "clear": _fixed,
        "contains": _array_contains,
        "indexof": lambda value, arguments, _runspace: _index_of(value, arguments[0]),
        "clone": lambda value, _arguments, _runspace: list(value),
        "getenumerator": lambda value, _arguments, _runspace: list(value),
    },
    PsList: {
        "add": _list_add,
        "addrange": _list_add_range,
        "remove": _list_remove,
        "removeat": _list_remove_at,
        "insert": _list_insert,
        "clear": _list_clear,
        "sort": _list_sort,
        "reverse": _list_reverse,
        "contains": lambda value, arguments, _runspace: _index_of(value.items, arguments[0]) >= 0,
        "indexof": lambda value, arguments, _runspace: _index_of(value.items, arguments[0]),
        "toarray": lambda value, _arguments, _runspace: list(value.items),
        "getenumerator": lambda value, _arguments, _runspace: list(value.items),
    },
    PsHashtable: {
        "add": _hash_add,
        "remove": _hash_remove,
        "clear": _hash_clear,
        "contains": _hash_has,
        "containskey": _hash_has,
        "containsvalue": lambda value, arguments, _runspace: (
            _index_of(value.values(), arguments[0]) >= 0
        ),
        "clone": lambda value, _arguments, _runspace: value.copy(),
        "getenumerator": _entries,
    },
    PsDictionary: {
        "add": _dictionary_add,
        "remove": _dictionary_remove,
        "containskey": _dictionary_has,
        "clear": _dictionary_clear,
        "getenumerator": _dictionary_entries,
    },
    PsSet: {"add": _set_add, "contains": _set_has, "remove": _set_remove},
    PsQueue: {"enqueue": _enqueue, "dequeue": _dequeue},
}
