"""Prefect's server and worker as background processes of this machine.

Nothing here imports Prefect: both are started as programs, and asked over HTTP.
"""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

import httpx
import psutil

from secondsite.cli import background
from secondsite.cli.background import BackgroundProcess
from secondsite.cli.liveness import forget_watch
from secondsite.cli.server_auth import auth_environment, auth_header
from secondsite.errors import UnreachableError, UsageError
from secondsite.home import home, journal_url, plans_folder

__all__ = [
    "SERVER_START_LIMIT_S",
    "Services",
    "api_url",
    "is_healthy",
    "prefect_environment",
    "server_environment",
    "services",
    "use_prefect",
]

SERVER_START_LIMIT_S = 180.0
_STOP_LIMIT_S = 20.0
_PATIENCE_S = 30.0
"""A busy server answers late; a dead one refuses at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What `up` left in the background of this home."""

    folder: Path

    @property
    def _memory(self) -> Path:
        return self.folder / "up.json"

    def running(self) -> dict[str, BackgroundProcess]:
        """The processes that still live, by name (`server`, `worker`, `watch`)."""
        remembered = background.load(self._memory)
        return {name: process for name, process in remembered.items() if process.is_alive}

    def has_started(self, name: str) -> bool:
        """Whether `up` has started such a process, dead or alive, and `down` has not ended it."""
        return name in background.load(self._memory)

    def log(self, name: str) -> Path:
        """The log file of one process."""
        return self.folder / "logs" / f"{name}.log"

    def check_plans(self) -> None:
        """Refuse where worker or watch read other plans than this command does.

        What would be carried out is theirs, whatever was shown or confirmed here.

        Raises:
            UsageError: they do.
        """
        mine = str(plans_folder())
        for name, process in self.running().items():
            found = process.find() if name != "server" else None
            if found is None:
                continue
            with suppress(psutil.Error):
                theirs = found.environ().get("SECONDSITE_PLANS", mine)
                if theirs != mine:
                    raise UsageError(
                        f"The {name} that is up reads the plans of {theirs}, and this command "
                        f"those of {mine}. Nothing was started.",
                        next_step="Set SECONDSITE_PLANS to the same folder, or run "
                        "`secondsite down`, then `secondsite up` with the other one.",
                    )

    def start_server(self, *, port: int | None) -> str:
        """Start Prefect's server, if it does not run yet; gives its API URL at once.

        `wait_for_server` tells when it answers.
        """
        if "server" in self.running():
            return self.api_url
        chosen = port or self._former_port() or _free_port()
        (self.folder / "api-url").parent.mkdir(parents=True, exist_ok=True)
        (self.folder / "api-url").write_text(f"http://127.0.0.1:{chosen}/api")
        server = ["secondsite.cli.server_process", "--host", "127.0.0.1", "--port", str(chosen)]
        self._start("server", *server, environment=server_environment())
        return self.api_url

    def wait_for_server(self) -> None:
        """Return when the server answers.

        Raises:
            UnreachableError: it ended, or does not answer in time; its log says why.
        """
        deadline = time.monotonic() + SERVER_START_LIMIT_S
        while time.monotonic() < deadline:
            if is_healthy(self.api_url):
                return
            if "server" not in self.running():
                break
            time.sleep(0.2)
        self.stop()
        raise UnreachableError(
            f"Prefect's server did not come up; nothing was left running. Its log: "
            f"{self.log('server')}",
            next_step="Read the last lines of that log, then try again.",
        )

    def start_workers(self, pools: Sequence[str], *, name: str) -> None:
        """Start a worker for each work pool whose worker does not run yet.

        The server need not answer yet: the workers wait for it.
        """
        for number, pool in enumerate(pools):
            process = f"worker-{pool}" if number else "worker"
            if process not in self.running():
                self._start(process, "secondsite.cli.worker_process", name, pool)

    def start_watch(self) -> None:
        """Start what looks after runs that no engine carries, if it does not run yet."""
        if "watch" not in self.running():
            self._start("watch", "secondsite", "watch")

    def stop(self) -> list[str]:
        """End what runs; gives the names of what was ended. The worker goes first."""
        running = self.running()
        workers = sorted(name for name in running if name.startswith("worker"))
        names = ("watch", *workers, "server")
        ended = [
            name
            for name in names
            if name in running and background.stop(running[name], timeout_s=_STOP_LIMIT_S)
        ]
        background.forget(self._memory)
        forget_watch()
        return ended

    @property
    def api_url(self) -> str:
        """The API URL of this home's own server; empty if there never was one."""
        path = self.folder / "api-url"
        return path.read_text().strip() if path.exists() else ""

    def _former_port(self) -> int | None:
        """The port of the last time, so that links stay valid, if nobody has taken it since."""
        port = urlsplit(self.api_url).port if self.api_url else None
        return port if port and _is_free(port) else None

    def _start(
        self,
        name: str,
        *module_and_arguments: str,
        environment: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        url = os.environ.get("PREFECT_API_URL") or self.api_url
        process = background.start(
            [sys.executable, "-m", *module_and_arguments],
            environment=prefect_environment(url) | dict(environment),
            log=self.log(name),
        )
        background.save(self._memory, self.running() | {name: process})


def services() -> Services:
    """The services of this machine's home."""
    return Services(folder=home())


def api_url() -> str:
    """The API URL in force: PREFECT_API_URL, else that of this home's own server.

    Raises:
        UnreachableError: there is none, or it does not answer.
        CredentialError: the estate asks for an auth string that cannot be had.
    """
    url = os.environ.get("PREFECT_API_URL") or services().api_url
    if not url:
        raise UnreachableError(
            "No Prefect server is known on this machine; nothing was started.",
            next_step="Start one with `secondsite up`, or set PREFECT_API_URL.",
        )
    if not is_healthy(url, timeout_s=_PATIENCE_S):
        raise UnreachableError(
            f"Prefect's server at {url} does not answer; nothing was started.",
            next_step="Start it with `secondsite up`, or mend PREFECT_API_URL.",
        )
    if not _lets_us_in(url):
        raise UnreachableError(
            f"Prefect's server at {url} refuses our auth string; nothing was started.",
            next_step="Write the server's auth string where `prefect: auth:` of the estate says, "
            "or into PREFECT_API_AUTH_STRING.",
        )
    return url


def is_healthy(url: str, *, timeout_s: float = 2.0) -> bool:
    """Whether the server at the API URL answers."""
    try:
        return httpx.get(f"{url}/health", timeout=timeout_s, trust_env=False).is_success
    except httpx.HTTPError:
        return False


def _lets_us_in(url: str) -> bool:
    try:
        asked = httpx.get(
            f"{url}/admin/version", headers=auth_header(), timeout=_PATIENCE_S, trust_env=False
        )
    except httpx.HTTPError:
        return True  # whoever asks for more will tell
    return asked.status_code not in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}


