"""Servers that cannot be reached or say no: which error, and that nothing is retried blindly."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from secondsite.connectors.winrm import Endpoint, Lane, LanePool, Script
from secondsite.errors import (
    AccessDeniedError,
    ActionFailedError,
    NotFoundError,
    NotStartedError,
    SiteError,
    UsageError,
    WrongStateError,
)

MakeScript = Callable[..., Script]


@pytest.mark.parametrize("transport", ["basic", "ntlm"])
def test_a_wrong_password_is_tried_once_by_all_lanes_together(
    lab: Any, script: MakeScript, transport: str
) -> None:
    server = lab.server()
    endpoint = lab.endpoint(server, transport=transport, password=SecretStr("wrong horse"))
    with LanePool([endpoint]) as pool:
        for purpose in ("act", "watch", "act"):
            with pytest.raises(AccessDeniedError) as caught:
                pool.lane(server.name, purpose).call(script("echo"), {"Value": 0}, timeout_s=5)

    refusals = [entry for entry in lab.entries if "401" in entry.get("error", "")]
    assert len(refusals) == 1
    assert "wrong horse" not in str(caught.value) + repr(caught.value.evidence)
    assert "locked" in caught.value.next_step


def test_a_password_changed_while_a_lane_is_open_is_noticed_once(
    lab: Any, script: MakeScript
) -> None:
    server = lab.server()
    lane = lab.lane(server, transport="basic")
    lane.call(script("echo"), {"Value": 0}, timeout_s=5)
    server.set_password("CORP\\svc-recovery", "another horse")

    for _ in range(3):
        with pytest.raises(AccessDeniedError):
            lane.call(script("start"), {"Name": "sql02"}, timeout_s=5)
    lane.close()

    assert lab.started == []
    assert len([entry for entry in lab.entries if "401" in entry.get("error", "")]) == 1


@pytest.mark.parametrize("status", [401, 403])
def test_http_401_and_403_are_refusals_of_the_account(
    lab: Any, script: MakeScript, status: int
) -> None:
    lane = lab.lane(lab.server(), transport="basic")
    lab.break_("http-status", status=status, action="Create", times=1000)

    with pytest.raises(AccessDeniedError, match="nothing was changed"):
        lane.call(script("echo"), {"Value": 0}, timeout_s=5)

    assert lab.actions().count("Create") == 1


def test_a_host_that_refuses_connections_means_not_started(lab: Any, script: MakeScript) -> None:
    server = lab.server()
    lane = lab.lane(server)
    fault = lab.break_("host-refuses", host=server.name)

    with pytest.raises(NotStartedError) as caught:
        lane.call(script("start"), {"Name": "sql02"}, timeout_s=5)

    assert f"HV-O-01 (127.0.0.1:{server.port})" in str(caught.value)
    assert "refused" in str(caught.value)
    assert "Test-WSMan" in caught.value.next_step
    lab.mend(fault)
    assert lane.call(script("echo"), {"Value": 7}, timeout_s=5) == 7


def test_a_shell_outlives_a_time_in_which_its_host_cannot_be_reached(
    lab: Any, script: MakeScript
) -> None:
    server = lab.server()
    lane = lab.lane(server)
    lane.call(script("echo"), {"Value": 0}, timeout_s=5)
    fault = lab.break_("host-refuses", host=server.name)
    with pytest.raises(NotStartedError):
        lane.call(script("start"), {"Name": "sql02"}, timeout_s=5)
    lab.mend(fault)

    lane.call(script("start"), {"Name": "sql03"}, timeout_s=5)

    assert lab.started == ["sql03"]
    assert lab.actions().count("Create") == 1


def test_a_silent_host_means_not_started_within_the_deadline(lab: Any, script: MakeScript) -> None:
    lane = lab.lane(lab.server())
    lab.break_("host-silent")
    begun = time.monotonic()

    with pytest.raises(NotStartedError):
        lane.call(script("start"), {"Name": "sql02"}, timeout_s=1)

    assert time.monotonic() - begun < 2


def test_a_partition_hits_every_host_of_its_site_and_no_other(lab: Any, script: MakeScript) -> None:
    lab.faults.site_of = {"HV-O-01": "osaka", "HV-T-01": "tokyo"}.__getitem__
    cut_off, reachable = lab.lane(lab.server("HV-T-01")), lab.lane(lab.server("HV-O-01"))
    lab.break_("partition", site="tokyo")

    with pytest.raises(NotStartedError):
        cut_off.call(script("echo"), {"Value": 0}, timeout_s=1)

    assert reachable.call(script("echo"), {"Value": 7}, timeout_s=5) == 7


def test_a_name_that_does_not_resolve_means_not_started(script: MakeScript) -> None:
    endpoint = Endpoint(name="hv.invalid", username="u", scheme="https", transport="ntlm")

    with pytest.raises(NotStartedError, match=r"hv\.invalid \(hv\.invalid:5986\)"):
        Lane(endpoint).call(script("echo"), {"Value": 0}, timeout_s=5)


def test_https_needs_a_certificate_that_the_named_authority_signed(
    lab: Any, script: MakeScript, certificate: Any, other_certificate: Any
) -> None:
    server = lab.server(certificate=certificate)
    settings = {"scheme": "https", "transport": "basic"}

    trusting = lab.lane(server, ca_trust_path=certificate.cert_path, **settings)
    assert trusting.call(script("echo"), {"Value": 7}, timeout_s=5) == 7

    for path in (None, other_certificate.cert_path):
        with pytest.raises(NotStartedError, match="TLS") as caught:
            lab.lane(server, ca_trust_path=path, **settings).call(
                script("echo"), {"Value": 0}, timeout_s=5
            )
        assert "ca:" in caught.value.next_step


def test_ntlm_works_over_https(lab: Any, script: MakeScript, certificate: Any) -> None:
    lane = lab.lane(
        lab.server(certificate=certificate), scheme="https", ca_trust_path=certificate.cert_path
    )

    assert lane.call(script("echo"), {"Value": 7}, timeout_s=5) == 7


def test_a_ca_file_that_does_not_exist_means_not_started(
    lab: Any, script: MakeScript, certificate: Any, tmp_path: Path
) -> None:
    lane = lab.lane(
        lab.server(certificate=certificate),
        scheme="https",
        ca_trust_path=str(tmp_path / "absent.pem"),
    )

    with pytest.raises(NotStartedError, match=r"absent\.pem"):
        lane.call(script("echo"), {"Value": 0}, timeout_s=5)


def test_a_password_never_goes_over_a_network_in_the_clear() -> None:
    with pytest.raises(UsageError, match="in the clear"):
        Endpoint(name="hv", address="192.0.2.1", username="u", scheme="http", transport="basic")


def test_settings_of_the_environment_are_not_used(
    lab: Any, script: MakeScript, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{nobody.getsockname()[1]}")
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", "absent.pem")

        for transport in ("basic", "ntlm"):
            lane = lab.lane(lab.server(), transport=transport)
            assert lane.call(script("echo"), {"Value": 7}, timeout_s=2) == 7


@pytest.mark.parametrize(
    ("identifier", "category", "expected"),
    [
        (
            "ObjectNotFound,Microsoft.HyperV.PowerShell.Commands.GetVM",
            "NotSpecified",
            NotFoundError,
        ),
        ("VMNotFound", "ObjectNotFound", NotFoundError),
        (
            "InvalidState,Microsoft.HyperV.PowerShell.Commands.StartVM",
            "NotSpecified",
            WrongStateError,
        ),
        ("AccessDenied,X", "NotSpecified", AccessDeniedError),
        ("X", "PermissionDenied", AccessDeniedError),
        ("CommandNotFoundException", "ObjectNotFound", ActionFailedError),
        ("X", "InvalidOperation", ActionFailedError),
    ],
)
def test_what_powershell_says_becomes_the_right_error(
    lab: Any, script: MakeScript, identifier: str, category: str, expected: type[SiteError]
) -> None:
    lane = lab.lane(lab.server())
    said = {"Message": "Nicht möglich.", "Id": identifier, "Category": category}

    with pytest.raises(SiteError) as caught:
        lane.call(script("fail"), said, timeout_s=5)

    assert type(caught.value) is expected
    assert "Nicht möglich." in str(caught.value)
    assert caught.value.evidence["category"] == category
    assert lane.call(script("echo"), {"Value": 7}, timeout_s=5) == 7


def test_an_exit_code_of_a_plans_script_is_its_failure(lab: Any, script: MakeScript) -> None:
    lane = lab.lane(lab.server())

    with pytest.raises(ActionFailedError, match="exit code 3") as caught:
        lane.call(script("exit", own_process=True), {"Code": 3}, timeout_s=5)

    assert caught.value.evidence["exit_code"] == 3


def test_no_secret_is_shown_anywhere(
    lab: Any, script: MakeScript, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server = lab.server()
    endpoint = lab.endpoint(server)
    lane = lab.lane(server)
    lane.call(script("echo"), {"Value": 0}, timeout_s=5)
    lab.break_("drop-shell", action="Receive")
    with pytest.raises(SiteError) as caught:
        lane.call(script("echo"), {"Value": 0}, timeout_s=5)

    shown = [repr(endpoint), str(endpoint), repr(lane), str(caught.value), caplog.text]
    assert not any("correct horse" in text for text in [*shown, str(lab.entries)])
