"""BIND as sites run it: views chosen by key, a secondary, a signed zone; and BIND in trouble."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dns.dnssec
import dns.message
import dns.name
import dns.query
import dns.rdatatype
import dns.rrset
import pytest

from secondsite.connectors.dns import (
    Change,
    DnsServer,
    DnsTarget,
    Edit,
    RecordSet,
    SightStatus,
    compare_and_set,
    preflight,
    read,
    verify,
)
from secondsite.errors import (
    AccessDeniedError,
    ActionFailedError,
    ConflictError,
    NotReadyError,
    UnknownOutcomeError,
)
from tests.connectors.dns.conftest import (
    KEY,
    NARROW_KEY,
    SECRETS,
    ZONE,
    Served,
    client_key,
    start_bind,
    write_zones,
)
from tests.connectors.dns.conftest import run as run_server
from tests.connectors.dns.kdc import end, find, free_port
from tests.connectors.dns.meddler import Meddler, lose

pytestmark = pytest.mark.integration

S = 5.0
NAME = "sql.corp.example"
KEYS = "".join(
    f'key "{name}" {{ algorithm hmac-sha256; secret "{secret}"; }};\n'
    for name, secret in SECRETS.items()
)


def a(*values: str, ttl_s: int = 300) -> RecordSet:
    return RecordSet(name=NAME, type="A", ttl_s=ttl_s, values=values)


OLD, NEW = a("10.1.0.21"), a("10.2.0.21", ttl_s=60)
EDIT = Edit(before=OLD, after=NEW)


@contextmanager
def named(
    folder: Path, zones: str, *, options: str = "", port: int | None = None
) -> Iterator[Served]:
    """BIND with these zones; their files are in `folder` already."""
    program = find("named", package="bind9")
    port = port or free_port()
    (folder / "named.conf").write_text(
        f"""{KEYS}
        options {{
            directory "{folder}"; pid-file "{folder}/named.pid"; session-keyfile "{folder}/session";
            lock-file none; listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};
            recursion no; dnssec-validation no; empty-zones-enable no; {options}
        }};
        controls {{ }};
        {zones}
        """
    )
    server, process = run_server(
        [program, "-g", "-n", "1", "-c", str(folder / "named.conf")],
        make="bind",
        port=port,
        log=folder / "named.log",
    )
    try:
        yield server
    finally:
        end(process)


def change(target: DnsTarget) -> Change:
    return compare_and_set(target, expected=OLD, desired=NEW, timeout_s=S)


def now_at(target: DnsTarget) -> RecordSet | None:
    return read(target, name=NAME, type="A", timeout_s=S)


def test_the_key_picks_the_view_and_the_other_view_stays(tmp_path: Path) -> None:
    views = ""
    for view, key in (("inside", KEY), ("outside", NARROW_KEY)):
        folder = tmp_path / view
        folder.mkdir()
        write_zones(folder)
        views += f"""view "{view}" {{ match-clients {{ key {key}; }}; zone "{ZONE}" {{
            type primary; file "{folder}/{ZONE}.zone";
            update-policy {{ grant {key} zonesub ANY; }}; }}; }};
        """
    anybody = f"""view "rest" {{ match-clients {{ any; }}; zone "{ZONE}" {{
        type primary; file "{tmp_path}/inside/rest.zone"; }}; }};"""
    (tmp_path / "inside" / "rest.zone").write_text(
        (tmp_path / "inside" / f"{ZONE}.zone").read_text()
    )
    with named(tmp_path, views + anybody) as server:
        inside, outside = (server.target(key=client_key(key)) for key in (KEY, NARROW_KEY))

        made = change(inside)

        assert made.changed
        assert (now_at(inside), now_at(outside)) == (NEW, OLD)
        assert [each.status for each in verify(inside, [EDIT], timeout_s=S)] == [SightStatus.DONE]
        assert preflight(outside, timeout_s=S) == []


@contextmanager
def primary_and_secondary(folder: Path, *, notifies: bool) -> Iterator[DnsTarget]:
    here, there = folder / "primary", folder / "secondary"
    for each in (here, there):
        each.mkdir()
    write_zones(here)
    ports = free_port(), free_port()
    # Both sides of a transfer are 127.0.0.1: only ports tell them apart.
    told = f"also-notify {{ 127.0.0.1 port {ports[1]}; }};" if notifies else ""
    primary = f"""zone "{ZONE}" {{ type primary; file "{ZONE}.zone"; {told}
        notify {"explicit" if notifies else "no"}; notify-delay 0; allow-transfer {{ any; }};
        update-policy {{ grant {KEY} zonesub ANY; }}; }};"""
    secondary = f"""zone "{ZONE}" {{ type secondary; file "{ZONE}.zone"; masterfile-format text;
        primaries {{ 127.0.0.1 port {ports[0]}; }}; allow-notify {{ 127.0.0.1; }}; }};"""
    with (
        named(here, primary, port=ports[0]) as first,
        named(there, secondary, port=ports[1]) as second,
    ):
        servers = (
            DnsServer(name="ns-1", address="127.0.0.1", port=first.port),
            DnsServer(name="ns-2", address="127.0.0.1", port=second.port),
        )
        yield DnsTarget(zone=ZONE, servers=servers, key=client_key())


def test_a_change_is_waited_for_on_the_secondary(tmp_path: Path) -> None:
    with primary_and_secondary(tmp_path, notifies=True) as target:
        change(target)

        (seen,) = verify(target, [EDIT], timeout_s=20)

    assert [(each.server, each.status) for each in seen.sights] == [
        ("ns-1", SightStatus.DONE),
        ("ns-2", SightStatus.DONE),
    ]
    assert seen.sights[0].serial == seen.sights[1].serial


def test_a_secondary_that_does_not_follow_is_named_with_what_it_still_shows(
    tmp_path: Path,
) -> None:
    with primary_and_secondary(tmp_path, notifies=False) as target:
        change(target)

        (seen,) = verify(target, [EDIT], timeout_s=0.3)

    trouble = seen.trouble()
    assert [each.status for each in seen.sights] == [SightStatus.DONE, SightStatus.LAGGING]
    assert isinstance(trouble, NotReadyError)
    assert f"ns-2: lagging, shows {OLD}" in trouble.message
    assert "As wanted on ns-1" in trouble.message


def test_a_signed_zone_is_signed_anew_with_the_change(tmp_path: Path) -> None:
    write_zones(tmp_path)
    zone = f"""zone "{ZONE}" {{ type primary; file "{ZONE}.zone"; dnssec-policy default;
        inline-signing no; key-directory "{tmp_path}"; update-policy {{ grant {KEY} zonesub ANY; }};
        }};"""
    with named(tmp_path, zone) as server:
        target = server.target()
        change(target)

        keys, _ = signed(server, ZONE, "DNSKEY")
        records, signature = signed(server, NAME, "A")

        assert now_at(target) == NEW
    assert [each.to_text() for each in records] == ["10.2.0.21"]
    dns.dnssec.validate(records, signature, {dns.name.from_text(ZONE): keys})


def signed(server: Served, name: str, type: str) -> tuple[dns.rrset.RRset, dns.rrset.RRset]:
    """A record set and its signatures; BIND makes the first ones a moment after it has started."""
    query = dns.message.make_query(name, type, want_dnssec=True)
    kind = dns.rdatatype.from_text(type)
    until = time.monotonic() + 20
    while True:
        answer = dns.query.tcp(query, "127.0.0.1", port=server.port, timeout=S).answer
        found = {each.rdtype: each for each in answer}
        if found.keys() >= {kind, dns.rdatatype.RRSIG}:
            return found[kind], found[dns.rdatatype.RRSIG]
        assert time.monotonic() < until, f"{name} {type} is not signed"
        time.sleep(0.02)


# Trouble, met on a real server


@pytest.fixture
def bind(tmp_path: Path) -> Iterator[tuple[Served, subprocess.Popen[bytes]]]:
    server, process = start_bind(tmp_path)
    yield server, process
    end(process)


@pytest.fixture
def meddled(bind: tuple[Served, subprocess.Popen[bytes]]) -> Iterator[tuple[Meddler, DnsTarget]]:
    meddler = Meddler(bind[0].port)
    server = DnsServer(name="ns-bind", address="127.0.0.1", port=meddler.port)
    yield meddler, DnsTarget(zone=ZONE, servers=(server,), key=client_key())
    meddler.close()


def test_an_answer_lost_after_applying_is_settled_by_reading(
    meddled: tuple[Meddler, DnsTarget],
) -> None:
    meddler, target = meddled
    meddler.meddlings.append(lose)

    made = change(target)

    assert (made.changed, made.how) == (True, "settled")
    assert now_at(target) == NEW
    assert meddler.updates == 1


def test_a_server_dead_between_writing_and_reading_back_leaves_it_unknown_and_retrying_is_safe(
    meddled: tuple[Meddler, DnsTarget],
    bind: tuple[Served, subprocess.Popen[bytes]],
    tmp_path: Path,
) -> None:
    meddler, target = meddled
    server, process = bind

    def die(request: bytes, answer: bytes) -> bytes:
        del request
        end(process)
        return answer

    meddler.meddlings.append(die)

    with pytest.raises(UnknownOutcomeError, match="whether it applied it is not known"):
        change(target)
    program = find("named", package="bind9")
    again, reborn = run_server(
        [program, "-g", "-n", "1", "-c", str(tmp_path / "named.conf")],
        make="bind",
        port=server.port,
        log=tmp_path / "again.log",
    )
    try:
        made = change(again.target())
        assert (made.changed, made.how) == (False, "already")
        assert now_at(again.target()) == NEW
    finally:
        end(reborn)


def test_a_person_who_changes_the_record_between_reading_and_writing_wins(
    meddled: tuple[Meddler, DnsTarget], bind: tuple[Served, subprocess.Popen[bytes]]
) -> None:
    meddler, target = meddled
    theirs = a("10.9.9.9")
    meddler.before.append(
        lambda: compare_and_set(bind[0].target(), expected=OLD, desired=theirs, timeout_s=S)
    )

    with pytest.raises(ConflictError) as caught:
        change(target)

    assert str(OLD) in caught.value.message
    assert str(theirs) in caught.value.message
    assert now_at(target) == theirs


@pytest.mark.parametrize(
    ("clause", "error", "words"),
    [
        ('journal "/nonexistent/zone.jnl";', ActionFailedError, "failed to carry out"),
        ("", AccessDeniedError, "does not let key dr-key change"),
    ],
    ids=["a journal that cannot be written", "a zone that takes no updates"],
)
def test_a_zone_that_refuses_is_told_and_stays(
    tmp_path: Path, clause: str, error: type[Exception], words: str
) -> None:
    write_zones(tmp_path)
    policy = f"update-policy {{ grant {KEY} zonesub ANY; }};" if clause else ""
    zone = f'zone "{ZONE}" {{ type primary; file "{ZONE}.zone"; {clause} {policy} }};'
    with named(tmp_path, zone) as server:
        with pytest.raises(error, match=words):
            change(server.target())

        assert now_at(server.target()) == OLD
