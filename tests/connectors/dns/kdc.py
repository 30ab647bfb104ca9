"""A real Kerberos KDC (MIT) for the tests, on a loopback port: the realm CORP.EXAMPLE."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import SecretStr

from secondsite.connectors.dns import KerberosAccount

REALM = "CORP.EXAMPLE"
PASSWORD = "Gut-verwahrt-1"


def find(program: str, *, package: str) -> str:
    """The path of `program`; without it the test is skipped, and fails where CI=true."""
    found = shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    return found or missing(f"{program} is missing: install the package {package}")


def missing(reason: str) -> str:
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def need_gssapi() -> None:
    try:
        import gssapi  # noqa: F401, PLC0415 - an extra
    except ImportError:
        missing("gssapi is missing: install the package libkrb5-dev, then make kerberos")


@dataclass
class Kdc:
    """A started KDC; its accounts all have the password PASSWORD."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes]

    def add(self, principal: str, *options: str) -> None:
        self.admin(f"addprinc {' '.join(options)} -pw {PASSWORD} {principal}")

    def keytab(self, principal: str) -> Path:
        path = self.folder / f"{principal.replace('/', '-')}.keytab"
        if not path.exists():
            self.admin(f"ktadd -norandkey -k {path} {principal}")
        return path

    def admin(self, *commands: str) -> str:
        """Have the KDC's own administration program carry out `commands`."""
        done = subprocess.run(
            [find("kadmin.local", package="krb5-admin-server"), "-r", REALM],
            input="".join(f"{command}\n" for command in commands),
            env=self.environment,
            capture_output=True,
            text=True,
            check=True,
            timeout=30,
        )
        return done.stdout + done.stderr

    @property
    def environment(self) -> dict[str, str]:
        """For the programs of Kerberos: nothing of this machine's own realm is touched."""
        return {
            **os.environ,
            "KRB5_CONFIG": str(self.folder / "krb5.conf"),
            "KRB5_KDC_PROFILE": str(self.folder / "kdc.conf"),
            "KRB5RCACHENAME": "none:",
        }

    def account(self, principal: str, *, by_password: bool = False) -> KerberosAccount:
        return KerberosAccount(
            name=f"{principal}-account",
            realm=REALM,
            principal=principal,
            kdcs=(("127.0.0.1", self.port),),
            keytab=None if by_password else str(self.keytab(principal)),
            password=SecretStr(PASSWORD) if by_password else None,
        )

    def tickets_given(self) -> int:
        """How many tickets it has given to accounts so far (not those for services)."""
        log = (self.folder / "kdc.log").read_text()
        return sum("AS_REQ" in line and "ISSUE" in line for line in log.splitlines())

    def stop(self) -> None:
        end(self.process)


def start_kdc(folder: Path) -> Kdc:
    program = find("krb5kdc", package="krb5-kdc")
    find("kadmin.local", package="krb5-admin-server")
    port = free_port()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "krb5.conf").write_text(
        f"[libdefaults]\n default_realm = {REALM}\n dns_lookup_kdc = false\n"
        f"[realms]\n {REALM} = {{\n  kdc = 127.0.0.1:{port}\n }}\n"
    )
    (folder / "kdc.conf").write_text(
        f"""[kdcdefaults]
 kdc_listen = 127.0.0.1:{port}
 kdc_tcp_listen = 127.0.0.1:{port}
[realms]
 {REALM} = {{
  database_name = {folder}/principal
  key_stash_file = {folder}/stash
  acl_file = {folder}/acl
  supported_enctypes = aes256-cts-hmac-sha1-96:normal
  default_principal_flags = +preauth
 }}
[logging]
 kdc = FILE:{folder}/kdc.log
"""
    )
    kdc = Kdc(folder=folder, port=port, process=None)  # type: ignore[arg-type]
    subprocess.run(
        [find("kdb5_util", package="krb5-kdc"), "create", "-s", "-W", "-P", "x", "-r", REALM],
        env=kdc.environment,
        capture_output=True,
        check=True,
        timeout=30,
    )
    with (folder / "kdc.out").open("wb") as output:
        kdc.process = subprocess.Popen(
            [program, "-n", "-r", REALM, "-P", str(folder / "kdc.pid")],
            env=kdc.environment,
            stdout=output,
            stderr=output,
        )
    until = time.monotonic() + 20
    while not listens(port):
        if kdc.process.poll() is not None or time.monotonic() > until:
            end(kdc.process)
            pytest.fail(f"krb5kdc did not start:\n{(folder / 'kdc.out').read_text()}")
        time.sleep(0.02)
    return kdc


def listens(port: int, address: str = "127.0.0.1") -> bool:
    try:
        socket.create_connection((address, port), timeout=1).close()
    except OSError:
        return False
    return True


def free_port() -> int:
    with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
        tcp.bind(("127.0.0.1", 0))
        port: int = tcp.getsockname()[1]
        udp.bind(("127.0.0.1", port))
        return port


def end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
