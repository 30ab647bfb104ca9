"""What the estate says about Prefect: its server's address for people, its password, its pools."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from secondsite.plan.secret_source import SecretSource
from secondsite.plan.written import FrozenDict, FrozenMapping, Written

__all__ = ["DEFAULT_POOL", "PrefectServer"]

DEFAULT_POOL = "secondsite"

Name = Annotated[str, Field(min_length=1, max_length=100)]


def _web_address(text: str) -> str:
    if not text.startswith(("https://", "http://")):
        raise ValueError(f'"{text}" is no web address: write https://prefect.corp.example')
    return text.rstrip("/")


class PrefectServer(Written):
    """The Prefect server that shows and schedules runs.

    Attributes:
        ui: Address of its UI as people reach it, also from a phone; messages carry it. Without it
            they carry the address that this machine itself uses.
        auth: Where the server's auth string (`USER:PASSWORD`) is kept. With one, the server that
            `secondsite up` starts answers nobody without it, and everything of ours uses it.
        pools: Site → the work pool of the workers in that site. A run is carried in the site where
            its VMs come up. A site that is not named has the pool `secondsite`.
    """

    ui: Annotated[str, AfterValidator(_web_address)] | None = None
    auth: SecretSource | None = None
    pools: FrozenMapping[str, Name] = FrozenDict()

    def pool(self, site: str) -> str:
        """The work pool of that site."""
        return self.pools.get(site, DEFAULT_POOL)
