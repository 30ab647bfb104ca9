"""The main job, told in the operator's verbs: test failover, look around, clean up."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pytest

from tests.e2e.conftest import Machine, Result
from tests.e2e.reading import GROUPS, PLANNED, changes, made_for_tests, step, vm_of, zone

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

TEST_ZONE = "dr-test.corp.example"
BYSTANDERS = {"hr01", "build01", "dc03", "pay01", "pay02"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One test failover and its clean-up, with what the lab showed on the way."""

    before: Any
    tested: Any
    during: Any
    again: Result
    cleaned: Any
    after: Any
    log: list[dict[str, Any]]


@pytest.fixture(scope="module")
def story(machine: Machine) -> Story:
    machine.new_lab()
    before = machine.stable_state()
    tested = machine.ok("run", "storefront", "--kind", "test", "--json").facts
    during = machine.stable_state()
    again = machine.run("run", "storefront", "--kind", "test", "--json")
    cleaned = machine.ok("cleanup", "storefront", "--json").facts
    return Story(
        before=before,
        tested=tested,
        during=during,
        again=again,
        cleaned=cleaned,
        after=machine.stable_state(),
        log=machine.lab_log(),
    )


def test_a_test_failover_brings_every_vm_up_and_the_clean_up_leaves_the_estate_as_it_was(
    story: Story,
) -> None:
    assert story.tested["state"] == story.cleaned["state"] == "done"
    assert sorted(vm["name"] for vm in story.tested["vms"]) == PLANNED
    assert all(vm["state"] == "done" and vm["addresses"] for vm in story.tested["vms"])
    assert made_for_tests(story.during) == {f"{vm} - Test" for vm in PLANNED}
    assert story.after == story.before


def test_every_vm_of_a_group_is_ready_before_the_next_group_starts(story: Story) -> None:
    started = {vm_of(event): event["at"] for event in changes(story.log, "Start-VM")}
    # A guest's last word: heartbeat, addresses, and at the end its services.
    ready = {vm_of(event): event["at"] for event in changes(story.log, "(guest)")}

    assert sorted(started) == sorted(ready) == PLANNED
    for earlier, later in pairwise(GROUPS.values()):
        assert max(ready[vm] for vm in earlier) <= min(started[vm] for vm in later)
    assert ready["sql01"] <= started["sql02"]  # depends_on, inside a group


def test_dns_holds_the_new_addresses_during_the_test_and_the_former_content_after_it(
    story: Story,
) -> None:
    addresses = {vm["name"]: vm["addresses"][0] for vm in story.tested["vms"]}
    during = zone(story.during, "dns-osaka-test", TEST_ZONE)

    for vm in ("dc01", "dc02", "sql01", "sql02", "web01", "web02", "web03"):
        assert during[f"{vm}.{TEST_ZONE}", "A"] == [addresses[vm]]
    assert during[f"sql.{TEST_ZONE}", "A"] == ["10.2.0.22"]
    assert zone(story.after, "dns-osaka-test", TEST_ZONE) == zone(
        story.before, "dns-osaka-test", TEST_ZONE
    )


def test_a_test_changes_no_name_server_of_production(story: Story) -> None:
    updated = {event["host"] for event in changes(story.log) if event.get("dns")}

    assert updated == {"dns-osaka-test"}
    for server, site in (("dns-tokyo", "tokyo"), ("dns-osaka", "osaka")):
        assert (
            story.during["sites"][site]["dns"][server]
            == (story.before["sites"][site]["dns"][server])
        )


def test_no_production_vm_or_network_is_touched(story: Story) -> None:
    touched = [event for event in changes(story.log) if event.get("vm")]

    assert {event["site"] for event in touched} == {"osaka"}
    assert {vm_of(event) for event in touched} == set(PLANNED)
    # The replica itself is told an address for its test VM, and is failed over; nothing else.
    assert {event["cmdlet"] for event in touched if not event["vm"].endswith(" - Test")} <= {
        "Set-VMNetworkAdapterFailoverConfiguration",
        "Start-VMFailover",
        "Stop-VMFailover",
    }
    connected = changes(story.log, "Connect-VMNetworkAdapter")
    assert {event["detail"]["network"] for event in connected} == {"osaka-test"}
    assert story.during["sites"]["tokyo"] == story.before["sites"]["tokyo"]
    assert not BYSTANDERS & {vm_of(event) for event in touched}


def test_a_second_test_of_the_plan_is_refused_while_one_is_up(story: Story) -> None:
    error = step(story.again.facts, "preflight")["error"]

    assert story.again.code == 1
    assert all(f"{vm} on hv-osaka" in error["message"] for vm in PLANNED)
    assert "secondsite cleanup" in error["message"]
    assert {vm_of(event) for event in changes(story.log, "Start-VMFailover")} == set(PLANNED)
    assert len(changes(story.log, "Start-VMFailover")) == len(PLANNED)


def test_all_that_is_unfit_is_told_at_once_and_nothing_is_touched(estate: Machine) -> None:
    before = estate.stable_state()
    estate.ok("lab", "break", "host-refuses", "--host", "hv-osaka-2")

    refused = estate.run("run", "storefront", "--kind", "test", "--test-network", "osaka-prod")

    error = step(estate.ok("report", "latest", "--json").facts, "preflight")["error"]
    assert refused.code == 1
    assert "hv-osaka-2" in refused.out
    assert "\x1b" not in refused.out  # a pipe gets plain lines
    assert "hv-osaka-2" in error["message"]
    assert "osaka-prod is a production network" in error["message"]
    assert "sql02 is on none of the hosts that answered" in error["message"]
    assert "start the run again" in error["next"]
    estate.ok("lab", "mend", "--all")
    assert estate.stable_state() == before
    assert not changes(event for event in estate.lab_log() if not event.get("dns"))
