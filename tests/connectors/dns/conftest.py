"""DNS servers for the connector's tests, all on loopback: the lab's own, BIND and Knot.

The recipes for BIND and Knot are those of the DNS notes, §1: everything in a fresh folder, a high
port, no control channel, readiness by asking for the zone's SOA.
"""

from __future__ import annotations

import asyncio
import base64
import subprocess
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import dns.exception
import dns.message
import dns.query
import pytest
from pydantic import SecretStr

from secondsite.connectors.dns import DnsServer, DnsTarget, KerberosAccount, TsigKey
from secondsite.lab.dns import DnsServer as LabServer
from secondsite.lab.dns import Grant, Replica, ServerKey, ZoneRecord, ZoneStore
from tests.connectors.dns.kdc import REALM, Kdc, end, find, free_port, need_gssapi, start_kdc
from tests.connectors.dns.samba import Directory, Records, start_directory

T = TypeVar("T")
Key: TypeAlias = TsigKey | KerberosAccount

ZONE = "corp.example"
REVERSE = "0.2.10.in-addr.arpa"
KEY = "dr-key"
NARROW_KEY = "narrow-key"
GSS_HOST = "ns-bind.corp.example"
SECRETS = {
    name: base64.b64encode(name.encode().ljust(32, b"x")).decode() for name in (KEY, NARROW_KEY)
}
RECORDS = (
    ZoneRecord(name="ns.corp.example", type="A", ttl_s=300, values=("127.0.0.1",)),
    ZoneRecord(name="sql.corp.example", type="A", ttl_s=300, values=("10.1.0.21",)),
    ZoneRecord(
        name="www.corp.example", type="A", ttl_s=120, values=("10.1.0.1", "10.1.0.2", "10.1.0.3")
    ),
    ZoneRecord(name="db.corp.example", type="CNAME", ttl_s=300, values=("sql.corp.example.",)),
    ZoneRecord(name="sub.corp.example", type="NS", ttl_s=300, values=("ns.elsewhere.example.",)),
)


def client_key(name: str = KEY, *, secret: str | None = None) -> TsigKey:
    return TsigKey(name=name, secret=SecretStr(secret or SECRETS[name]))


@dataclass
class Served:
    """A started server that holds the test zones, whatever its make."""

    make: str
    port: int
    stop: Callable[[], None]
    address: str = "127.0.0.1"
    host: str = ""
    key: Key = field(default_factory=client_key)
    has_serials: bool = True  # whether a change raises the zone's serial
    narrow_key: Key = field(default_factory=lambda: client_key(NARROW_KEY))  # sql alone

    @property
    def server(self) -> DnsServer:
        return DnsServer(
            name=f"ns-{self.make}", address=self.address, port=self.port, host=self.host
        )

    def target(self, *, key: Key | None = None, zone: str = ZONE) -> DnsTarget:
        return DnsTarget(zone=zone, servers=(self.server,), key=key or self.key)


@dataclass
class Faulty:
    """Switches of a lab server: a kind that is in `on` applies."""

    on: set[str] = field(default_factory=set)
    once: set[str] = field(default_factory=set)

    def __call__(self, kind: str, server: str, name: str | None) -> bool:
        del server, name
        if kind in self.once:
            self.once.discard(kind)
            return True
        return kind in self.on


