"""A recovery plan of Azure Site Recovery as JSON → its groups and actions, however it was written.

Read as exports, REST answers, request bodies and hand-written files have it: keys in any case, with
or without the envelope of the resource, with the misspellings seen in the wild. Field names: Azure
REST API specification `recoveryservicessiterecovery`, `ReplicationRecoveryPlans`, 2021-04-01.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["AsrAction", "AsrDocument", "AsrGroup", "read_document"]

GroupType = Literal["shutdown", "failover", "boot"]
_ITEM_KEYS = ("replicationprotecteditems", "replicatedprotecteditems", "protecteditems", "vms")


@dataclass(frozen=True, slots=True, kw_only=True)
class AsrAction:
    """One action before or after a group.

    Attributes:
        kind: Which of ASR's three; `unknown` if the file does not say and nothing can be inferred.
        failover_types: As written; None if absent.
        directions: As written; None if absent.
        details: `customDetails`, with keys in lower case.
    """

    name: str
    kind: Literal["script", "runbook", "manual", "unknown"]
    failover_types: tuple[str, ...] | None
    directions: tuple[str, ...] | None
    details: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class AsrGroup:
    """One group.

    Attributes:
        vms: (name or None, id or None) of each protected item.
    """

    type: GroupType
    vms: tuple[tuple[str | None, str | None], ...]
    before: tuple[AsrAction, ...]
    after: tuple[AsrAction, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AsrDocument:
    """One recovery plan."""

    name: str
    primary: str
    recovery: str
    groups: tuple[AsrGroup, ...]


def read_document(data: Any) -> AsrDocument:
    """The plan in `data`, parsed JSON.

    Raises:
        ValueError: there is no recovery plan in it; says what was looked for.
    """
    root = _lowered(data)
    resource, groups = _find(root)
    properties = _mapping(resource.get("properties")) or resource
    return AsrDocument(
        name=str(resource.get("name") or properties.get("friendlyname") or "").strip(),
        primary=_fabric(properties, "primary"),
        recovery=_fabric(properties, "recovery"),
        groups=tuple(_group(each) for each in groups),
    )


def _lowered(value: Any) -> Any:
    match value:
        case dict():
            return {str(key).lower(): _lowered(each) for key, each in value.items()}
        case list():
            return [_lowered(each) for each in value]
    return value


def _find(root: Any) -> tuple[Mapping[str, Any], list[Any]]:
    """The resource and its groups, wherever the envelope has them."""
    if isinstance(root, list):
        if len(root) == 1 and isinstance(root[0], dict) and "grouptype" not in root[0]:
            return _find(root[0])
        if any(isinstance(each, dict) and "grouptype" in each for each in root):
            return {}, root
    if isinstance(root, dict):
        for inner in (root, _mapping(root.get("properties"))):
            groups = inner.get("groups")
            if isinstance(groups, list):
                return root, groups
        answers = _mapping(root.get("responses"))
        parameters = _mapping(root.get("parameters"))
        wrapped = [_mapping(each).get("body") for each in answers.values()]
        wrapped += [parameters.get("input"), root.get("input")]
        for each in wrapped:
            if isinstance(each, dict):
                return _find(each)
        listed = root.get("value")
        if isinstance(listed, list) and len(listed) == 1:
            return _find(listed[0])
        if isinstance(listed, list):
            count = len(listed)
            raise ValueError(  # noqa: TRY004 - the value is wrong, not the type of an argument
                f"it holds {count} plans: write one plan into a file of its own"
            )
    raise ValueError(
        "there is no recovery plan in it (no list `groups`): export one with "
        "Get-AzRecoveryServicesAsrRecoveryPlan -Name NAME -Path FILE"
    )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _fabric(properties: Mapping[str, Any], side: str) -> str:
    friendly = properties.get(f"{side}fabricfriendlyname")
    identity = str(properties.get(f"{side}fabricid") or "")
    return str(friendly or identity.rstrip("/").rpartition("/")[2])


def _group(written: Any) -> AsrGroup:
    group = _mapping(written)
    name = str(group.get("grouptype") or "Boot").lower()
    kind: GroupType = (
        "shutdown" if name == "shutdown" else "failover" if name == "failover" else "boot"
    )
    items: list[Any] = next(
        (group[key] for key in _ITEM_KEYS if group.get(key) and isinstance(group[key], list)), []
    )
    return AsrGroup(
        type=kind,
        vms=tuple(_vm(item) for item in items),
        before=tuple(_actions(group.get("startgroupactions"))),
        after=tuple(_actions(group.get("endgroupactions"))),
    )


def _vm(item: Any) -> tuple[str | None, str | None]:
    if isinstance(item, str):
        return item.rstrip("/").rpartition("/")[2] or None, None
    described = _mapping(item)
    inner = _mapping(described.get("properties"))
    name = described.get("friendlyname") or inner.get("friendlyname") or described.get("name")
    identity = (
        described.get("virtualmachineid")
        or str(described.get("id") or "").rstrip("/").rpartition("/")[2]
    )
    return (str(name) if name else None), (str(identity) if identity else None)


def _actions(written: Any) -> Iterator[AsrAction]:
    for each in written if isinstance(written, list) else []:
        action = _mapping(each)
        details = _mapping(action.get("customdetails"))
        yield AsrAction(
            name=str(action.get("actionname") or "").strip(),
            kind=_kind(details),
            failover_types=_texts(action, "failovertypes", "failovertypeslist"),
            directions=_texts(action, "failoverdirections", "failoverdirectionslist"),
            details=details,
        )


def _kind(details: Mapping[str, Any]) -> Literal["script", "runbook", "manual", "unknown"]:
    named = str(details.get("instancetype") or "").lower()
    if "script" in named:
        return "script"
    if "runbook" in named:
        return "runbook"
    if "manual" in named:
        return "manual"
    # An export may lack the discriminator; the fields tell.
    if "runbookid" in details:
        return "runbook"
    if "path" in details or "scriptpath" in details:
        return "script"
    return "manual" if "description" in details else "unknown"


def _texts(action: Mapping[str, Any], *keys: str) -> tuple[str, ...] | None:
    for key in keys:
        value = action.get(key)
        if isinstance(value, list):
            return tuple(str(each) for each in value)
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(","))
    return None
