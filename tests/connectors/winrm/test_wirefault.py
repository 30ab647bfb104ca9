"""What a fault means for the question that matters: may it have been carried out?"""

from __future__ import annotations

import pytest

from secondsite.connectors.winrm.wirefault import (
    WireFaultKind,
    kind_of_fault_code,
    kind_of_http_status,
)


@pytest.mark.parametrize(
    ("code", "action", "expected"),
    [
        (2150858793, "Receive", WireFaultKind.TIMED_OUT),
        (2150858793, "Send", WireFaultKind.TIMED_OUT),
        (2150858843, "Send", WireFaultKind.SHELL_GONE),
        (2147943418, "Command", WireFaultKind.SHELL_GONE),
        (2150859173, "Create", WireFaultKind.QUOTA),
        (2150859240, "Command", WireFaultKind.QUOTA),
        (5, "Create", WireFaultKind.DENIED),
        (995, "Send", WireFaultKind.LOST),
        (1460, "Send", WireFaultKind.LOST),
        (995, "Create", WireFaultKind.LOST),
        (4242, "Create", WireFaultKind.REFUSED),
        (4242, "Send", WireFaultKind.LOST),
        (0, "Receive", WireFaultKind.LOST),
    ],
)
def test_codes(code: int, action: str, expected: WireFaultKind) -> None:
    assert kind_of_fault_code(code, action=action) is expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (401, WireFaultKind.DENIED),
        (403, WireFaultKind.DENIED),
        (400, WireFaultKind.REFUSED),
        (503, WireFaultKind.REFUSED),
        (500, WireFaultKind.LOST),
        (502, WireFaultKind.LOST),
    ],
)
def test_statuses(status: int, expected: WireFaultKind) -> None:
    assert kind_of_http_status(status) is expected
