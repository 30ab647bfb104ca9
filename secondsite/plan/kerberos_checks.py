"""What is wrong with the Kerberos accounts of an estate, and with the targets that name them."""

from __future__ import annotations

from collections.abc import Iterator

from secondsite.errors import Fault
from secondsite.plan.estate import Estate
from secondsite.plan.kerberos import KerberosAccount
from secondsite.plan.quantities import parse_dns_name
from secondsite.plan.suggestions import did_you_mean
from secondsite.plan.yaml_source import Source

__all__ = ["check_kerberos"]


def check_kerberos(source: Source[Estate], estate: Estate) -> Iterator[Fault]:
    """Every fault of the estate's Kerberos accounts and of their use."""
    for index, account in enumerate(estate.kerberos):
        yield from _check_account(source, estate, index, account)
    accounts = {account.name: account for account in estate.kerberos}
    for index, target in enumerate(estate.dns):
        if target.kerberos is None:
            continue
        path = ("dns", index, "kerberos")
        if target.key is not None:
            yield source.fault(
                "changes are signed by a key or by a Kerberos account: remove key or kerberos",
                *path,
            )
        if estate.lab is not None:
            yield source.fault("the lab knows no Kerberos: write key: NAME", *path)
        named = accounts.get(target.kerberos)
        if named is None:
            yield source.fault(
                f'"{target.kerberos}" is not one of the Kerberos accounts'
                f"{did_you_mean(target.kerberos, accounts)}",
                *path,
            )
            continue
        for number, server in enumerate(target.servers):
            try:
                parse_dns_name(named.host_of(server.name, server.host))
            except ValueError:
                yield source.fault(
                    f'Kerberos knows servers by their full host names, and "{server.name}" is '
                    f"none: write host: dc1.{named.realm.lower()}",
                    *("dns", index, "servers", number),
                )


def _check_account(
    source: Source[Estate], estate: Estate, index: int, account: KerberosAccount
) -> Iterator[Fault]:
    path = ("kerberos", index)
    if (account.keytab is None) == (account.credential is None):
        yield source.fault(
            "an account proves itself in one way: write keytab: PATH, or credential: NAME", *path
        )
    elif account.keytab is not None and account.principal is None:
        yield source.fault(
            "a keytab may hold the keys of many: write principal: NAME, as klist -k shows it", *path
        )
    if account.principal is not None and "@" in account.principal:
        yield source.fault(
            f"the realm has a place of its own: write principal: {account.principal.split('@')[0]}",
            *path,
            "principal",
        )
    if account.credential is not None and account.credential not in estate.credentials:
        yield source.fault(
            f'"{account.credential}" is not one of the credentials'
            f"{did_you_mean(account.credential, estate.credentials)}",
            *path,
            "credential",
        )
    rest = (account.keytab or "").replace("{home}", "")
    if "{" in rest or "}" in rest:
        yield source.fault(
            "only {home} may stand in braces: write {home}/secrets/NAME or a full path",
            *path,
            "keytab",
        )
