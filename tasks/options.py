"""What an operator chooses when starting a run, as plain data."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from secondsite.errors import PreflightError
from secondsite.plan.estate import Network, Protection, Site

__all__ = ["RunOptions", "TestNetworkChoice"]


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
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    network: TestNetworkChoice = TestNetworkChoice.ESTATE
    network_name: str = ""
    hold: bool = False
    clean_up: bool = False

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

    def created_switch(self, plan: str) -> str | None:
        """Name of the private virtual switch that the run makes on each host, if it does."""
        return f"Secondsite test {plan}" if self.network is TestNetworkChoice.CREATED else None
