"""`secondsite notify`: a test message to the targets of the estate, before it matters."""

from __future__ import annotations

import argparse
import json
from concurrent.futures import ThreadPoolExecutor

from secondsite.cli.messenger_process import Errand
from secondsite.cli.notifying import deliver
from secondsite.cli.start import requested_by
from secondsite.errors import UsageError
from secondsite.home import plans_folder
from secondsite.plan.loader import load_estate
from secondsite.plan.notifications import NotificationTarget
from secondsite.plan.suggestions import did_you_mean

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "targets", metavar="TARGET", nargs="*", help="names of targets; all of them if absent"
    )
    parser.add_argument("--json", action="store_true", help="print facts as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Send it; gives 0 if every target has taken it, else 1.

    Raises:
        UsageError: the estate has no such target.
    """
    targets = _chosen(arguments.targets)
    errands = [_test_message(target) for target in targets]
    with ThreadPoolExecutor(max_workers=len(errands)) as threads:
        deliveries = list(threads.map(deliver, errands))
    facts = [
        {"target": target.name, "state": delivery.state, "why": delivery.why}
        for target, delivery in zip(targets, deliveries, strict=True)
    ]
    if arguments.json:
        print(json.dumps(facts, indent=2))
    else:
        for each in facts:
            print(f"{each['target']}: {each['state']}{': ' * bool(each['why'])}{each['why']}")
    return 0 if all(delivery.state == "sent" for delivery in deliveries) else 1


def _chosen(names: list[str]) -> list[NotificationTarget]:
    known = {target.name: target for target in load_estate(plans_folder()).notifications}
    if not known:
        raise UsageError(
            "The estate names no targets of notifications.",
            next_step="Write them under `notifications` of the estate.",
        )
    for name in names:
        if name not in known:
            raise UsageError(
                f'The estate has no notification target "{name}"{did_you_mean(name, known)}.',
                next_step=f"It has: {', '.join(known)}",
            )
    return [known[name] for name in names] or list(known.values())


def _test_message(target: NotificationTarget) -> Errand:
    return Errand(
        target=target,
        title="Secondsite: test message",
        text=f"This is a test, asked for by {requested_by()}: nothing has happened, and there is "
        "nothing to do.",
    )