class LoopThread:
    """An event loop in a thread of its own, as the lab's process has one."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="lab-loop")
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(timeout=10)

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(timeout=10)
        self.loop.close()


@dataclass
class Lab:
    """Lab servers for one test: a primary with both zones, and secondaries on demand."""

    loop: LoopThread
    faults: Faulty = field(default_factory=Faulty)
    clock_ahead_s: float = 0.0
    requests: list[dict[str, Any]] = field(default_factory=list)
    servers: list[LabServer] = field(default_factory=list)
    replicas: list[Replica] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.zone = ZoneStore(ZONE, records=RECORDS)
        self.reverse = ZoneStore(REVERSE)
        self.primary = self.start("ns-lab", self.zone, self.reverse)

    def start(
        self, name: str, *zones: ZoneStore, keys: tuple[ServerKey, ...] | None = None
    ) -> LabServer:
        server = LabServer(
            name,
            zones,
            keys=server_keys() if keys is None else keys,
            has_fault=self.faults,
            on_request=lambda request: self.requests.append(request.as_dict()),
            clock=lambda: time.time() + self.clock_ahead_s,
        )
        self.loop.run(server.start())
        self.servers.append(server)
        return server

    def start_secondary(
        self, name: str, *, delay_s: float = 0.0, knows_key: bool = True
    ) -> LabServer:
        copy = ZoneStore(ZONE, is_primary=False)
        replica = Replica(
            primary=self.zone,
            secondary=copy,
            delay_s=delay_s,
            is_stale=lambda: self.faults("dns-stale", name, None),
        )

        async def follow() -> None:
            replica.start()

        self.loop.run(follow())
        self.replicas.append(replica)
        return self.start(name, copy, keys=None if knows_key else ())

    def address_of(self, server: LabServer) -> DnsServer:
        return DnsServer(name=server.name, address=server.address, port=server.port)

    def target(
        self, *servers: LabServer, key: TsigKey | None = None, zone: str = ZONE
    ) -> DnsTarget:
        return DnsTarget(
            zone=zone,
            servers=tuple(self.address_of(server) for server in servers or (self.primary,)),
            key=key or client_key(),
        )

    def updates(self) -> list[dict[str, Any]]:
        return [request for request in self.requests if request["operation"] == "update"]

    def stop_server(self, server: LabServer) -> None:
        self.loop.run(server.stop())

    def close(self) -> None:
        async def end() -> None:
            for replica in self.replicas:
                replica.stop()
            for server in self.servers:
                await server.stop()

        self.loop.run(end())


def server_keys() -> tuple[ServerKey, ...]:
    return (
        ServerKey(name=KEY, secret=SECRETS[KEY], grants=(Grant(zone=ZONE), Grant(zone=REVERSE))),
        ServerKey(
            name=NARROW_KEY,
            secret=SECRETS[NARROW_KEY],
            grants=(Grant(zone=ZONE, names=("sql.corp.example",)),),
        ),
    )


@pytest.fixture(scope="session")
def lab_loop() -> Iterator[LoopThread]:
    loop = LoopThread()
    yield loop
    loop.close()


@pytest.fixture
def lab(lab_loop: LoopThread) -> Iterator[Lab]:
    lab = Lab(lab_loop)
    yield lab
    lab.close()


BIND = pytest.param("bind", marks=pytest.mark.integration)
KNOT = pytest.param("knot", marks=pytest.mark.integration)


BIND_GSS = pytest.param("bind-gss", marks=pytest.mark.integration)
# One domain controller serves all tests: those of one group run in one process.
in_directory = pytest.mark.xdist_group("directory")
SAMBA = pytest.param("samba", marks=[pytest.mark.integration, in_directory])


@pytest.fixture(params=["lab", BIND, KNOT, BIND_GSS, SAMBA])
def served(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Served]:
    """The same zones on each make of server, signed for by keys or by Kerberos accounts."""
    yield from serve(request, tmp_path)


@pytest.fixture(params=["lab", BIND, KNOT, BIND_GSS])
def mortal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Served]:
    """As `served`, but those that may be killed."""
    yield from serve(request, tmp_path)


@pytest.fixture(params=["lab", BIND, KNOT])
def served_by_key(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Served]:
    """The same zones on each make of server, signed for by shared keys."""
    yield from serve(request, tmp_path)


@pytest.fixture
def gss_bind(kdc: Kdc, tmp_path: Path) -> Iterator[Served]:
    """BIND, signed for by Kerberos accounts."""
    server, process = start_gss_bind(tmp_path, kdc)
    yield server
    end(process)


@pytest.fixture(scope="session")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Directory]:
    """An Active Directory of one domain controller."""
    need_gssapi()
    directory = start_directory(tmp_path_factory.mktemp("directory"))
    yield directory
    directory.close()


@pytest.fixture(scope="session")
def directory_records(directory: Directory) -> Records:
    return Records(directory, RECORDS)


@pytest.fixture
def in_samba(directory: Directory, directory_records: Records) -> Served:
    """The test zones in an Active Directory, with the records that every test finds."""
    directory_records.reset()
    return Served(
        make="samba",
        port=53,
        stop=directory.stop,
        address=directory.address,
        host=directory.server.host,
        key=directory.account("dr-engine", by_keytab=True),
        narrow_key=directory.account("narrow"),
        has_serials=False,
    )


@pytest.fixture(scope="session")
def kdc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kdc]:
    """A KDC with the service of BIND and the accounts of the tests."""
    need_gssapi()
    kdc = start_kdc(tmp_path_factory.mktemp("kdc"))
    try:
        for principal in (f"DNS/{GSS_HOST}", "DNS/other.corp.example", "dr-engine", "narrow"):
            kdc.add(principal)
        yield kdc
    finally:
        kdc.stop()


@pytest.fixture(params=["lab", BIND])
def lab_or_bind(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Served]:
    """The same zones on the lab's server and on the one it is measured by."""
    yield from serve(request, tmp_path)


def serve(request: pytest.FixtureRequest, folder: Path) -> Iterator[Served]:
    if request.param == "lab":
        lab: Lab = request.getfixturevalue("lab")
        yield Served(make="lab", port=lab.primary.port, stop=lambda: lab.stop_server(lab.primary))
        return
    if request.param == "samba":
        yield request.getfixturevalue("in_samba")
        return
    if request.param == "bind-gss":
        server, process = start_gss_bind(folder, request.getfixturevalue("kdc"))
    else:
        server, process = {"bind": start_bind, "knot": start_knot}[request.param](folder)
    yield server
    end(process)


