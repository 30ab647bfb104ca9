"""A WinRM server in a thread of this process, and lanes to it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any, TypeVar, cast

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import SecretStr

from secondsite.connectors.winrm import Endpoint, Lane, LaneLimits, Script
from secondsite.lab.faults import Fault, Faults
from secondsite.lab.powershell.clock import RealClock
from secondsite.lab.powershell.process import PowerShellProcess
from secondsite.lab.powershell.registry import CmdletCall, CmdletRegistry
from secondsite.lab.wsman import Certificate, ShellInfo, WsmanServer

USER, PASSWORD = "CORP\\svc-recovery", "correct horse"

T = TypeVar("T")

FAST = LaneLimits(
    connect_timeout_s=1.0,
    reply_timeout_s=0.6,
    poll_s=1.0,
    poll_grace_s=0.6,
    start_timeout_s=5.0,
    settle_s=2.0,
    ask_every_s=0.3,
    backoff_s=0.01,
    close_timeout_s=0.6,
)


@dataclass
class Lab:
    """Servers on a loop in a thread, and what happened on them."""

    loop: asyncio.AbstractEventLoop
    faults: Faults
    entries: list[dict[str, Any]] = field(default_factory=list)
    started: list[str] = field(default_factory=list)
    servers: list[WsmanServer] = field(default_factory=list)
    lanes: list[Lane] = field(default_factory=list)

    def await_(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(10)

    def process(self, command_line: str, info: ShellInfo) -> PowerShellProcess:
        registry = CmdletRegistry()

        @registry.cmdlet("Start-VM", module="Hyper-V")
        def start_vm(call: CmdletCall) -> None:
            self.started += cast(list[str], call.parameters["Name"])

        def note(name: str, parameters: Mapping[str, object]) -> None:
            for vm in cast(list[str], parameters["Name"]):
                self.faults.note_cmdlet(host=info.host, cmdlet=name, vm=vm, shell_id=info.shell_id)

        return PowerShellProcess(
            command_line, registry=registry, host=info.host, clock=RealClock(), on_cmdlet=note
        )

    def server(self, name: str = "HV-O-01", **settings: Any) -> WsmanServer:
        settings.setdefault("process_factory", self.process)
        settings.setdefault("credentials", {USER: PASSWORD})
        server = WsmanServer(name=name, faults=self.faults, log=self.entries.append, **settings)
        self.await_(server.start())
        self.servers.append(server)
        return server

    def endpoint(self, server: WsmanServer, **settings: Any) -> Endpoint:
        settings.setdefault("username", USER)
        settings.setdefault("password", SecretStr(PASSWORD))
        settings = {"scheme": "http", "transport": "ntlm", **settings}
        return Endpoint(name=server.name, address="127.0.0.1", port=server.port, **settings)

    def lane(self, server: WsmanServer, *, limits: LaneLimits = FAST, **settings: Any) -> Lane:
        lane = Lane(self.endpoint(server, **settings), limits=limits)
        self.lanes.append(lane)
        return lane

    def break_(self, kind: str, **selectors: Any) -> Fault:
        fault = self.faults.add(Fault.model_validate({"kind": kind, **selectors}))
        self.await_(asyncio.sleep(0.02))  # the listeners follow
        return fault

    def break_silently(self, kind: str) -> None:
        self.faults.log = lambda _: None
        self.faults.add(Fault.model_validate({"kind": kind}))

    def mend(self, fault: Fault) -> None:
        self.faults.remove(fault.id)
        self.await_(asyncio.sleep(0.02))

    def actions(self) -> list[str]:
        return [
            entry["action"]
            for entry in list(self.entries)
            if entry["kind"] == "wsman" and "action" in entry
        ]

    def injected(self) -> list[str]:
        return [entry["fault"] for entry in list(self.entries) if entry["kind"] == "fault"]


@pytest.fixture
def lab() -> Iterator[Lab]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    faults = Faults()
    lab = Lab(loop, faults)
    faults.log = lab.entries.append
    yield lab
    faults.clear()
    for lane in lab.lanes:
        lane.close()
    for server in lab.servers:
        lab.await_(server.stop())
    loop.call_soon_threadsafe(loop.stop)
    thread.join(5)
    loop.close()


@pytest.fixture
def fast() -> LaneLimits:
    return FAST


@pytest.fixture
def script() -> Callable[..., Script]:
    texts = {
        "echo": "param($Value)\n,$Value",
        "start": "param($Name)\nStart-VM -Name $Name\n[ordered]@{ started = $Name }",
        "warn": "param($Value)\nWrite-Warning $Value",
        "sleep": "param($Seconds)\nStart-Sleep -Milliseconds ([int]($Seconds * 1000))\n1",
        "fail": "param($Message, $Id, $Category)\n"
        "Write-Error -Message $Message -ErrorId $Id -Category $Category",
        "exit": "param($Code)\nexit $Code",
    }

    def make(name: str, *, own_process: bool = False) -> Script:
        text = f"# {name}\n{texts[name]}"
        return Script.from_text(f"{name}.ps1", text, own_process=own_process)

    return make


def _make_certificate(folder: Path) -> Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "HV-O-01")])
    now = datetime.now(UTC)
    cert = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(cert.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return Certificate(cert_path=str(folder / "cert.pem"), key_path=str(folder / "key.pem"))


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return _make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="session")
def other_certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return _make_certificate(tmp_path_factory.mktemp("tls"))
