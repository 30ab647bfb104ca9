"""Accounts of a Kerberos realm (Active Directory) that may change DNS records."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Annotated

from pydantic import AfterValidator, Field

from secondsite.plan.quantities import DnsName
from secondsite.plan.written import Written

__all__ = ["KerberosAccount", "kdc_endpoint"]

_KDC_PORT = 88

Name = Annotated[str, Field(min_length=1, max_length=255)]


def kdc_endpoint(text: str) -> tuple[str, int]:
    """(address, port) of a KDC, written as `10.2.0.10`, `10.2.0.10:88` or `[2001:db8::10]:88`.

    Raises:
        ValueError: it is not that.
    """
    host, port = text.strip(), str(_KDC_PORT)
    if host.startswith("["):
        host, _, rest = host[1:].partition("]")
        port = rest.removeprefix(":") or port
    elif host.count(":") == 1:
        host, _, port = host.partition(":")
    try:
        address = ip_address(host)
    except ValueError:
        raise ValueError(
            f'"{text}" is a name, and names may be what is being repaired: write an address, like '
            "10.2.0.10"
        ) from None
    if not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise ValueError(f'"{text}" has no port that is possible: write {address}')
    return str(address), int(port)


def _checked_kdc(text: str) -> str:
    kdc_endpoint(text)
    return text


def _checked_realm(text: str) -> str:
    if text != text.upper():
        raise ValueError(f'a realm is written in capitals: write "{text.upper()}"')
    return text


class KerberosAccount(Written):
    """An account of a Kerberos realm (Active Directory) that signs DNS changes (GSS-TSIG).

    Attributes:
        name: Unique among the accounts; DNS targets name it.
        realm: The domain's name in capitals: `CORP.EXAMPLE`.
        principal: The account's name in the realm, without the realm; needed with a keytab. With a
            password, the user name of its credential if absent.
        keytab: Path of the file with the account's keys; `{home}` stands for SECONDSITE_HOME.
        credential: Name of the account from `credentials` whose password is used, instead of a
            keytab.
        kdcs: Addresses of domain controllers, those of the recovery site first: `10.2.0.10`, with
            another port than 88 `10.2.0.10:1088`.
    """

    name: Name
    realm: Annotated[Name, AfterValidator(_checked_realm)]
    principal: Name | None = None
    keytab: Name | None = None
    credential: Name | None = None
    kdcs: Annotated[tuple[Annotated[Name, AfterValidator(_checked_kdc)], ...], Field(min_length=1)]

    def host_of(self, name: str, host: DnsName | None) -> str:
        """The full name of a DNS server of the realm that operators call `name`."""
        return host or (name if "." in name else f"{name}.{self.realm}").lower()
