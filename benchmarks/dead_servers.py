"""Servers that are gone, each in its own way, on loopback and without any right to change rules.

What each way looks like to a client is tried out before anything is measured with it.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection

__all__ = ["WAYS", "Way"]

Way = Callable[[], contextlib.AbstractContextManager[int]]
"""Gives, inside its block, a loopback port behind which there is such a server."""

_LOOPBACK = "127.0.0.1"
_TRIAL_S = 1.5
_MOST_FILLERS = 16


@contextmanager
def gone() -> Iterator[int]:
    """The machine lives, the service does not: every connection is refused at once."""
    with _bound() as held:
        port: int = held.getsockname()[1]
        _insist(port, "refused", "a port that nobody listens at does not refuse")
        yield port


@contextmanager
def dead() -> Iterator[int]:
    """A server process that was killed (SIGKILL) while it listened.

    To a client on loopback it looks like `gone`: what differs between the two is the measurement's
    own noise.
    """
    here, there = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(
        target=_listen_until_killed, args=(there,)
    )
    server.start()
    port: int = here.recv()
    _insist(port, "connected", "the server process does not listen")
    server.kill()
    server.join()
    _insist(port, "refused", "a killed server's port does not refuse")
    yield port


@contextmanager
def hung() -> Iterator[int]:
    """Its kernel takes connections and what is sent over them; its process answers nothing."""
    with _bound() as frozen:
        frozen.listen(4096)
        port: int = frozen.getsockname()[1]
        _insist(port, "connected", "the kernel does not take connections")
        yield port


@contextmanager
def silent() -> Iterator[int]:
    """It drops every SYN: nothing comes back at all, as from a machine without power.

    A listening socket whose queue of connections is full does that (Linux); the queue is filled
    here, and nobody ever takes one out.
    """
    with contextlib.ExitStack() as stack:
        full = stack.enter_context(_bound())
        full.listen(0)
        port: int = full.getsockname()[1]
        for _ in range(_MOST_FILLERS):
            filler = stack.enter_context(socket.socket())
            filler.settimeout(_TRIAL_S)
            try:
                filler.connect((_LOOPBACK, port))
            except TimeoutError:
                break
        _insist(port, "nothing", "this kernel drops no SYN when a queue is full")
        yield port


WAYS: dict[str, Way] = {"gone": gone, "dead": dead, "silent": silent, "hung": hung}


def _bound() -> socket.socket:
    held = socket.socket()
    held.bind((_LOOPBACK, 0))
    return held


def _listen_until_killed(tell: Connection) -> None:
    with _bound() as server:
        server.listen(4096)
        tell.send(server.getsockname()[1])
        while True:
            server.accept()[0].close()


def _insist(port: int, wanted: str, otherwise: str) -> None:
    """End here if a client of that port meets anything but what is `wanted`."""
    if (found := _trial(port)) != wanted:
        sys.exit(f"{otherwise}: a client meets {found!r}")


def _trial(port: int) -> str:
    """What a client of that port meets."""
    with socket.socket() as client:
        client.settimeout(_TRIAL_S)
        try:
            client.connect((_LOOPBACK, port))
        except ConnectionRefusedError:
            return "refused"
        except TimeoutError:
            return "nothing"
        return "connected"