def start_bind(folder: Path) -> tuple[Served, subprocess.Popen[bytes]]:
    keys = "".join(
        f'key "{name}" {{ algorithm hmac-sha256; secret "{secret}"; }};\n'
        for name, secret in SECRETS.items()
    )
    return run_bind(folder, keys, who=KEY, who_narrow=NARROW_KEY)


def start_gss_bind(folder: Path, kdc: Kdc) -> tuple[Served, subprocess.Popen[bytes]]:
    """BIND with the keytab of DNS/ns-bind.corp.example: it takes tickets, and knows no key."""
    served, process = run_bind(
        folder,
        who=f"dr-engine@{REALM}",
        who_narrow=f"narrow@{REALM}",
        options=f'tkey-gssapi-keytab "{kdc.keytab(f"DNS/{GSS_HOST}")}"; querylog yes;',
        environment=kdc.environment,
    )
    served.make, served.host = "bind-gss", GSS_HOST
    served.key, served.narrow_key = kdc.account("dr-engine"), kdc.account("narrow")
    return served, process


def run_bind(
    folder: Path,
    keys: str = "",
    *,
    who: str,
    who_narrow: str,
    options: str = "",
    environment: dict[str, str] | None = None,
    port: int | None = None,
) -> tuple[Served, subprocess.Popen[bytes]]:
    program = find("named", package="bind9")
    port = port or free_port()
    write_zones(folder)
    (folder / "named.conf").write_text(
        f"""{keys}
        options {{
            directory "{folder}"; pid-file "{folder}/named.pid"; session-keyfile "{folder}/session";
            lock-file none; listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};
            recursion no; dnssec-validation no; empty-zones-enable no; notify no; {options}
        }};
        controls {{ }};
        zone "{ZONE}" {{ type primary; file "{ZONE}.zone"; update-policy {{
            grant {who} zonesub ANY; grant {who_narrow} name sql.{ZONE} ANY; }}; }};
        zone "{REVERSE}" {{ type primary; file "{REVERSE}.zone";
            update-policy {{ grant {who} zonesub ANY; }}; }};
        """
    )
    return run(
        [program, "-g", "-n", "1", "-c", str(folder / "named.conf")],
        make="bind",
        port=port,
        log=folder / "named.log",
        environment=environment,
    )


def start_knot(folder: Path) -> tuple[Served, subprocess.Popen[bytes]]:
    program = find("knotd", package="knot")
    port = free_port()
    write_zones(folder)
    keys = "".join(
        f"  - id: {name}\n    algorithm: hmac-sha256\n    secret: {secret}\n"
        for name, secret in SECRETS.items()
    )
    (folder / "knot.conf").write_text(
        f"""server:
  rundir: {folder}
  listen: 127.0.0.1@{port}
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
database:
  storage: {folder}
key:
{keys}acl:
  - id: all
    key: {KEY}
    action: update
  - id: narrow
    key: {NARROW_KEY}
    action: update
    update-owner: name
    update-owner-match: equal
    update-owner-name: [sql]
template:
  - id: default
    storage: {folder}
    file: "%s.zone"
zone:
  - domain: {ZONE}
    acl: [all, narrow]
  - domain: {REVERSE}
    acl: [all]
"""
    )
    return run(
        [program, "-c", str(folder / "knot.conf")],
        make="knot",
        port=port,
        log=folder / "knot.log",
    )


def write_zones(folder: Path) -> None:
    apex = "$TTL 3600\n@ SOA ns.corp.example. hostmaster.corp.example. 1 900 300 1209600 300\n"
    apex += "@ NS ns.corp.example.\n"
    lines = [
        f"{record.name}. {record.ttl_s} {record.type} {value}\n"
        for record in RECORDS
        for value in record.values
    ]
    (folder / f"{ZONE}.zone").write_text(apex + "".join(lines))
    (folder / f"{REVERSE}.zone").write_text(apex)


def run(
    command: list[str],
    *,
    make: str,
    port: int,
    log: Path,
    environment: dict[str, str] | None = None,
) -> tuple[Served, subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env=environment)
    question = dns.message.make_query(ZONE, "SOA")
    until = time.monotonic() + 20
    while True:
        try:
            if dns.query.udp(question, "127.0.0.1", port=port, timeout=0.05).answer:
                break
        except (dns.exception.Timeout, OSError):
            pass
        if process.poll() is not None or time.monotonic() > until:
            end(process)
            pytest.fail(f"{make} did not start:\n{log.read_text()}")
        time.sleep(0.02)
    return Served(make=make, port=port, stop=lambda: end(process)), process


@pytest.fixture
def make_key() -> Callable[..., TsigKey]:
    """`make_key(name, secret=…)`: a key that the servers know, unless the secret is another."""
    return client_key
