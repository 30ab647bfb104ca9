"""Keys in the form in which messages are signed."""

from __future__ import annotations

import base64
import binascii

import dns.name
import dns.tsig

from secondsite.connectors.dns.model import TsigKey
from secondsite.errors import CredentialError

__all__ = ["tsig_key"]


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
