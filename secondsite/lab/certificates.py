"""A certificate authority for one lab instance, and server certificates that it has signed."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from secondsite.lab.wsman import Certificate

__all__ = ["make_certificates"]

_VALID = dt.timedelta(days=90)


def make_certificates(
    servers: Mapping[str, dt.timedelta], folder: Path
) -> tuple[Path, dict[str, Certificate]]:
    """A new authority, and a certificate that it has signed for each server.

    Args:
        servers: By name, for how long each certificate is good; 127.0.0.1 and localhost are added
            to its names.
        folder: Where `ca.pem`, and a `.pem` and a `.key` for each server, are written.

    Returns:
        Path of the authority's certificate, and the servers' by name.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    authority_key = ec.generate_private_key(ec.SECP256R1())
    authority_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Secondsite lab")])
    authority = (
        _builder(authority_name, authority_name, authority_key, valid=_VALID)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(
            x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key()), critical=False
        )
        .sign(authority_key, hashes.SHA256())
    )
    ca_path = folder / "ca.pem"
    ca_path.write_bytes(authority.public_bytes(serialization.Encoding.PEM))
    certificates = {
        name: _server(name, valid, authority=authority, key=authority_key, folder=folder)
        for name, valid in servers.items()
    }
    return ca_path, certificates


def _server(
    name: str,
    valid: dt.timedelta,
    *,
    authority: x509.Certificate,
    key: ec.EllipticCurvePrivateKey,
    folder: Path,
) -> Certificate:
    server_key = ec.generate_private_key(ec.SECP256R1())
    server_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    alternatives: list[x509.GeneralName] = [x509.IPAddress(ip_address("127.0.0.1"))]
    alternatives += [x509.DNSName(each) for each in ("localhost", name)]
    server = (
        _builder(server_name, authority.subject, server_key, valid=valid)
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    cert_path, key_path = folder / f"{name}.pem", folder / f"{name}.key"
    cert_path.write_bytes(server.public_bytes(serialization.Encoding.PEM))
    key_path.unlink(missing_ok=True)
    with os.fdopen(os.open(key_path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(
            server_key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
    return Certificate(cert_path=str(cert_path), key_path=str(key_path))


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    *,
    valid: dt.timedelta,
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=5))
        .not_valid_after(now + valid)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
