"""`secondsite …`: finds the command, runs it, and turns every error into words and an exit code.

Exit codes: 0 done, 1 the run failed or was aborted, 2 usage, 3 plan or estate wrong, 4 waiting for
people, 5 a site or server cannot be reached.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Protocol, cast

import secondsite
from secondsite.errors import (
    CredentialError,
    JournalError,
    NotStartedError,
    PlanError,
    SecondsiteError,
    UnreachableError,
    UsageError,
)
from secondsite.home import home

__all__ = ["COMMANDS", "main", "run_and_exit"]

COMMANDS: dict[str, str] = {
    "init": "write a starter estate and plan into a directory",
    "validate": "all faults of plans and estate at once",
    "import-asr": "a recovery plan of Azure Site Recovery (JSON) as a plan of ours",
    "show": "the run graph of a plan: steps, what each waits for; touches nothing",
    "runbook": "a plan as a document for people, to print and keep in a safe; touches nothing",
    "check": "whether a plan could be carried out now: both sites, DNS, workers; read-only",
    "rehearse": "check, test failover, probes and clean-up of a plan or a suite, unattended",
    "run": "start a run through the Prefect server and follow it",
    "cleanup": "end a test failover: DNS back, test VMs removed",
    "commit": "keep a failover for good: no way back",
    "undo": "take a failover back, before it is committed",
    "reverse": "replicate back to the site that was left",
    "cancel": "take back a planned failover that has only prepared",
    "dns": "prepare: lower TTLs ahead of a failover; rollback: take a run's DNS changes back",
    "resume": "let an interrupted run go on",
    "gates": "what waits for people, since when, until when",
    "approve": "let a run pass a gate",
    "reject": "do not let a run pass a gate",
    "retry": "try failed steps again",
    "skip": "go on without failed steps",
    "mark-done": "take failed steps as done by hand",
    "abort": "end a run where it stands",
    "hold": "let nothing new start in a run",
    "release": "let a held run go on",
    "runs": "past and present runs; verify, export, import or prune their journal",
    "report": "a run, a plan's history, or all plans: on screen, HTML, Markdown or JSON",
    "up": "start Prefect's server, a worker and the deployments on this machine",
    "secrets": "what the estate names and whether it can be had; make Secret blocks",
    "notify": "send a test message to the targets of the estate",
    "server": "Prefect's server in the foreground, for a service manager",
    "worker": "a worker of one site in the foreground, for a service manager",
    "deploy": "write and register the deployments of the plans",
    "watch": "look after runs that no engine carries; `up` starts it",
    "down": "stop what `up` started",
    "status": "what is running on this machine; with a plan: where it stands in both sites",
    "lab": "the simulated estate: up, down, state, log, break, mend, generate",
    "demo": "lab + up + a test failover with its report, then everything down",
}


class Command(Protocol):
    """A module of `secondsite.cli` that is a command."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the command's arguments."""

    def run(self, arguments: argparse.Namespace) -> int:
        """Carry the command out; gives the exit code."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; gives the exit code. Nothing but the exit of `--help` and usage escapes."""
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or words[0] in {"-h", "--help"}:
        print(_overview())
        return 0 if words else 2
    if words[0] == "--version":
        print(f"secondsite {secondsite.__version__}")
        return 0
    name, *rest = words
    if name not in COMMANDS:
        print(_unknown(name), file=sys.stderr)
        return 2
    try:
        command = load(name)
        arguments = parser_of(name, command).parse_args(rest)
        return command.run(arguments)
    except SecondsiteError as error:
        _tell(error, as_json="--json" in rest)
        return exit_code(error)
    except KeyboardInterrupt:
        print("Interrupted. What was started goes on; see: secondsite runs", file=sys.stderr)
        return 130
    except BrokenPipeError:
        raise
    except Exception as error:
        _tell(_fault_of_ours(name, error), as_json="--json" in rest)
        return 1


def load(name: str) -> Command:
    """The module of the command `name`; imported only now, so that `--help` stays quick."""
    module_name = name.replace("-", "_")
    return cast("Command", importlib.import_module(f"secondsite.cli.{module_name}"))


def parser_of(name: str, command: Command) -> argparse.ArgumentParser:
    """The argument parser of one command."""
    parser = argparse.ArgumentParser(prog=f"secondsite {name}", description=COMMANDS[name])
    command.add_arguments(parser)
    return parser


def exit_code(error: SecondsiteError) -> int:
    """The exit code that scripts get for `error`."""
    match error:
        case UsageError():
            return 2
        case PlanError() | CredentialError():
            return 3
        case UnreachableError() | NotStartedError() | JournalError():
            return 5
        case _:
            return 1


def run_and_exit() -> None:
    """Entry point of the installed command."""
    try:
        code = main()
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader of our output has gone (`| head`): nothing is wrong, and nothing more to say.
        sys.stderr.close()
        os._exit(0)
    sys.stderr.flush()
    # Not sys.exit: it would wait for questions to servers that have been given up.
    os._exit(code)


def _tell(error: SecondsiteError, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"error": error.as_dict()}, indent=2))
        return
    print(error.message, file=sys.stderr)
    if error.next_step:
        print(f"Next: {error.next_step}", file=sys.stderr)


def _fault_of_ours(command: str, error: Exception) -> SecondsiteError:
    """Words for a fault in Secondsite itself; the details go to a file, not to the person."""
    log = home() / "logs" / "faults.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8") as file:
        file.write(f"{datetime.now(UTC).isoformat()} secondsite {command}\n")
        traceback.print_exception(error, file=file)
    return SecondsiteError(
        f"secondsite {command} met a fault of its own ({type(error).__name__}). What it had "
        "started goes on, and the journal is whole.",
        next_step=f"secondsite runs tells how things stand. Please report {log}",
    )


def _overview() -> str:
    width = max(map(len, COMMANDS))
    lines = [f"  {name:<{width}}  {summary}" for name, summary in COMMANDS.items()]
    return "\n".join(
        (
            "usage: secondsite COMMAND …",
            "",
            "Runs recovery plans for Hyper-V virtual machines in two sites.",
            "",
            *lines,
            "",
            "`secondsite COMMAND --help` tells the rest.",
        )
    )


def _unknown(name: str) -> str:
    import difflib

    near = difflib.get_close_matches(name, COMMANDS, n=1)
    hint = f" Did you mean `{near[0]}`?" if near else ""
    return f"secondsite: {name!r} is not a command.{hint} `secondsite --help` lists them."
