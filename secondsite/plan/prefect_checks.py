"""What is wrong with what an estate says about Prefect and notifications."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from secondsite.errors import Fault
from secondsite.plan.estate import Estate
from secondsite.plan.suggestions import did_you_mean
from secondsite.plan.yaml_source import Source

__all__ = ["check_notified_plans", "check_prefect"]


def check_prefect(source: Source[Estate], estate: Estate) -> Iterator[Fault]:
    """Every fault that the estate's file alone shows."""
    auth = estate.prefect.auth
    if auth is not None and auth.prefect_block is not None:
        yield source.fault(
            "the server's own auth string cannot be kept in a block of that server: write "
            "{file: PATH} or {env: NAME}",
            *("prefect", "auth", "prefect_block"),
        )
    for site in estate.prefect.pools:
        if site not in estate.sites:
            yield source.fault(
                f'"{site}" is not one of the sites{did_you_mean(site, estate.sites)}',
                *("prefect", "pools", site),
            )
    for index, target in enumerate(estate.notifications):
        if target.timeout.total_seconds() <= 0:
            yield source.fault(
                "a message needs some time: write 30s", "notifications", index, "timeout"
            )
        if target.to_approvers and not estate.approvers:
            yield source.fault(
                "the estate names no approvers to write to: name them, with `contact`",
                *("notifications", index, "to_approvers"),
            )


def check_notified_plans(
    source: Source[Estate], estate: Estate, plans: Collection[str]
) -> Iterator[Fault]:
    """Targets that name a plan which the folder does not have: they would never be told."""
    for index, target in enumerate(estate.notifications):
        for number, plan in enumerate(target.plans):
            if plan not in plans:
                yield source.fault(
                    f'there is no plan "{plan}"{did_you_mean(plan, plans)}',
                    *("notifications", index, "plans", number),
                )
