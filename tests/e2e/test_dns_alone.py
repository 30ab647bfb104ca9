"""DNS alone, from a terminal: TTLs lowered ahead, and taken back."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.conftest import Machine, until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

NAME = "payroll.corp.example"
RECORD = "10.1.0.113"


def ttl_s(machine: Machine) -> set[int]:
    """The TTLs of payroll's name in production, on every server."""
    state: Any = machine.stable_state()
    return {
        record["ttl_s"]
        for site in state["sites"].values()
        for server, held in site["dns"].items()
        if server != "dns-osaka-test"
        for zone in held["zones"]
        for record in zone["records"]
        if record["name"] == NAME
    }


def test_ttls_are_lowered_from_a_terminal_and_rolled_back(estate: Machine) -> None:
    before = ttl_s(estate)

    prepared = estate.ok("dns", "prepare", "payroll")
    lowered = ttl_s(estate)
    again = estate.ok("dns", "prepare", "payroll")
    nothing = estate.run("dns", "rollback", "latest", "--yes")
    run_id = next(word for word in prepared.out.split() if word.startswith("payroll-prepare-dns-"))
    back = estate.ok("dns", "rollback", run_id.rstrip(":,."), "--yes")

    assert before == {300}
    assert lowered == {60}
    assert (
        f"✓ {NAME} A (production): TTL 300 s → 60 s; it leads to 10.1.0.113 as before"
        in prepared.out
    )
    assert "The old TTLs have run out at" in prepared.out
    assert "Every TTL is as low as that already" in again.out
    assert nothing.code == 1
    assert "has changed nothing in DNS" in nothing.err
    assert "TTL 60 s → 300 s; it leads to 10.1.0.113 as before" in back.out
    # The primary has it; the other server gets it by its next transfer, which nobody waits for.
    until(lambda: ttl_s(estate) == before, what="both servers have the former TTL")
