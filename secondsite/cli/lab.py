"""`secondsite lab …`: the simulated estate: up, down, state, log, break, mend, move, generate."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

from secondsite.cli.lab_process import down, up
from secondsite.errors import UnreachableError, UsageError
from secondsite.home import home

__all__ = ["add_arguments", "run"]

_FOLLOW_INTERVAL_S = 0.25
_DEFAULT_ESTATE = Path("lab") / "two-sites.yaml"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")

    starts = verbs.add_parser(
        "up", help="start the lab in the background, and wait until it answers"
    )
    starts.add_argument("--estate", type=Path, default=_DEFAULT_ESTATE, help="the lab's YAML file")
    starts.add_argument("--scale", type=float, help="factor on all its times, e.g. 0.05 or 1")
    ends = verbs.add_parser("down", help="end the lab; doing it twice is harmless")
    shows = verbs.add_parser("state", help="the simulated world as it is now")
    shows.add_argument(
        "--stable",
        action="store_true",
        help="leave out times and ids that differ between two equal runs",
    )
    logs = verbs.add_parser("log", help="every request that reached the lab, and every change")
    logs.add_argument("--follow", action="store_true", help="go on until interrupted")
    logs.add_argument("--all", action="store_true", help="WinRM's own requests too (JSON has them)")
    breaks = verbs.add_parser("break", help="arm a fault")
    _add_fault_arguments(breaks)
    mends = verbs.add_parser("mend", help="mend one fault, or all")
    mends.add_argument("id", nargs="?", help="the fault's id, as `break` and `state` show it")
    mends.add_argument("--all", action="store_true", help="mend everything")
    moves = verbs.add_parser("move", help="move a VM to another node of its cluster, as it is")
    moves.add_argument("vm", metavar="VM")
    moves.add_argument("host", metavar="HOST", help="a node of the cluster that has it")
    makes = verbs.add_parser(
        "generate", help="write a lab of N VMs with an estate and plans for it"
    )
    makes.add_argument("folder", type=Path, metavar="DIR", help="where to write")
    makes.add_argument("--vms", type=int, required=True, help="how many VMs")
    makes.add_argument("--hosts", type=int, help="Hyper-V hosts per site (default: one for 20 VMs)")
    makes.add_argument("--groups", type=int, default=4, help="groups of the plan (default: 4)")
    makes.add_argument("--scale", type=float, default=0.05, help="factor on all times")
    for verb in (starts, ends, shows, logs, breaks, mends, moves, makes):
        verb.add_argument("--json", action="store_true", help="print facts as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Carry out one verb."""
    verb = {
        "up": _up,
        "down": _down,
        "state": _state,
        "log": _log,
        "break": _break,
        "mend": _mend,
        "move": _move,
        "generate": _generate,
    }[arguments.verb]
    return verb(arguments)


def _add_fault_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "kind", metavar="KIND", help="e.g. vm-never-boots, host-refuses, lose-reply"
    )
    for name, what in (
        ("host", "server"),
        ("site", "site"),
        ("vm", "VM"),
        ("cmdlet", "cmdlet"),
        ("action", "WinRM action: Create, Command, Send, Receive, Signal, Delete"),
    ):
        parser.add_argument(f"--{name}", help=f"only for this {what}")
    parser.add_argument("--nth", type=int, help="from the n-th match on")
    parser.add_argument("--times", type=int, help="for so many matches")
    parser.add_argument("--probability", type=float, help="chance of each match, 0 to 1")
    parser.add_argument("--seed", type=int, help="of the random numbers behind --probability")
    parser.add_argument("--seconds", type=float, help="how long, for slow kinds")
    parser.add_argument("--status", type=int, help="HTTP status, for http-status")
    parser.add_argument("--code", type=int, help="WSMan fault code, for wsman-fault")
    parser.add_argument("--text", help="message or noise, for kinds that take one")


_FAULT_KEYS = (
    *("kind", "host", "site", "vm", "cmdlet", "action", "nth", "times", "probability"),
    *("seed", "seconds", "status", "code", "text"),
)


def _up(arguments: argparse.Namespace) -> int:
    endpoints = up(home(), estate=arguments.estate, scale=arguments.scale)
    if arguments.json:
        print(json.dumps(endpoints, indent=2))
        return 0
    print(f"The lab {endpoints['lab']} is up (process {endpoints['pid']}).")
    for name, server in endpoints["servers"].items():
        scheme = "https" if server["https"] else "http"
        print(f"  {name:<16} {scheme}://{server['address']}:{server['port']}/wsman")
    for name, server in endpoints["dns"].items():
        print(f"  {name:<16} dns://{server['address']}:{server['port']}")
    print("See also: secondsite lab state, secondsite lab log --follow")
    return 0


def _down(arguments: argparse.Namespace) -> int:
    ended = down(home())
    if arguments.json:
        print(json.dumps({"ended": ended}))
    else:
        print("The lab is down." if ended else "No lab was up in this home.")
    return 0


def _state(arguments: argparse.Namespace) -> int:
    state = _client().ask("state", stable=arguments.stable)
    if arguments.json:
        print(json.dumps(state, indent=2, sort_keys=True))
        return 0
    from secondsite.cli.lab_view import print_state

    print_state(state)
    return 0


def _log(arguments: argparse.Namespace) -> int:
    from secondsite.cli.lab_view import log_line

    client, offset = _client(), 0
    while True:
        try:
            text, offset = client.log(offset=offset)
        except UnreachableError:
            text, arguments.follow = client.last_log(offset=offset), False
        for line in text.splitlines():
            if arguments.json:
                print(line)
                continue
            event: dict[str, Any] = json.loads(line)
            if arguments.all or "wsman" not in event:
                print(log_line(event))
        if not arguments.follow:
            return 0
        time.sleep(_FOLLOW_INTERVAL_S)


def _break(arguments: argparse.Namespace) -> int:
    written = {
        key: getattr(arguments, key) for key in _FAULT_KEYS if getattr(arguments, key) is not None
    }
    fault = _client().ask("break", fault=written)
    if arguments.json:
        print(json.dumps(fault, indent=2))
    else:
        print(f"Armed: {fault['id']}. Mend it with: secondsite lab mend {fault['id']}")
    return 0


def _mend(arguments: argparse.Namespace) -> int:
    if (arguments.id is None) != bool(arguments.all):
        raise UsageError(
            "Name one fault, or say --all.", next_step="secondsite lab state lists what is armed."
        )
    mended = _client().ask("mend", id=arguments.id)
    if arguments.json:
        print(json.dumps({"mended": mended}))
    else:
        print(f"Mended: {', '.join(mended)}" if mended else "Nothing was armed.")
    return 0


def _move(arguments: argparse.Namespace) -> int:
    moved = _client().ask("move", vm=arguments.vm, host=arguments.host)
    if arguments.json:
        print(json.dumps(moved))
    else:
        print(f"{moved['vm']} is on {moved['host']} now.")
    return 0


def _generate(arguments: argparse.Namespace) -> int:
    from secondsite.lab.generator import generate

    written = generate(
        arguments.folder,
        vms_count=arguments.vms,
        hosts_count=arguments.hosts,
        groups_count=arguments.groups,
        scale=arguments.scale,
    )
    if arguments.json:
        print(json.dumps({"files": [str(path) for path in written]}, indent=2))
        return 0
    for path in written:
        print(f"Written: {path}")
    print(f"Next: secondsite lab up --estate {written[0]}")
    return 0


def _client() -> Any:
    from secondsite.lab.control import LabClient

    return LabClient(home())
