from __future__ import annotations

from typing import Any

from secondsite.connectors.base import VmObservation
from secondsite.connectors.hyperv.answers import read_observations, read_survey
from secondsite.errors import NotFoundError, UnknownOutcomeError

SURVEY: dict[str, Any] = {
    "host": "OS-HV1",
    "switches": ["production", "isolated"],
    "free_memory_mib": 4096,
    "vms": [
        {
            "name": "sql02",
            "id": "11111111-1111-1111-1111-111111111111",
            "state": "Off",
            "generation": 2,
            "heartbeat": "",
            "memory_mib": 2048,
            "adapters": {
                "name": "Network Adapter",
                "id": "Microsoft:A\\B",
                "mac": "00155D000001",
                "switch": "",
                "vlan": None,
                "addresses": ["fe80::1", "10.1.0.5", ""],
            },
            "replication": [
                {
                    "mode": "Replica",
                    "state": "Replicating",
                    "health": "Normal",
                    "relationship": "Simple",
                    "primary_server": "to-hv1",
                    "replica_server": "os-hv1",
                    "frequency_s": 300,
                    "last_replication_at": None,
                }
            ],
            "recovery_points": [
                {"id": "b", "kind": "Replica", "created_at": "2026-01-02T00:00:00.0000000Z"},
                {"id": "a", "kind": "Replica", "created_at": "2026-01-01T00:00:00.0000000Z"},
            ],
            "test_vm": None,
        }
    ],
}


def test_a_survey_is_read_with_the_hosts_name_of_the_estate() -> None:
    survey = read_survey(SURVEY, host="os-hv1")

    (vm,) = survey.vms
    assert survey.host == "os-hv1"
    assert survey.switches == ("production", "isolated")
    assert vm.adapters[0].switch is None
    assert vm.adapters[0].addresses == ("10.1.0.5",)
    assert vm.replication[0].mode == "Replica"
    assert [point.id for point in vm.recovery_points] == ["a", "b"]


def test_a_host_without_vms_is_a_survey_too() -> None:
    survey = read_survey({"host": "H", "switches": None, "free_memory_mib": 1, "vms": []}, host="h")

    assert (survey.vms, survey.switches) == ((), ())


def test_observations_are_per_vm_and_a_missing_one_is_not_taken_for_off() -> None:
    answer = {
        "results": [
            {
                "vm": "a",
                "ok": True,
                "error": None,
                "state": "Running",
                "heartbeat": "OkApplicationsUnknown",
                "addresses": ["10.0.0.1"],
                "uptime_s": 12,
            },
            {"vm": "b", "ok": False, "error": {"message": "Secondsite.VmNotFound: None."}},
        ]
    }

    seen = read_observations(answer, host="h", vms=["a", "b", "c"])

    assert seen["a"] == VmObservation(
        vm="a",
        state="Running",
        heartbeat="OkApplicationsUnknown",
        addresses=("10.0.0.1",),
        uptime_s=12.0,
    )
    assert isinstance(seen["b"], NotFoundError)
    assert isinstance(seen["c"], UnknownOutcomeError)
