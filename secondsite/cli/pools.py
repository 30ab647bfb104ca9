"""Which work pools a worker of this machine serves."""

from __future__ import annotations

from collections.abc import Sequence

from secondsite.errors import UsageError
from secondsite.plan.estate import Estate
from secondsite.plan.suggestions import did_you_mean

__all__ = ["pools_of"]


def pools_of(estate: Estate, site: str | None) -> Sequence[str]:
    """The pool of `site`; without one, the pools of all sites.

    Raises:
        UsageError: the estate has no such site.
    """
    if site is None:
        return sorted({estate.prefect.pool(each) for each in estate.sites})
    if site not in estate.sites:
        raise UsageError(
            f'The estate has no site "{site}"{did_you_mean(site, estate.sites)}. '
            "Nothing was started.",
            next_step=f"It has: {', '.join(estate.sites)}",
        )
    return [estate.prefect.pool(site)]
