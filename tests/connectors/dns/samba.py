"""A real Active Directory (Samba) for the tests: one domain controller in a network of its own.

It needs the ports 53 and 88, so it lives in a network namespace that a pair of virtual interfaces
joins to this machine's. The namespace has no name and ends with the processes in it; they end with
the test's process, however that ends.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import dns.exception
import dns.message
import dns.name
import dns.query
import pytest
from dns.update import UpdateMessage
from pydantic import SecretStr

from secondsite.connectors.dns import DnsServer, DnsTarget, KerberosAccount
from secondsite.connectors.dns.keys import connect
from secondsite.lab.dns import ZoneRecord
from tests.connectors.dns.kdc import PASSWORD, REALM, end, find, listens, missing

HOST = "dc1.corp.example"
_READY_S = 60.0
_PARTS = {
    "/usr/lib/python3/dist-packages/samba": "python3-samba",
    "/usr/share/samba/setup": "samba-ad-provision",
}

# No test leaves a server behind, not even one that is killed.
_UNTIL_END_OF_INPUT = '"$@" & cat; kill $!; wait'

_MAKE = """
import sys
from samba.netcmd.main import samba_tool

folder, address, password, *accounts = sys.argv[1:]

def tool(*words):
    if samba_tool(*words):
        sys.exit(1)

tool("domain", "provision", "--realm=CORP.EXAMPLE", "--domain=CORP", "--server-role=dc",
     "--dns-backend=SAMBA_INTERNAL", "--targetdir=" + folder, "--host-name=dc1",
     "--host-ip=" + address, "--adminpass=" + password, "--option=bind interfaces only=yes",
     "--option=interfaces=" + address + "/30 127.0.0.1/8", "--option=dns forwarder=")
where = ["-H", folder + "/private/sam.ldb", "-s", folder + "/etc/smb.conf"]
for account in accounts:
    tool("user", "create", account, password, *where)
tool("group", "addmembers", "DnsAdmins", accounts[0], *where)
tool("domain", "exportkeytab", folder + "/" + accounts[0] + ".keytab",
     "--principal=" + accounts[0], *where[2:])
"""


@dataclass
class Directory:
    """A domain controller of the domain corp.example; it can be stopped and started anew."""

    folder: Path
    address: str
    network: Network
    process: subprocess.Popen[bytes] | None = field(default=None)

    @property
    def server(self) -> DnsServer:
        return DnsServer(name="dc1", address=self.address, host=HOST)

    def account(self, principal: str, *, by_keytab: bool = False) -> KerberosAccount:
        keytab = str(self.folder / f"{principal}.keytab")
        return KerberosAccount(
            name=f"{principal}-account",
            realm=REALM,
            principal=principal,
            kdcs=((self.address, 88),),
            keytab=keytab if by_keytab else None,
            password=None if by_keytab else SecretStr(PASSWORD),
        )

    def target(self, principal: str = "dr-engine", *, zone: str = "corp.example") -> DnsTarget:
        return DnsTarget(zone=zone, servers=(self.server,), key=self.account(principal))

    def start(self) -> None:
        run = self.folder / "run"
        signd = run / "signd"
        signd.mkdir(parents=True, exist_ok=True)
        signd.chmod(0o750)
        options = {
            "server services": "rpc, kdc, dns, ldap, cldap",
            "pid directory": str(run),
            "ncalrpc dir": str(run / "ncalrpc"),
            "ntp signd socket directory": str(signd),
            "winbindd socket directory": str(run / "winbindd"),
            "log file": str(run / "log"),
        }
        log = self.folder / "samba.log"
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                [
                    *(*self.network.inside, "sh", "-c", _UNTIL_END_OF_INPUT, "sh"),
                    *(find("samba", package="samba-ad-dc"), "-F", "--no-process-group"),
                    *("--debug-stdout", "-s", str(self.folder / "etc" / "smb.conf")),
                    *(f"--option={name}={value}" for name, value in options.items()),
                ],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        until = time.monotonic() + _READY_S
        question = dns.message.make_query("corp.example", "SOA")
        while True:
            try:
                if dns.query.tcp(question, self.address, timeout=1).answer:
                    return
            except (dns.exception.DNSException, OSError, EOFError):
                pass
            if self.process.poll() is not None or time.monotonic() > until:
                self.stop()
                pytest.fail(f"samba did not start:\n{log.read_text()}")
            time.sleep(0.05)

    def stop(self) -> None:
        if self.process is None:
            return
        assert self.process.stdin is not None
        self.process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=10)
        with contextlib.suppress(ProcessLookupError):  # usually all are gone already
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process = None
        until = time.monotonic() + 10
        while any(listens(port, self.address) for port in (53, 88)):
            if time.monotonic() > until:
                pytest.fail("samba did not end")
            time.sleep(0.01)

    def close(self) -> None:
        """Nothing is left of it, but its folder."""
        self.stop()
        self.network.close()

    def tool(self, *words: str) -> None:
        """Have the directory's own administration program do something, over the network."""
        subprocess.run(
            [
                *(*self.network.inside, find("samba-tool", package="samba-ad-dc"), *words),
                *("-s", str(self.folder / "etc" / "smb.conf"), f"-UAdministrator%{PASSWORD}"),
            ],
            check=True,
            capture_output=True,
            timeout=_READY_S,
        )


