"""What changing and verifying names costs: 500 records of one zone, on two servers.

    python benchmarks/names.py [--records 500]

A BIND primary and secondary on loopback. The floor is measured in the same run: the least that a
program could do which sends one signed message per record and asks each server once per record,
one after the other, over one open connection each. Then the engine's own way: read, compare and
set, read back, and verify on both servers until both show it. Ratios come from one run; seconds
are this machine's.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import dns.exception
import dns.message
import dns.name
import dns.query
import dns.rdatatype
import dns.tsig
import dns.update
from pydantic import SecretStr

from secondsite.connectors.dns import (
    Change,
    DnsServer,
    DnsTarget,
    Edit,
    RecordSet,
    SightStatus,
    TsigKey,
    UpdateWay,
)

_ZONE = "bench.example"
_KEY = "bench-key"
_SECRET = base64.b64encode(b"a key for a benchmark, no secret").decode()
_LIMIT_S = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Servers:
    """The ports of a primary and its secondary."""

    primary: int
    secondary: int

    @property
    def target(self) -> DnsTarget:
        """The zone as the engine has it."""
        return DnsTarget(
            zone=_ZONE,
            servers=(
                DnsServer(name="primary", address="127.0.0.1", port=self.primary),
                DnsServer(name="secondary", address="127.0.0.1", port=self.secondary),
            ),
            key=TsigKey(name=_KEY, secret=SecretStr(_SECRET)),
        )


@contextlib.contextmanager
def bind(folder: Path, *, records: int) -> Iterator[Servers]:
    """BIND as primary and as secondary, each with a folder of its own."""
    program = shutil.which("named", path="/usr/sbin:/usr/local/sbin:/usr/bin")
    if program is None:
        sys.exit("named is missing: install the package bind9")
    ports = _free_port(), _free_port()
    servers = Servers(primary=ports[0], secondary=ports[1])
    zones = (
        'type primary; file "zone"; notify explicit; notify-delay 0; allow-transfer { any; }; '
        f"also-notify {{ 127.0.0.1 port {ports[1]}; }}; "
        f"update-policy {{ grant {_KEY} zonesub ANY; }};",
        'type secondary; file "zone"; allow-notify { 127.0.0.1; }; '
        f"primaries {{ 127.0.0.1 port {ports[0]}; }};",
    )
    processes = []
    try:
        for name, port, zone in zip(("primary", "secondary"), ports, zones, strict=True):
            own = folder / name
            own.mkdir()
            if name == "primary":
                (own / "zone").write_text(_zone_text(records))
            (own / "named.conf").write_text(_configuration(own, port, zone))
            with (own / "log").open("wb") as log:
                command = [program, "-g", "-n", "1", "-c", str(own / "named.conf")]
                processes.append(subprocess.Popen(command, stdout=log, stderr=log))
            _await(port)
        yield servers
    finally:
        for process in processes:
            process.terminate()
            process.wait(timeout=10)


def _zone_text(records: int) -> str:
    edits = _edits(records, old=1, new=1)
    apex = f"@ SOA ns.{_ZONE}. admin.{_ZONE}. 1 900 300 1209600 300\n@ NS ns.{_ZONE}.\n"
    lines = [f"{edit.name}. A {edit.before.values[0]}\n" for edit in edits if edit.before]
    return "".join(("$TTL 300\n", apex, f"ns.{_ZONE}. A 127.0.0.1\n", *lines))


def _configuration(folder: Path, port: int, zone: str) -> str:
    return f"""
        key "{_KEY}" {{ algorithm hmac-sha256; secret "{_SECRET}"; }};
        options {{
            directory "{folder}"; pid-file "{folder}/pid"; session-keyfile "{folder}/session";
            lock-file none; listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};
            recursion no; dnssec-validation no; empty-zones-enable no;
            serial-query-rate 1000; notify-rate 1000;
        }};
        controls {{ }};
        zone "{_ZONE}" {{ {zone} }};
    """


def floor_s(servers: Servers, edits: Sequence[Edit]) -> float:
    """One message per record, and one question per record and server, one after the other."""
    key = dns.tsig.Key(_KEY, _SECRET, "hmac-sha256")
    began = time.perf_counter()
    with socket.create_connection(("127.0.0.1", servers.primary)) as primary:
        for edit in edits:
            update = dns.update.UpdateMessage(_ZONE)
            name = dns.name.from_text(edit.name)
            before, after = edit.before, edit.after
            assert before is not None  # noqa: S101 - every record of the benchmark is there
            assert after is not None  # noqa: S101
            update.present(name, "A", *before.values)
            update.replace(name, after.ttl_s, "A", *after.values)
            update.use_tsig(key)
            answer = dns.query.tcp(update, "127.0.0.1", sock=primary, timeout=10)
            assert not answer.rcode()  # noqa: S101
    for port in (servers.primary, servers.secondary):
        with socket.create_connection(("127.0.0.1", port)) as server:
            for edit in edits:
                query = dns.message.make_query(edit.name, "A", flags=0)
                dns.query.tcp(query, "127.0.0.1", sock=server, timeout=10)
    return time.perf_counter() - began


def engine_s(servers: Servers, edits: Sequence[Edit]) -> tuple[float, float]:
    """Seconds until all is changed, and until both servers show it."""
    way = UpdateWay(servers.target)
    began = time.perf_counter()
    results = way.apply(edits, timeout_s=_LIMIT_S)
    changed = time.perf_counter()
    wrong = [each for each in results.values() if not isinstance(each, Change) or not each.changed]
    if wrong:
        sys.exit(f"{len(wrong)} records were not changed: {wrong[0]}")
    seen = way.verify(edits, timeout_s=_LIMIT_S)
    verified = time.perf_counter()
    late = [each for each in seen if each.status is not SightStatus.DONE]
    if late:
        sys.exit(f"{len(late)} records are not everywhere: {late[0].trouble()}")
    return changed - began, verified - began


def _edits(records: int, *, old: int, new: int) -> list[Edit]:
    def address(site: int, number: int, name: str) -> RecordSet:
        value = f"10.{site}.{number // 250}.{number % 250 + 1}"
        return RecordSet(name=name, type="A", ttl_s=300, values=(value,))

    return [
        Edit(before=address(old, number, name), after=address(new, number, name))
        for number, name in _names(records)
    ]


def _names(records: int) -> list[tuple[int, str]]:
    return [(number, f"vm{number:04d}.{_ZONE}") for number in range(records)]


def _free_port() -> int:
    with socket.socket() as tcp:
        tcp.bind(("127.0.0.1", 0))
        port: int = tcp.getsockname()[1]
        return port


def _await(port: int) -> None:
    question = dns.message.make_query(_ZONE, "SOA")
    _until(lambda: bool(_asked(question, port)))


def _asked(question: dns.message.Message, port: int) -> Sequence[object]:
    with contextlib.suppress(dns.exception.Timeout, OSError):
        return dns.query.udp(question, "127.0.0.1", port=port, timeout=0.1).answer
    return ()


def _until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + _LIMIT_S
    while not holds():
        if time.monotonic() > end:
            sys.exit("the DNS server does not come up")
        time.sleep(0.02)


def _settle(servers: Servers, edits: Sequence[Edit]) -> None:
    """Wait until the secondary has what the floor wrote: it must not be part of what follows."""
    UpdateWay(servers.target).verify(edits, timeout_s=_LIMIT_S)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=500)
    records = parser.parse_args().records
    with tempfile.TemporaryDirectory() as folder, bind(Path(folder), records=records) as servers:
        there, back = _edits(records, old=1, new=2), _edits(records, old=2, new=1)
        floor = floor_s(servers, there)
        _settle(servers, there)
        changed, verified = engine_s(servers, back)
    print("records  floor s  changed s  verified s  changed/floor  verified/floor")
    print(
        f"{records:>7} {floor:>8.2f} {changed:>10.2f} {verified:>11.2f} "
        f"{changed / floor:>14.2f} {verified / floor:>15.2f}"
    )


if __name__ == "__main__":
    main()
