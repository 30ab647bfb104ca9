from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secondsite.plan.asr_document import read_document
from secondsite.plan.asr_import import Imported, import_plan
from secondsite.plan.hooks import Direction, FailoverKind, GateHook, ScriptHook
from secondsite.plan.model import Plan
from secondsite.plan.yaml_source import load_model

GUID = "7655da1b-bff2-46f3-97d1-75d3cb863b4f"


def _action(details: dict[str, Any], **other: Any) -> dict[str, Any]:
    return {
        "actionName": "Do it",
        "failoverTypes": ["PlannedFailover", "UnplannedFailover"],
        "failoverDirections": ["PrimaryToRecovery"],
        "customDetails": details,
        **other,
    }


def _resource(*boot: dict[str, Any], **others: dict[str, Any]) -> dict[str, Any]:
    """A plan as the service answers it (field names of the REST API, 2021-04-01)."""
    empty: dict[str, Any] = {
        "replicationProtectedItems": [],
        "startGroupActions": [],
        "endGroupActions": [],
    }
    return {
        "name": "E2ERP",
        "properties": {
            "friendlyName": "E2ERP",
            "primaryFabricFriendlyName": "vmm-tokyo",
            "recoveryFabricFriendlyName": "vmm-osaka",
            "groups": [
                {**empty, "groupType": "Shutdown", **others.get("shutdown", {})},
                {**empty, "groupType": "Failover", **others.get("failover", {})},
                *({**empty, "groupType": "Boot", **each} for each in boot),
            ],
        },
    }


def _import(data: Any, names: dict[str, str] | None = None) -> Imported:
    return import_plan(read_document(data), protection="tokyo-osaka", names=names)


def test_groups_keep_their_order_and_vms_get_their_names() -> None:
    item = {"id": f"/x/replicationProtectedItems/{GUID}", "virtualMachineId": GUID.upper()}

    imported = _import(
        _resource({"replicationProtectedItems": [item]}, {"replicationProtectedItems": ["web01"]}),
        {GUID: "sql01"},
    )

    plan = imported.plan
    assert (plan.name, plan.protection) == ("E2ERP", "tokyo-osaka")
    assert [(group.name, [vm.name for vm in group.vms]) for group in plan.groups] == [
        ("group-1", ["sql01"]),
        ("group-2", ["web01"]),
    ]
    assert imported.notes == (
        "the protection 'tokyo-osaka' stands for vmm-tokyo → vmm-osaka: "
        "see that it is the right one",
    )


def test_a_vm_of_which_only_the_id_is_known_is_noted() -> None:
    imported = _import(_resource({"replicationProtectedItems": [{"virtualMachineId": GUID}]}))

    assert any(GUID in note and "Get-VM -Id" in note for note in imported.notes)


def test_a_manual_action_becomes_a_gate_with_its_instructions() -> None:
    action = _action({"instanceType": "ManualActionDetails", "description": "Call the bank."})

    (gate,) = _import(_resource({"endGroupActions": [action]})).plan.groups[0].after

    assert isinstance(gate, GateHook)
    assert (gate.gate, gate.instructions) == ("Do it", "Call the bank.\n")
    assert gate.kinds == (FailoverKind.PLANNED, FailoverKind.UNPLANNED)
    assert gate.directions == (Direction.FORWARD,)


@pytest.mark.parametrize(
    ("timeout", "seconds"),
    [("PT10M", 600), ("00:05:00", 300), ("120", 120), ("1.00:00:00", 86400), ("soon", 600)],
)
def test_a_script_keeps_its_side_and_time_out(timeout: str, seconds: float) -> None:
    action = _action(
        {
            "instanceType": "ScriptActionDetails",
            "path": "\\\\vmm\\library\\Scripts\\Mount.ps1",
            "timeout": timeout,
            "fabricLocation": "Primary",
        }
    )

    imported = _import(_resource(shutdown={"startGroupActions": [action]}))

    (hook,) = imported.plan.shutdown.before
    assert isinstance(hook, ScriptHook)
    assert (hook.script, hook.name, hook.on) == ("scripts/Mount.ps1", "Do it", "primary")
    assert hook.timeout.total_seconds() == seconds
    assert any("copy \\\\vmm\\library\\Scripts\\Mount.ps1" in note for note in imported.notes)
    assert any("cannot be read" in note for note in imported.notes) == (timeout == "soon")