class Network:
    """A network namespace without a name, joined to this machine's by two addresses."""

    def __init__(self) -> None:
        here, self.address = _free_addresses()
        self._holder = subprocess.Popen(
            [find("unshare", package="util-linux"), "--net", "cat"], stdin=subprocess.PIPE
        )
        try:
            number = self._holder.pid
            self._wait_for_namespace()
            link = f"dr{number}"
            _ip("link", "add", link, "type", "veth", "peer", "name", "dc", "netns", str(number))
            _ip("addr", "add", f"{here}/30", "dev", link)
            _ip("link", "set", link, "up")
            for words in (f"addr add {self.address}/30 dev dc", "link set dc up", "link set lo up"):
                subprocess.run([*self.inside, "ip", *words.split()], check=True, timeout=10)
        except BaseException:
            self.close()
            raise

    @property
    def inside(self) -> list[str]:
        """What a command begins with that shall run in it."""
        return ["nsenter", f"--net=/proc/{self._holder.pid}/ns/net"]

    def close(self) -> None:
        """Nothing is left of it once nothing runs in it."""
        end(self._holder)
        if self._holder.stdin is not None:
            self._holder.stdin.close()

    def _wait_for_namespace(self) -> None:
        until = time.monotonic() + 10
        ours = Path("/proc/self/ns/net").readlink()
        while Path(f"/proc/{self._holder.pid}/ns/net").readlink() == ours:
            if self._holder.poll() is not None or time.monotonic() > until:
                pytest.fail("a network namespace could not be made")
            time.sleep(0.01)


def start_directory(folder: Path) -> Directory:
    """Make a domain, and start its domain controller."""
    if os.geteuid() != 0:
        missing("a network namespace for Samba can be made by root only")
    find("ip", package="iproute2")
    find("samba", package="samba-ad-dc")
    for part, package in _PARTS.items():
        if not Path(part).exists():
            missing(f"{part} is missing: install the package {package}")
    network = Network()
    try:
        made = subprocess.run(
            [
                *("/usr/bin/python3", "-c", _MAKE, str(folder), network.address, PASSWORD),
                *("dr-engine", "narrow"),
            ],
            capture_output=True,
            text=True,
            check=False,
            timeout=180,
        )
        if made.returncode:
            pytest.fail(f"no domain could be made:\n{made.stdout}{made.stderr}")
        directory = Directory(folder=folder, address=network.address, network=network)
    except BaseException:
        network.close()
        raise
    try:
        directory.start()
        directory.tool("dns", "zonecreate", network.address, "0.2.10.in-addr.arpa")
    except BaseException:
        directory.close()
        raise
    return directory


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, timeout=10)


def _free_addresses() -> tuple[str, str]:
    """Two addresses that are set aside for tests (RFC 2544), and that no other test uses now."""
    taken = subprocess.run(
        ["ip", "-4", "-o", "addr"], capture_output=True, text=True, check=True, timeout=10
    ).stdout
    for number in range(os.getpid(), os.getpid() + 16384):
        stem = f"198.18.{number % 256}.{number // 256 % 64 * 4}"
        base, last = stem.rsplit(".", 1)
        here, there = (f"{base}.{int(last) + offset}" for offset in (1, 2))
        if f" {here}/" not in taken:
            return here, there
    pytest.fail("no addresses are free")


class Records:
    """The records of the test zones, of which the account `narrow` owns `sql` alone."""

    def __init__(self, directory: Directory, records: tuple[ZoneRecord, ...]) -> None:
        self._directory = directory
        self._records = records
        first = UpdateMessage("corp.example")
        first.add("sql", 300, "A", "192.0.2.1")
        self._send(first, account="narrow")
        rest = UpdateMessage("corp.example")
        for (
            name
        ) in _MADE_BY_TESTS:  # once made, a name has an owner, also when its records are gone
            rest.add(dns.name.from_text(name), 300, "A", "192.0.2.1")
        self._send(rest)

    def reset(self) -> None:
        """Put all back to what it was."""
        zone = UpdateMessage("corp.example")
        for name in (*(record.name for record in self._records), *_MADE_BY_TESTS):
            zone.delete(dns.name.from_text(name))
        for record in self._records:
            owner = dns.name.from_text(record.name)
            zone.add(owner, record.ttl_s, record.type, *record.values)
        reverse = UpdateMessage("0.2.10.in-addr.arpa")
        reverse.delete("21")
        self._send(zone)
        self._send(reverse)

    def _send(self, message: UpdateMessage, *, account: str = "dr-engine") -> None:
        target = self._directory.target(account, zone=message.zone[0].name.to_text())
        with connect(target, target.writable) as connection:
            # Asked first: an earlier test may have started the server anew.
            connection.ask(dns.message.make_query(target.zone, "SOA", flags=0), timeout_s=20)
            answer = connection.exchange(message, timeout_s=20)
        assert (answer.rcode, answer.is_trusted) == ("NOERROR", True)


_MADE_BY_TESTS = ("new.corp.example", *(f"vm{number}.corp.example" for number in range(1, 101)))
