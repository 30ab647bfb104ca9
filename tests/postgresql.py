"""A real PostgreSQL server for tests, where one is installed."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import create_engine

__all__ = ["postgresql_server", "postgresql_url"]


@pytest.fixture
def postgresql_url(postgresql_server: str) -> str:
    """A new database on the test's own server."""
    name = f"journal_{uuid4().hex}"
    engine = create_engine(f"{postgresql_server}/postgres", isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    engine.dispose()
    return f"{postgresql_server}/{name}"


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """A PostgreSQL server on loopback, started for the tests and ended by them."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not programs:
        missing = "PostgreSQL is not installed (Debian: apt-get install postgresql)"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(missing)
    folder = Path(tempfile.mkdtemp(prefix="secondsite-pg-"))
    # PostgreSQL refuses to run as root.
    user = "postgres" if os.geteuid() == 0 else None
    if user:
        account = pwd.getpwnam(user)
        os.chown(folder, account.pw_uid, account.pw_gid)
    data, port = folder / "data", _free_port()
    initdb: list[str | Path] = [
        programs[-1] / "initdb",
        "-D",
        data,
        "-U",
        "secondsite",
        "-A",
        "trust",
        "-N",
    ]
    subprocess.run(initdb, check=True, user=user, cwd=folder, stdout=subprocess.DEVNULL)
    start: list[str | Path] = [
        programs[-1] / "pg_ctl",
        "-D",
        data,
        "-w",
        "-l",
        folder / "log",
        "-o",
    ]
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='{folder}'"
    subprocess.run(
        [*start, options, "start"], check=True, user=user, cwd=folder, stdout=subprocess.DEVNULL
    )
    try:
        yield f"postgresql+psycopg://secondsite@127.0.0.1:{port}"
    finally:
        stop: list[str | Path] = [
            programs[-1] / "pg_ctl",
            "-D",
            data,
            "-m",
            "immediate",
            "-w",
            "stop",
        ]
        subprocess.run(stop, check=True, user=user, cwd=folder, stdout=subprocess.DEVNULL)
        shutil.rmtree(folder)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
