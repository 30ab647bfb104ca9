"""Where a Windows server listens and how we prove who we are."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Literal

from pydantic import SecretStr

from secondsite.errors import UsageError

__all__ = ["Endpoint", "Scheme", "Transport"]

Scheme = Literal["http", "https"]
Transport = Literal["basic", "ntlm", "kerberos", "credssp", "certificate"]

SEALING_TRANSPORTS: frozenset[str] = frozenset({"ntlm", "kerberos", "credssp"})


def _is_loopback(address: str) -> bool:
    """Whether `address` surely never leaves this machine."""
    if address.lower() == "localhost":
        return True
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One WinRM listener with the account to use there. Its repr never shows the password.

    Attributes:
        name: The server's name in the estate; messages use it.
        address: Name or address to connect to; `name` if empty.
        port: 5986 for https and 5985 for http if None.
        ca_trust_path: PEM file of the authorities to trust; the usual public ones if None.
        server_cert_validation: `ignore` is for laboratories only.
        certificate_path: PEM file of the client's certificate (transport `certificate`).
        certificate_key_path: PEM file of its key.
        modules: PowerShell modules that lanes to this server import once.
    """

    name: str
    username: str = ""
    password: SecretStr = field(default_factory=lambda: SecretStr(""))
    address: str = ""
    port: int | None = None
    scheme: Scheme = "https"
    transport: Transport = "kerberos"
    ca_trust_path: str | None = None
    server_cert_validation: Literal["validate", "ignore"] = "validate"
    certificate_path: str | None = None
    certificate_key_path: str | None = None
    modules: tuple[str, ...] = ("Hyper-V",)

    def __post_init__(self) -> None:
        """Refuse what would send a password or a command over the network in the clear."""
        if self.scheme == "http" and not self.is_sealed and not _is_loopback(self.target):
            raise UsageError(
                f"{self.name}: transport {self.transport!r} over plain http would send secrets in"
                " the clear; nothing was sent.",
                next_step="Use https, or one of ntlm, kerberos, credssp.",
            )

    @property
    def target(self) -> str:
        """What to connect to."""
        return self.address or self.name

    @property
    def effective_port(self) -> int:
        """The port, given or by WinRM's convention."""
        return self.port or (5986 if self.scheme == "https" else 5985)

    @property
    def is_sealed(self) -> bool:
        """Whether messages are encrypted by the authentication itself when over http."""
        return self.transport in SEALING_TRANSPORTS

    @property
    def url(self) -> str:
        """The WSMan address."""
        target = f"[{self.target}]" if ":" in self.target else self.target
        return f"{self.scheme}://{target}:{self.effective_port}/wsman"

    def __str__(self) -> str:
        """`name (address:port)` for messages."""
        return f"{self.name} ({self.target}:{self.effective_port})"
