from __future__ import annotations

import re
from pathlib import Path

import pytest

import secondsite.connectors
from secondsite.connectors.causes import _OUR_REASONS, read_cause, site_error
from secondsite.errors import (
    AccessDeniedError,
    ActionFailedError,
    NotFoundError,
    WrongStateError,
)

COMMANDS = "Microsoft.HyperV.PowerShell.Commands"


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"message": "Secondsite.VmNotFound: There is no VM."}, NotFoundError),
        ({"message": "Secondsite.TestVmExists: One is active."}, WrongStateError),
        ({"message": "Secondsite.NotConfirmed: It is Off."}, ActionFailedError),
        ({"message": "x", "fqid": f"InvalidState,{COMMANDS}.StartVM"}, WrongStateError),
        ({"message": "x", "fqid": f"ObjectNotFound,{COMMANDS}.GetVM"}, NotFoundError),
        ({"message": "x", "fqid": f"AccessDenied,{COMMANDS}.GetVM"}, AccessDeniedError),
        (
            {"message": "x", "fqid": "1730,Some.VMM", "category": "PermissionDenied"},
            AccessDeniedError,
        ),
        ({"message": "x", "fqid": "1730,Some.VMM", "category": "ObjectNotFound"}, NotFoundError),
        ({"message": "x", "fqid": "Unheard,Of", "category": "NotSpecified"}, ActionFailedError),
        ({}, ActionFailedError),
    ],
)
def test_ids_and_categories_decide_the_class_never_the_text(
    error: dict[str, str], kind: type[ActionFailedError]
) -> None:
    raised = site_error(
        read_cause(error), host="os-hv1", vm="sql02", action="start it", is_changed=False
    )

    assert type(raised) is kind


def test_an_error_names_vm_host_cause_what_was_not_touched_and_what_to_do() -> None:
    cause = read_cause({"message": "Secondsite.SwitchNotFound: There is no switch 'x'."})

    raised = site_error(
        cause, host="os-hv1", vm="sql02 - Test", action="connect its adapters", is_changed=False
    )

    assert raised.message == (
        "sql02 - Test on os-hv1: could not connect its adapters: There is no switch 'x'."
        " Nothing was changed."
    )
    assert "os-hv1" in raised.next_step
    assert (raised.host, raised.vm) == ("os-hv1", "sql02 - Test")


def test_an_error_after_a_change_says_so_and_keeps_the_evidence() -> None:
    cause = read_cause({"message": "boom", "fqid": "X,Y", "category": "NotSpecified", "type": "T"})

    raised = site_error(
        cause, host="h", vm="v", action="act", is_changed=True, evidence={"test_vm_id": "7"}
    )

    assert "Nothing was changed" not in raised.message
    assert raised.evidence["test_vm_id"] == "7"
    assert raised.evidence["cause"] == {
        "message": "boom",
        "fqid": "X,Y",
        "category": "NotSpecified",
        "type": "T",
    }


def test_every_reason_that_a_shipped_script_gives_is_known_and_every_known_one_is_given() -> None:
    folder = Path(secondsite.connectors.__file__).parent
    texts = [path.read_text("utf-8") for path in folder.rglob("*.ps1")]

    given = {reason for text in texts for reason in re.findall(r"Secondsite\.(\w+): ", text)}

    assert given == set(_OUR_REASONS)
