"""The TLS certificate that a WinRM listener shows: read without trusting it, to tell its end."""

from __future__ import annotations

import socket
import ssl
from datetime import datetime

from cryptography import x509

from secondsite.connectors.winrm.endpoint import Endpoint
from secondsite.errors import NotStartedError

__all__ = ["certificate_expiry"]


def certificate_expiry(endpoint: Endpoint, *, timeout_s: float) -> datetime | None:
    """When the listener's certificate ends, in aware UTC; None if it speaks plain http.

    Nothing is sent but the TLS greeting, so an expired certificate can be told from a dead server.

    Raises:
        NotStartedError: nobody answers there, or not in TLS.
    """
    if endpoint.scheme != "https":
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    where = (endpoint.target, endpoint.effective_port)
    try:
        with (
            socket.create_connection(where, timeout=timeout_s) as plain,
            context.wrap_socket(plain, server_hostname=endpoint.target) as secured,
        ):
            shown = secured.getpeercert(binary_form=True)
    except OSError as error:
        raise NotStartedError(
            f"{endpoint} shows no certificate: {error.strerror or error}.",
            host=endpoint.name,
            next_step="See whether its WinRM service listens on that port.",
        ) from error
    return x509.load_der_x509_certificate(shown).not_valid_after_utc if shown else None