@pytest.mark.parametrize(
    "details",
    [
        {"instanceType": "AutomationRunbookActionDetails", "runbookId": "/a/runbooks/Mount"},
        {"runbookId": "Mount", "automationAccountId": "/x"},
        {"instanceType": "ScriptActionDetails", "path": "mount.cmd"},
        {"instanceType": "SomethingNew"},
        {},
    ],
)
def test_what_cannot_run_here_becomes_a_gate_and_a_note_never_nothing(
    details: dict[str, Any],
) -> None:
    imported = _import(_resource(failover={"endGroupActions": [_action(details)]}))

    (gate,) = imported.plan.failover.after
    assert isinstance(gate, GateHook)
    assert "by hand" in gate.instructions
    assert any("'Do it'" in note and "is a gate now" in note for note in imported.notes)


def test_an_export_without_the_discriminator_is_still_understood() -> None:
    manual, script = {"description": "Look."}, {"path": "a.ps1"}

    imported = _import(
        _resource({"startGroupActions": [_action(manual), _action(script)], "vms": ["a"]})
    )

    assert [type(hook) for hook in imported.plan.groups[0].before] == [GateHook, ScriptHook]


def test_hand_written_files_are_read_whatever_their_case_and_misspellings() -> None:
    imported = _import(
        {
            "Properties": {
                "FriendlyName": "My plan!",
                "Groups": [
                    {"GroupType": "Boot", "ReplicatedProtectedItems": ["sql01"]},
                    {"GroupType": "Failover", "ReplicationProtectedItems": ["web01"]},
                    {
                        "GroupType": "Shutdown",
                        "StartGroupActions": [
                            {
                                "ActionName": "Say so",
                                "FailoverTypesList": ["Planned", "Test", "Commit"],
                                "CustomDetails": {"Description": "x"},
                            }
                        ],
                    },
                ],
            }
        }
    )

    plan = imported.plan
    assert plan.name == "My-plan"
    assert [vm.name for vm in plan.vms] == ["web01", "sql01"]
    assert plan.shutdown.before[0].kinds == (FailoverKind.PLANNED, FailoverKind.TEST)
    assert any("'Commit' has no counterpart here" in note for note in imported.notes)


def test_an_action_that_would_never_run_is_left_out_and_noted() -> None:
    only_tests = _action({"description": "x"}, failoverTypes=["TestFailover"])
    others = _action({"description": "y"}, failoverTypes=["Commit"], actionName="Other")

    imported = _import(
        _resource({"vms": ["a"]}, shutdown={"startGroupActions": [only_tests, others]})
    )

    assert imported.plan.shutdown.before == ()
    assert sum("would never run here" in note for note in imported.notes) == 2


@pytest.mark.parametrize(
    "wrap",
    [
        lambda plan: plan,
        lambda plan: [plan],
        lambda plan: {"value": [plan]},
        lambda plan: {"responses": {"200": {"body": plan}}},
        lambda plan: {"parameters": {"input": plan}},
        lambda plan: plan["properties"],
        lambda plan: plan["properties"]["groups"],
    ],
)
def test_the_plan_is_found_in_every_envelope(wrap: Any) -> None:
    plan = _resource({"vms": ["sql01"]})

    assert [vm.name for vm in _import(wrap(plan)).plan.vms] == ["sql01"]


@pytest.mark.parametrize("data", [{}, [], "x", None, {"properties": {}}, {"value": [{}, {}]}])
def test_what_is_no_plan_is_refused_with_what_to_do(data: Any) -> None:
    with pytest.raises(ValueError, match=r"export one with|of its own"):
        read_document(data)


def test_the_text_is_a_plan_with_the_notes_above_it(tmp_path: Path) -> None:
    action = _action({"description": "Call\nthe bank."}, actionName="A\n# name: evil")
    imported = _import(_resource({"vms": ["sql01"], "startGroupActions": [action]}))
    path = tmp_path / "plan.yaml"
    path.write_text(imported.text, encoding="utf-8")

    assert load_model(path, Plan).model == imported.plan
    assert imported.text.startswith("# Carried over from Azure Site Recovery.")


_JSON = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.text(max_size=5), st.sampled_from(["Boot"])
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                [
                    "groups",
                    "groupType",
                    "properties",
                    "name",
                    "vms",
                    "startGroupActions",
                    "customDetails",
                    "path",
                    "timeout",
                    "failoverTypes",
                    "id",
                ]
            ),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=25,
)


@settings(deadline=None)
@given(st.one_of(_JSON, st.fixed_dictionaries({"groups": st.lists(_JSON, max_size=3)})))
def test_any_json_is_imported_or_refused_never_a_traceback(data: Any) -> None:
    try:
        document = read_document(json.loads(json.dumps(data)))
    except ValueError:
        return
    assert import_plan(document, protection="p").text
