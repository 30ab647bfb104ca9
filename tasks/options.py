"""What an operator chooses when starting a run, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from secondsite.errors import PreflightError
from secondsite.graph import PrimarySide
from secondsite.plan.estate import Network, Protection, Site
from secondsite.plan.model import Plan
from secondsite.plan.rehearsal import Rehearsal

__all__ = ["RunOptions", "TestNetworkChoice", "rehearsal_options"]


class TestNetworkChoice(StrEnum):
    """What test VMs are connected to; Azure Site Recovery's three, and the estate's default."""

    __test__ = False  # not a test, whatever pytest thinks of the name

    ESTATE = "as the estate says"
    NONE = "none"
    EXISTING = "existing"
    CREATED = "created"


class RunOptions(BaseModel):
    """The choices of one run; the journal keeps them.

    Attributes:
        network_name: The existing network, where one was chosen.
        hold: Ask people before the test is ended in this run.
        clean_up: End the test as part of the run; else `secondsite cleanup` does it later.
        primary_side: Unplanned only: whether the site that is left is asked for anything at all.
        recovery_point: Unplanned and test only: `latest`, `latest-app-consistent`, or a time
            (ISO 8601): the newest point that is not younger.
        recovery_points: The same for single VMs, by name.
        other_site_is_gone: Unplanned and cancel only: what the operator has said in writing about
            the other site, so that VMs are started without knowing that their twins are off; empty:
            said nothing.
        hold_for_s: With `hold`: how long people are asked; the run goes on without them then.
        rehearsal: Id of the rehearsal that the run is a part of, if it is: nobody waits at gates
            then, but where a gate says so (`in_rehearsal`).
        of_run: Roll-back of DNS only: the run whose changes are taken back.
        unattended: Nobody is there to be asked about failed steps: they end the run.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    network: TestNetworkChoice = TestNetworkChoice.ESTATE
    network_name: str = ""
    hold: bool = False
    clean_up: bool = False
    primary_side: PrimarySide = PrimarySide.ATTEMPT
    recovery_point: str = "latest"
    recovery_points: Mapping[str, str] = Field(default_factory=dict)
    other_site_is_gone: str = ""
    hold_for_s: float | None = None
    rehearsal: str = ""
    of_run: str = ""
    unattended: bool = False

    def test_network(self, site: Site, protection: Protection) -> Network | None:
        """The network of `site` that was chosen; None for no network of the estate.

        Raises:
            PreflightError: there is no such network, or none was named.
        """
        match self.network:
            case TestNetworkChoice.NONE | TestNetworkChoice.CREATED:
                return None
            case TestNetworkChoice.EXISTING:
                name = self.network_name
            case TestNetworkChoice.ESTATE:
                name = protection.test_network or ""
                if not name and protection.test_networks:
                    return None
        for network in site.networks:
            if name and network.name.casefold() == name.casefold():
                return network
        known = ", ".join(each.name for each in site.networks if each.purpose == "test")
        raise PreflightError(
            [f"{name!r} is not a network of that site" if name else "no test network was named"],
            next_step=(
                f"Nothing was touched. Choose one of the site's test networks "
                f"({known or 'it has none'}), `created` or `none`."
            ),
        )

    def in_place_of(self, mapped: str | None, site: Site, protection: Protection) -> Network | None:
        """The network of `site` that takes the place of the one named `mapped` in a test.

        Raises:
            PreflightError: as `test_network`.
        """
        usual = self.test_network(site, protection)
        if self.network is not TestNetworkChoice.ESTATE or mapped is None:
            return usual
        named = {there.casefold(): name for there, name in protection.test_networks.items()}
        return site.network(named[mapped.casefold()]) if mapped.casefold() in named else usual


def rehearsal_options(plan: Plan, *, rehearsal: str = "", clean_up: bool = True) -> RunOptions:
    """The choices of a test failover that rehearses the plan as it says itself."""
    wanted = plan.rehearse or Rehearsal()
    holds = clean_up and wanted.hold is not None
    return RunOptions(
        network=TestNetworkChoice(wanted.network),
        network_name=wanted.network_name,
        hold=holds,
        hold_for_s=wanted.hold.total_seconds() if holds and wanted.hold else None,
        clean_up=clean_up,
        rehearsal=rehearsal,
        unattended=True,
    )
