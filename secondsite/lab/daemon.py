"""The lab process: `python -m secondsite.lab.daemon`, started by `secondsite lab up`."""

from __future__ import annotations

import argparse
import asyncio
import fcntl
import logging
import resource
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from secondsite.errors import SecondsiteError
from secondsite.lab.endpoints import LabFolder
from secondsite.lab.estate import LabEstate
from secondsite.lab.estate_loader import load_lab_estate
from secondsite.lab.simulation import Simulation

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run a lab until it is told to end."""
    parser = argparse.ArgumentParser(prog="python -m secondsite.lab.daemon", description=__doc__)
    parser.add_argument("--estate", type=Path, required=True, help="YAML file of the lab")
    parser.add_argument("--home", type=Path, required=True, help="SECONDSITE_HOME of this lab")
    parser.add_argument(
        "--scale", type=float, help="factor on all times; the estate's own if absent"
    )
    arguments = parser.parse_args(argv)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s: %(message)s")
    folder = LabFolder(arguments.home)
    folder.make()
    try:
        estate = load_lab_estate(arguments.estate)
    except SecondsiteError as error:
        return _give_up(str(error))
    if arguments.scale is not None:
        estate = estate.model_copy(update={"scale": arguments.scale})
    with folder.lock.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return _give_up(f"Another lab is up in {folder.home}.")
        _allow_many_sockets()
        try:
            asyncio.run(_serve(estate, folder))
        except SecondsiteError as error:
            return _give_up(str(error))
        except OSError as error:
            return _give_up(f"The lab cannot start: {error}")
    return 0


async def _serve(estate: LabEstate, folder: LabFolder) -> None:
    simulation = Simulation(estate, folder)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, simulation.stopping.set)
    try:
        await simulation.start()
        await simulation.stopping.wait()
    finally:
        await simulation.stop()


def _allow_many_sockets() -> None:
    """Every service of every guest is a socket: use all that the system grants."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _give_up(why: str) -> int:
    sys.stderr.write(f"{why}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
