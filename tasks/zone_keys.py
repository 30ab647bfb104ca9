"""What signs the changes of a DNS target: a shared key, or an account of a Kerberos realm."""

from __future__ import annotations

from secondsite.connectors.dns import KerberosAccount as ZoneAccount
from secondsite.connectors.dns import TsigKey as ZoneKey
from secondsite.plan.credentials import Secrets
from secondsite.plan.estate import DnsTarget, Estate
from secondsite.plan.kerberos import KerberosAccount, kdc_endpoint

__all__ = ["zone_account", "zone_key"]


def zone_key(estate: Estate, secrets: Secrets, target: DnsTarget) -> ZoneKey | ZoneAccount | None:
    """What signs the changes of `target`; None: nothing does.

    Raises:
        CredentialError: its secret cannot be had.
    """
    account = zone_account(estate, target)
    if account is not None:
        return _account(account, secrets)
    key = estate.key(target.key) if target.key else None
    if key is None:
        return None
    return ZoneKey(name=key.name, algorithm=key.algorithm, secret=secrets.key(key.name))


def zone_account(estate: Estate, target: DnsTarget) -> KerberosAccount | None:
    """The Kerberos account that `target` names."""
    return next((each for each in estate.kerberos if each.name == target.kerberos), None)


def _account(account: KerberosAccount, secrets: Secrets) -> ZoneAccount:
    username, password = "", None
    if account.credential is not None:
        credential = secrets.account(account.credential)
        # As the servers know it: CORP\\operator or operator@corp.example.
        username = credential.username.rpartition("\\")[2].partition("@")[0]
        password = credential.password
    return ZoneAccount(
        name=account.name,
        realm=account.realm,
        principal=account.principal or username,
        kdcs=tuple(kdc_endpoint(kdc) for kdc in account.kdcs),
        keytab=str(secrets.path(account.keytab)) if account.keytab is not None else None,
        password=password,
    )
