"""Tickets of Kerberos accounts: got from the KDCs that the estate names, kept in memory only.

Nothing is asked of DNS, which may be what is being repaired: the KDCs are given by address, and
services are named as principals, which libkrb5 takes as they are (it looks up the names of
host-based services). Nothing global is touched: the realm's KDCs stand in a private file, which
goes before the system's own in this process's `KRB5_CONFIG`.

The library (python-gssapi) is imported when a ticket is wanted: it is an optional extra.
"""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import socket
import tempfile
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from secondsite.connectors.dns.model import DnsServer, KerberosAccount
from secondsite.errors import AccessDeniedError, CredentialError, NotStartedError, SiteError

__all__ = ["Tickets", "gssapi_module", "service_of", "trouble"]

_MARGIN_S = 300.0  # a ticket that ends sooner is not used
_PROBE_S = 2.0
_SYSTEM_CONFIG = "/etc/krb5.conf"
_KRB5_BASE = -1765328384  # of the numbers of RFC 4120 §7.5.9, as libkrb5 gives them


def gssapi_module() -> Any:
    """The library, imported.

    Raises:
        CredentialError: it is not installed.
    """
    try:
        import gssapi  # noqa: PLC0415 - an optional extra, and slow to load
    except (ImportError, OSError) as exc:
        raise CredentialError(
            "Kerberos accounts cannot be used for DNS on this machine: the Python package gssapi "
            "is missing.",
            next_step=(
                "Install libkrb5-dev, gcc and python3-dev, then run `make kerberos`, or install "
                "constraints-kerberos.txt as the README says."
            ),
        ) from exc
    return gssapi


