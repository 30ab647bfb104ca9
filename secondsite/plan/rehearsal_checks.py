"""What is wrong with how a plan is rehearsed, by itself and in its estate."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from secondsite.errors import Fault
from secondsite.plan.created_networks import reasons_against_created
from secondsite.plan.estate import Estate
from secondsite.plan.hooks import FailoverKind
from secondsite.plan.model import Plan
from secondsite.plan.quantities import format_duration
from secondsite.plan.schedule import shortest_pause
from secondsite.plan.suggestions import did_you_mean
from secondsite.plan.yaml_source import Source

__all__ = ["check_rehearsal", "check_rehearsal_in_estate", "warn_about_rehearsal"]

_LONGEST_HOLD = timedelta(days=14)


def check_rehearsal(source: Source[Plan], plan: Plan) -> Iterator[Fault]:
    """Every fault that the plan's file alone shows."""
    within = plan.rehearse_within
    if within is not None and within <= timedelta(0):
        yield source.fault("no plan can keep this: write 90d", "rehearse_within")
    wanted = plan.rehearse
    if wanted is None:
        return
    if wanted.network == "existing" and not wanted.network_name:
        yield source.fault(
            "which one? Write network_name: too, or another network", "rehearse", "network"
        )
    if wanted.network_name and wanted.network != "existing":
        yield source.fault(
            "it is used with network: existing only: write that too, or remove this",
            "rehearse",
            "network_name",
        )
    if wanted.hold is not None and not timedelta(0) < wanted.hold <= _LONGEST_HOLD:
        yield source.fault("hold a test for up to 14d: write 30m", "rehearse", "hold")
    for index, hook in enumerate(wanted.verify):
        if FailoverKind.TEST not in hook.kinds:
            yield source.fault(
                "only test failovers are verified, so this would never run: remove kinds",
                *("rehearse", "verify", index, "kinds"),
            )


def check_rehearsal_in_estate(source: Source[Plan], plan: Plan, estate: Estate) -> Iterator[Fault]:
    """Every fault that shows only beside the estate."""
    wanted = plan.rehearse
    protection = estate.protection(plan.protection)
    if wanted is None or protection is None:
        return
    site = estate.sites.get(protection.recovery)
    # With a logical network of its own the protection has been judged in the estate's file.
    is_judged = protection.test_logical_network is not None
    if site is not None and wanted.network == "created" and not is_judged:
        for reason in reasons_against_created(site, protection):
            yield source.fault(reason, "rehearse", "network")
    if site is None or wanted.network != "existing" or not wanted.network_name:
        return
    network = site.network(wanted.network_name)
    for_tests = [each.name for each in site.networks if each.purpose == "test"]
    if network is None:
        yield source.fault(
            f'"{wanted.network_name}" is no network of {protection.recovery}'
            f"{did_you_mean(wanted.network_name, for_tests)}",
            *("rehearse", "network_name"),
        )
    elif network.purpose != "test":
        yield source.fault(
            f"{network.name} is a production network, which test VMs never get"
            f"{did_you_mean('', for_tests)}: write one whose purpose is test",
            *("rehearse", "network_name"),
        )


def warn_about_rehearsal(source: Source[Plan], plan: Plan) -> Iterator[Fault]:
    """What is possible but probably not meant."""
    wanted, within = plan.rehearse, plan.rehearse_within
    if wanted is None or wanted.cron is None:
        if within is not None:
            yield source.fault(
                f"the plan is stale when {format_duration(within)} have passed, and nothing "
                "rehearses it by itself unless a suite does: write rehearse: {cron: …}",
                "rehearse_within",
            )
        return
    pause = shortest_pause(wanted.cron, wanted.timezone)
    if within is not None and pause > within:
        yield source.fault(
            f"the plan will be stale before each rehearsal: there are {format_duration(pause)} "
            f"between two of them, and rehearse_within is {format_duration(within)}",
            "rehearse_within",
        )
    if wanted.hold is not None and wanted.hold > pause:
        yield source.fault(
            f"the test is held for longer than the {format_duration(pause)} until the next "
            "rehearsal, which will be skipped",
            *("rehearse", "hold"),
        )