def prefect_environment(url: str) -> dict[str, str]:
    """The environment of everything that uses Prefect here: own state, no analytics, few logs.

    Raises:
        CredentialError: the estate wants an auth string for the server, and it cannot be had.
    """
    home().mkdir(mode=0o700, parents=True, exist_ok=True)  # Prefect makes only its own folder in it
    defaults = {
        "DO_NOT_TRACK": "1",
        "PREFECT_HOME": str(home() / "prefect"),
        "PREFECT_LOGGING_LOGGERS_PREFECT_TASK_RUNS_LEVEL": "WARNING",  # two lines a step else
        "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false",  # a server out of thin air has no blocks
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_WORKER_QUERY_SECONDS": "1",
    }
    fixed = {
        "PREFECT_API_URL": url,
        "SECONDSITE_HOME": str(home()),
        "SECONDSITE_JOURNAL": journal_url(),
        "SECONDSITE_PLANS": str(plans_folder()),
    }
    return defaults | dict(os.environ) | fixed | dict(auth_environment())


def server_environment() -> dict[str, str]:
    """What Prefect's server needs besides: its auth string, and pages that ask whom they came from.

    Behind a proxy, or through a tunnel, a browser knows the server under another address than we.

    Raises:
        CredentialError: the estate wants an auth string for it, and it cannot be had.
    """
    ui = {"PREFECT_UI_API_URL": os.environ.get("PREFECT_UI_API_URL") or "/api"}
    return ui | dict(auth_environment(of_server=True))


def use_prefect(url: str) -> None:
    """Give this process Prefect's settings; call it before the first `import prefect`."""
    os.environ.update(prefect_environment(url))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
