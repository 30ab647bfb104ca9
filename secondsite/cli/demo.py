"""`secondsite demo`: lab, Prefect, a test failover with its report, clean-up; then all down.

What it shows is the product: the same commands an operator types, one after the other.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from secondsite.cli.run import EXIT_CODES
from secondsite.cli.services import services
from secondsite.cli.start import FlowRun, follow, open_journal, requested_by, start
from secondsite.home import home
from secondsite.run.record import RunRecord

__all__ = ["add_arguments", "run"]

PLAN = "storefront"
LAB = Path("lab") / "two-sites.yaml"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "--keep", action="store_true", help="leave everything up, the test VMs included"
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the demo; gives 0 when the test failover and its clean-up are done."""
    began = time.monotonic()
    # Ended from outside, it still takes down what it has started.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    # A server of somebody else is not for a demo.
    os.environ.pop("PREFECT_API_URL", None)
    from secondsite.reports import print_summary

    with _everything_up(keep=arguments.keep):
        if _is_unfinished():
            _say(began, "An earlier demo was interrupted: cleaning up after it")
            _carry_out("clean-up", {"requested_by": requested_by()})
        _say(began, f"Test failover of the plan {PLAN!r} in the simulated recovery site")
        tested = _carry_out("test-failover", {"requested_by": requested_by()})
        report = _report(tested)
        cleaned = tested
        if not arguments.keep:
            _say(began, "Clean-up: DNS back to what it was, test VMs removed")
            cleaned = _carry_out("clean-up", {"requested_by": requested_by()})
        print_summary(tested, sys.stdout)
        print(f"\nReport: {report}")
        if arguments.keep:
            _tell_how_to_go_on()
        _say(began, "Done." if tested.state == cleaned.state == "done" else "Not all went well.")
    return max(EXIT_CODES[tested.state], EXIT_CODES[cleaned.state])


@contextmanager
def _everything_up(*, keep: bool) -> Iterator[None]:
    """Lab, server, worker and deployments; down again afterwards, whatever happened."""
    from secondsite.cli import lab_process
    from secondsite.cli.up import bring_up

    began = time.monotonic()
    try:
        _say(began, "Starting Prefect's server (the first time it also makes its database) …")
        services().start_server(port=None)
        _say(began, "Starting the lab: two sites with VMM, Hyper-V and DNS …")
        lab_process.up(home(), estate=LAB, scale=None)
        url, names = bring_up()
        _say(began, f"Up: {url.removesuffix('/api')} with {len(names)} deployments")
        yield
    finally:
        if not keep:
            services().stop()
            lab_process.down(home())


def _is_unfinished() -> bool:
    with open_journal() as journal:
        return bool(journal.runs(plan=PLAN, only_open=True, limit=1))


def _carry_out(flow: str, parameters: dict[str, str]) -> RunRecord:
    from secondsite.reports.console import LiveView

    flow_run: FlowRun = start(f"{flow}/{PLAN}", parameters)
    with open_journal() as journal, LiveView(sys.stdout) as view:
        return follow(flow_run, journal, show=view.show)


def _report(record: RunRecord) -> Path:
    from secondsite.reports.html import report_html

    path = home() / "reports" / f"{record.run_id}.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(report_html(record), encoding="utf-8")
    return path


def _tell_how_to_go_on() -> None:
    print(f"Prefect's UI: {services().api_url.removesuffix('/api')}")
    print(f"Everything is left up. Set SECONDSITE_HOME={home()} and try:")
    print("  secondsite lab state        what the simulated world looks like now")
    print(f"  secondsite cleanup {PLAN}   end the test")
    print("  secondsite down; secondsite lab down")


def _leave(number: int, _: FrameType | None) -> None:
    sys.exit(128 + number)


def _say(began: float, text: str) -> None:
    print(f"[{time.monotonic() - began:5.1f} s] {text}", flush=True)
