"""One Hyper-V host, reached through a lane: one request per call, however many VMs it is for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from secondsite.connectors.base import (
    ActionResult,
    ConnectRequest,
    HostSurvey,
    Outcomes,
    TestCleanupRequest,
    TestFailoverRequest,
    VmObservation,
)
from secondsite.connectors.hyperv.answers import (
    read_observations,
    read_readiness,
    read_survey,
)
from secondsite.connectors.hyperv.failover import FailoverCalls
from secondsite.connectors.hyperv.requests import (
    cleanup_row,
    connect_row,
    failover_row,
    seen_row,
)
from secondsite.connectors.planscripts import Guest, run_guest_script, run_plan_script
from secondsite.connectors.readiness import HostReadiness
from secondsite.connectors.scriptlane import Json
from secondsite.errors import SiteError

__all__ = ["HyperVHost"]


class HyperVHost(FailoverCalls):
    """A `Hypervisor`: test failovers and power here, real failovers in `FailoverCalls`."""

    def survey(self, *, timeout_s: float) -> HostSurvey:
        """Everything on the host that a run may need to know."""
        return read_survey(self._call("survey", {}, timeout_s=timeout_s), host=self.name)

    def readiness(self, *, timeout_s: float) -> HostReadiness:
        """What a check wants to know besides: integration services, virtual disks, volumes."""
        return read_readiness(self._call("readiness", {}, timeout_s=timeout_s), host=self.name)

    def start_test_failovers(
        self, requests: Sequence[TestFailoverRequest], *, timeout_s: float
    ) -> Outcomes:
        """Make a test VM of each replica VM (off, not connected).

        Evidence: test_vm, test_vm_id, state, and former_address where an address was injected:
        what `end_test_failovers` puts back.
        """
        return self._act(
            "start_test_failovers",
            {"Requests": [failover_row(request) for request in requests]},
            vms=[request.vm for request in requests],
            action="start its test failover",
            timeout_s=timeout_s,
            confirm_s=timeout_s,
        )

    def end_test_failovers(
        self, requests: Sequence[TestCleanupRequest], *, timeout_s: float
    ) -> Outcomes:
        """Turn off and delete the test VM of each replica VM; confirms that it is gone."""
        return self._act(
            "end_test_failovers",
            {"Requests": [cleanup_row(request) for request in requests]},
            vms=[request.vm for request in requests],
            action="end its test failover",
            timeout_s=timeout_s,
            confirm_s=timeout_s,
        )

    def connect(self, requests: Sequence[ConnectRequest], *, timeout_s: float) -> Outcomes:
        """Connect or disconnect the adapters of each VM."""
        return self._act(
            "connect",
            {"Requests": [connect_row(request) for request in requests]},
            vms=[request.vm for request in requests],
            action="connect its network adapters",
            timeout_s=timeout_s,
        )

    def start_vms(self, vms: Sequence[str], *, timeout_s: float) -> Outcomes:
        """Power on each VM; returns when Hyper-V says Running, not when the guest is ready."""
        return self._act(
            "start_vms",
            {"Vms": list(vms)},
            vms=vms,
            action="start it",
            timeout_s=timeout_s,
            confirm_s=timeout_s,
        )

    def stop_vms(self, vms: Sequence[str], *, turn_off: bool, timeout_s: float) -> Outcomes:
        """Shut the guests down, or turn the VMs off; confirms that they are Off.

        A guest that does not shut down within `timeout_s` is left running and is an error.
        """
        return self._act(
            "stop_vms",
            {"Vms": list(vms), "TurnOff": turn_off},
            vms=vms,
            action="turn it off" if turn_off else "shut its guest down",
            timeout_s=timeout_s,
            confirm_s=timeout_s,
        )

    def observe(
        self,
        seen: Mapping[str, VmObservation | None],
        *,
        wait_s: float,
        timeout_s: float,
        interval_s: float = 1.0,
    ) -> Mapping[str, VmObservation | SiteError]:
        """What each VM shows now; returns as soon as one differs from `seen`, or after `wait_s`.

        The waiting happens on the host, which looks every `interval_s` seconds.
        """
        if not seen:
            return {}
        parameters: dict[str, Json] = {
            "Seen": [seen_row(vm, last) for vm, last in seen.items()],
            "WaitS": wait_s,
            "IntervalMs": max(1, round(interval_s * 1000)),
        }
        answer = self._call("observe", parameters, timeout_s=timeout_s)
        return read_observations(answer, host=self.name, vms=seen)

    def run_script(
        self,
        text: str,
        *,
        arguments: Mapping[str, Any],
        context: Mapping[str, Any],
        timeout_s: float,
    ) -> ActionResult:
        """Run a script of the plan on this host. Evidence: its output and warnings.

        Raises:
            ActionFailedError: it threw, or exited with another code than 0.
            UnknownOutcomeError: it may or may not have run.
        """
        return run_plan_script(
            self._lane,
            text,
            host=self.name,
            arguments=arguments,
            context=context,
            timeout_s=timeout_s,
        )

    def run_guest_script(
        self,
        text: str,
        *,
        guest: Guest,
        arguments: Mapping[str, Any],
        context: Mapping[str, Any],
        timeout_s: float,
    ) -> ActionResult:
        """Run a script of the plan inside a VM of this host. Evidence: as of `run_script`.

        Raises:
            ActionFailedError: it threw, or there was no way in; by class.
            UnknownOutcomeError: it may or may not have run to its end.
        """
        return run_guest_script(
            self._lane,
            text,
            host=self.name,
            guest=guest,
            arguments=arguments,
            context=context,
            timeout_s=timeout_s,
        )
