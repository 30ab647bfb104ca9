"""`secondsite secrets`: what the estate names, whether it can be had, and Secret blocks for it.

Values come from a file or from standard input, never from the command line: others could read them
in the process list. None is ever printed.
"""

from __future__ import annotations

import argparse
import getpass
import json
import sys
from pathlib import Path

from secondsite.cli.block_reading import read_block
from secondsite.cli.services import api_url, use_prefect
from secondsite.errors import CredentialError, UsageError
from secondsite.home import home, plans_folder
from secondsite.plan.credentials import read_secret
from secondsite.plan.loader import load_estate
from secondsite.plan.named_secrets import named_secrets
from secondsite.plan.secret_source import SecretSource

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    commands = parser.add_subparsers(dest="command", required=True)
    listing = commands.add_parser(
        "list", help="every secret that the estate names, and whether it can be had here"
    )
    listing.add_argument("--json", action="store_true", help="print facts as JSON")
    register = commands.add_parser(
        "register", help="keep a secret in a Secret block of the Prefect server, or renew it"
    )
    register.add_argument(
        "block", metavar="BLOCK", help="name of the block, as `prefect_block` of the estate has it"
    )
    register.add_argument(
        "--file",
        type=Path,
        help="read the value from this file (default: standard input; a terminal asks for it)",
    )
    register.add_argument("--json", action="store_true", help="print facts as JSON")


def run(arguments: argparse.Namespace) -> int:
    """List or register; gives 0, or 3 when a secret cannot be had."""
    if arguments.command == "register":
        return _register(arguments)
    return _list(as_json=arguments.json)


def _list(*, as_json: bool) -> int:
    facts = []
    for what, source in named_secrets(load_estate(plans_folder())):
        problem = _problem(source, what)
        facts.append({"secret": what, "kept_in": _place(source), "problem": problem})
    if as_json:
        print(json.dumps(facts, indent=2))
    else:
        for each in facts:
            state = each["problem"] or "can be had"
            print(f"{each['secret']}: {each['kept_in']}: {state}")
    return 3 if any(each["problem"] for each in facts) else 0


def _problem(source: SecretSource, what: str) -> str:
    try:
        read_secret(source, what=what, home=home(), block_reader=read_block)
    except CredentialError as error:
        return f"{error.message} {error.next_step}".strip()
    return ""


def _place(source: SecretSource) -> str:
    if source.env is not None:
        return f"the environment variable {source.env}"
    if source.file is not None:
        return f"the file {source.file}"
    return f"the Secret block {source.prefect_block}"


def _register(arguments: argparse.Namespace) -> int:
    """Make or renew one block; gives 0.

    Raises:
        UsageError: no value was given, or the file cannot be read.
        UnreachableError: Prefect's server does not answer.
    """
    value = _value(arguments.block, arguments.file)
    use_prefect(api_url())
    from flows.blocks import keep_secret

    keep_secret(arguments.block, value)
    named = [
        what
        for what, source in named_secrets(load_estate(plans_folder()))
        if source.prefect_block == arguments.block
    ]
    if arguments.json:
        print(json.dumps({"block": arguments.block, "holds": named}, indent=2))
    else:
        used = ", ".join(named) or "nothing that the estate names yet (prefect_block)"
        print(f"Secret block {arguments.block} holds {used}.")
    return 0


def _value(block: str, file: Path | None) -> str:
    if file is not None:
        try:
            value = file.read_text(encoding="utf-8").rstrip()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(
                f"{file} cannot be read ({type(error).__name__}); nothing was registered.",
                next_step="Name a file that holds the secret as UTF-8 text.",
            ) from error
    elif sys.stdin.isatty():
        value = getpass.getpass(f"Value of {block} (it is not shown): ")
    else:
        value = sys.stdin.read().rstrip()
    if not value:
        raise UsageError(
            f"No value was given for {block}; nothing was registered.",
            next_step=f"Write it to standard input: secondsite secrets register {block} < FILE",
        )
    return value
