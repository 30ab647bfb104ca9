"""What signs: a shared key (TSIG), or what an account of a Kerberos realm agrees on (GSS-TSIG)."""

from __future__ import annotations

import base64
import binascii

import dns.name
import dns.tsig

from secondsite.connectors.dns.gss import GssSigner
from secondsite.connectors.dns.model import DnsServer, DnsTarget, KerberosAccount, TsigKey
from secondsite.connectors.dns.wire import Connection, Signer
from secondsite.errors import CredentialError

__all__ = ["connect", "tsig_key"]


def connect(target: DnsTarget, server: DnsServer) -> Connection:
    """A connection to `server` whose messages are signed as `target` says; opened when first used.

    Raises:
        CredentialError: the key cannot be used on this machine.
    """
    return Connection(server, _signer(target, server))


def tsig_key(key: TsigKey) -> dns.tsig.Key:
    """`key` as dnspython signs with it.

    Raises:
        CredentialError: its secret is not base64, or its algorithm is not known.
    """
    try:
        secret = base64.b64decode(key.secret.get_secret_value().strip(), validate=True)
    except (binascii.Error, ValueError):
        secret = b""
    if not secret:
        # Without its cause: that would carry the secret.
        raise CredentialError(
            f"the secret of DNS key {key.name} is not base64",
            next_step="Put the secret there as the server's key file has it.",
        )
    algorithm = dns.name.from_text(key.algorithm)
    if algorithm not in dns.tsig.mac_sizes:
        raise CredentialError(
            f"DNS key {key.name}: algorithm {key.algorithm!r} is not known",
            next_step="Write hmac-sha256, hmac-sha384 or hmac-sha512.",
        )
    return dns.tsig.Key(dns.name.from_text(key.name), secret, algorithm)


class _FixedSigner:
    """Signs with a shared key, which does not age."""

    def __init__(self, key: dns.tsig.Key) -> None:
        self._key = key

    def key(self, connection: Connection, *, timeout_s: float) -> dns.tsig.Key:
        del connection, timeout_s
        return self._key

    def reject(self) -> bool:
        return False

    def release(self) -> None:
        pass


def _signer(target: DnsTarget, server: DnsServer) -> Signer | None:
    match target.key:
        case TsigKey() as key:
            return _FixedSigner(tsig_key(key))
        case KerberosAccount() as account:
            return GssSigner(account, server)
        case None:
            return None