class Tickets:
    """The tickets of one account: renewed before they end. For use by several threads."""

    def __init__(
        self, account: KerberosAccount, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._account = account
        self._clock = clock
        self._lock = threading.Lock()
        self._credentials: Any = None
        self._ends_at = 0.0

    def credentials(self, *, timeout_s: float) -> Any:
        """What security contexts are made with (`gssapi.Credentials`).

        Raises:
            SiteError: a KDC refused the account, or none answers.
            CredentialError: the library or the keytab is missing.
        """
        with self._lock:
            if self._credentials is None or self._ends_at - self._clock() < _MARGIN_S:
                self._credentials = self._acquire(timeout_s=timeout_s)
                self._ends_at = self._clock() + float(self._credentials.lifetime)
            return self._credentials

    def forget(self) -> None:
        """Get new ones when they are asked for again."""
        with self._lock:
            self._credentials = None

    def _acquire(self, *, timeout_s: float) -> Any:
        account, gssapi = self._account, gssapi_module()
        _configure(account)
        _check_reachable(account, timeout_s=timeout_s)
        name = gssapi.Name(
            f"{account.principal}@{account.realm}", name_type=gssapi.NameType.kerberos_principal
        )
        mechs = [gssapi.MechType.kerberos]
        try:
            if account.keytab is not None:
                _check_keytab(account)
                return gssapi.Credentials(
                    name=name,
                    usage="initiate",
                    mechs=mechs,
                    store={
                        "client_keytab": f"FILE:{account.keytab}",
                        "ccache": f"MEMORY:{uuid.uuid4().hex}",
                    },
                )
            password = account.password.get_secret_value() if account.password else ""
            acquired = gssapi.raw.acquire_cred_with_password(
                name, password.encode(), usage="initiate", mechs=mechs
            )
            return gssapi.Credentials(base=acquired.creds)
        except gssapi.exceptions.GSSError as exc:
            raise trouble(account, exc) from exc


def service_of(account: KerberosAccount, server: DnsServer) -> str:
    """The name under which the realm knows the DNS service of `server`."""
    return f"DNS/{server.host or server.name}@{account.realm}"


def trouble(account: KerberosAccount, exc: Any, *, server: DnsServer | None = None) -> SiteError:
    """What a KDC said, in an operator's words.

    Args:
        account: For which a ticket was asked.
        exc: A `GSSError`; its minor code is libkrb5's number.
        server: Whose service was asked for; None for the account's own ticket.
    """
    code = _signed(exc.min_code) - _KRB5_BASE
    kdcs = ", ".join(_address(*kdc) for kdc in account.kdcs)
    host = server.name if server else account.kdcs[0][0]
    evidence = {"key": account.name, "realm": account.realm, "krb5": code}
    if code in _UNREACHED:
        return NotStartedError(
            f"No KDC of {account.realm} answers ({kdcs}), so {account} has no ticket. Nothing was "
            "sent to any DNS server.",
            host=host,
            next_step="Start a domain controller, or mend the addresses under `kdcs`.",
            evidence=evidence,
        )
    service = service_of(account, server) if server else ""
    what, step = _REFUSALS.get(
        code,
        (
            f"said: {_told(exc)}",
            "Look at the KDC's log (on a domain controller: Security and System).",
        ),
    )
    values = {"account": account, "service": service, "kdcs": kdcs, "name": account.name}
    return AccessDeniedError(
        f"The KDC of {account.realm} gave {account} no ticket: it {what.format(**values)} "
        f"({code}). Nothing was changed.",
        host=host,
        next_step=step.format(**values),
        evidence=evidence,
    )


_UNREACHED = frozenset({154, 156})  # KRB5_REALM_UNKNOWN is 154 here, KRB5_KDC_UNREACH is 156
_WRONG_PROOF = (
    "does not accept its password or keytab",
    "Compare it with the account: a password change makes a keytab worthless, so export it anew.",
)
_NOT_IN_KEYTAB = (
    "was not asked: the keytab holds no keys of that principal",
    "Compare `klist -k` of the keytab with `principal` and `realm` of {name}.",
)
_REFUSALS: dict[int, tuple[str, str]] = {
    6: ("knows no such account", "Mend `principal` or `realm` of {name} in the estate."),
    7: (
        "knows no service {service}",
        "Write the server's full host name as `host` there; if it is right, see `setspn -L` of it.",
    ),
    14: (
        "shares no type of encryption with it",
        "Allow AES for the account, and export its keytab anew.",
    ),
    18: ("says that it is disabled, locked or out of its hours", "Unlock or enable the account."),
    23: (
        "says that its password has expired",
        "Set a new one that does not expire, and export the keytab anew.",
    ),
    24: _WRONG_PROOF,
    31: _WRONG_PROOF,
    32: ("says that its ticket has expired", "Retry: a new ticket is asked for."),
    37: (
        "says that the clocks differ by more than 5 minutes",
        "Set the clocks of this machine and of the KDC (NTP).",
    ),
    181: _NOT_IN_KEYTAB,
    195: _NOT_IN_KEYTAB,  # libkrb5 looks for a cache of tickets then, and finds none
}


def _told(exc: Any) -> str:
    lines = [*exc.get_all_statuses(exc.min_code, is_maj=False)]
    return "; ".join(str(line) for line in lines) or "no reason"


def _signed(code: int) -> int:
    return code - 2**32 if code >= 2**31 else code


def _address(address: str, port: int) -> str:
    host = f"[{address}]" if ":" in address else address
    return host if port == 88 else f"{host}:{port}"


def _check_keytab(account: KerberosAccount) -> None:
    """libkrb5 would only say that there are no credentials."""
    assert account.keytab is not None  # noqa: S101 - the caller looked
    try:
        with Path(account.keytab).open("rb"):
            return
    except OSError as exc:
        reason = "does not exist" if isinstance(exc, FileNotFoundError) else "cannot be read"
        raise CredentialError(
            f"The keytab {account.keytab} of {account} {reason}.",
            next_step="Export it there, owned by the engine's account, mode 0600.",
        ) from exc


def _check_reachable(account: KerberosAccount, *, timeout_s: float) -> None:
    """Make sure that a KDC answers; libkrb5 itself would try for half a minute."""
    probe_s = max(0.05, min(_PROBE_S, timeout_s / len(account.kdcs)))
    reasons = []
    for address, port in account.kdcs:
        try:
            socket.create_connection((address, port), timeout=probe_s).close()
            return
        except OSError as exc:
            said = "no answer" if isinstance(exc, TimeoutError) else exc.strerror or str(exc)
            reasons.append(f"{_address(address, port)}: {said.lower()}")
    raise NotStartedError(
        f"No KDC of {account.realm} can be reached ({'; '.join(reasons)}), so {account} has no "
        "ticket. Nothing was sent to any DNS server.",
        host=account.kdcs[0][0],
        next_step="Start a domain controller, or mend the addresses under `kdcs`.",
        evidence={"key": account.name, "realm": account.realm},
    )


_realms: dict[str, tuple[tuple[str, int], ...]] = {}
_config_lock = threading.Lock()
_config_before: str | None = None


@functools.cache
def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="secondsite-krb5-"))  # mode 0700
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _configure(account: KerberosAccount) -> None:
    """Tell libkrb5 in this process where the realm's KDCs are.

    Each content gets a file of its own: libkrb5 may not notice at once when one is written anew.
    The file says nothing but that, so that WinRM over Kerberos keeps the system's settings.
    """
    global _config_before  # noqa: PLW0603 - so is the environment
    with _config_lock:
        if _realms.get(account.realm) == account.kdcs:
            return
        if _config_before is None:
            _config_before = os.environ.get("KRB5_CONFIG") or _SYSTEM_CONFIG
        _realms[account.realm] = account.kdcs
        text = "[realms]\n" + "".join(_realm(name, kdcs) for name, kdcs in _realms.items())
        path = _folder() / f"{uuid.uuid4().hex}.conf"
        path.write_text(text, encoding="utf-8")
        os.environ["KRB5_CONFIG"] = f"{path}:{_config_before}"


def _realm(name: str, kdcs: tuple[tuple[str, int], ...]) -> str:
    # With a primary named, a wrong password does not make libkrb5 look for one in DNS.
    lines = [f"  kdc = {_address(*kdc)}\n" for kdc in kdcs]
    lines.append(f"  primary_kdc = {_address(*kdcs[0])}\n")
    return f" {name} = {{\n{''.join(lines)} }}\n"
