"""What is wrong with an estate: names that lead nowhere, and tests that would reach production."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from secondsite.errors import Fault
from secondsite.plan.dns_target_checks import check_dns
from secondsite.plan.estate import Estate, Protection, SecretSource, Server
from secondsite.plan.logical_network_checks import (
    check_logical_networks,
    check_test_logical_network,
)
from secondsite.plan.network_checks import check_mapping, check_networks
from secondsite.plan.prefect_checks import check_prefect
from secondsite.plan.suggestions import did_you_mean
from secondsite.plan.yaml_source import Source

__all__ = ["check_estate"]

Place = tuple[str | int, ...]


def check_estate(source: Source[Estate], estate: Estate) -> Iterator[Fault]:
    """Every fault of `estate` that its file alone shows."""
    yield from _check_unique(source, estate)
    yield from _check_servers(source, estate)
    yield from check_networks(source, estate)
    yield from check_logical_networks(source, estate)
    yield from _check_secrets(source, estate)
    yield from _check_approvers(source, estate)
    yield from check_prefect(source, estate)
    yield from check_dns(source, estate)
    for index, protection in enumerate(estate.protections):
        yield from _check_protection(source, estate, protection, ("protections", index))


def _check_unique(source: Source[Estate], estate: Estate) -> Iterator[Fault]:
    yield from _twice(source, _servers(estate), "server")
    networks = (
        (("sites", site, "networks", index), network.name)
        for site, described in estate.sites.items()
        for index, network in enumerate(described.networks)
    )
    yield from _twice(source, networks, "network")
    for key, what in (
        ("keys", "key"),
        ("kerberos", "account"),
        ("dns", "target"),
        ("protections", "protection"),
        ("approvers", "approver"),
        ("notifications", "target"),
    ):
        named = getattr(estate, key)
        yield from _twice(source, (((key, i), each.name) for i, each in enumerate(named)), what)


def _servers(estate: Estate) -> Iterator[tuple[Place, str]]:
    return ((path, server.name) for path, server in _placed_servers(estate))


def _placed_servers(estate: Estate) -> Iterator[tuple[Place, Server]]:
    for name, site in estate.sites.items():
        yield ("sites", name, "vmm"), site.vmm
        for index, host in enumerate(site.hosts):
            yield ("sites", name, "hosts", index), host


def _twice(
    source: Source[Estate], named: Iterable[tuple[Place, str]], what: str
) -> Iterator[Fault]:
    first_line: dict[str, int] = {}
    for path, name in named:
        known = first_line.get(name.casefold())
        if known is not None:
            yield source.fault(
                f"another {what} is named {name} (line {known}): every {what} of the estate needs "
                "a name of its own",
                *path,
                "name",
            )
        first_line.setdefault(name.casefold(), source.lines.of(*path, "name"))


def _check_servers(source: Source[Estate], estate: Estate) -> Iterator[Fault]:
    dns: list[tuple[Place, Server]] = [
        (("dns", index, "winrm"), target.winrm)
        for index, target in enumerate(estate.dns)
        if target.winrm is not None
    ]
    for path, server in (*_placed_servers(estate), *dns):
        if server.credential not in estate.credentials:
            yield source.fault(
                f'"{server.credential}" is not one of the credentials'
                f"{did_you_mean(server.credential, estate.credentials)}",
                *path,
                "credential",
            )
        if server.transport == "basic" and not server.https and estate.lab is None:
            yield source.fault(
                "basic without https sends the password readable: write https: true, "
                "or transport: kerberos",
                *path,
                "transport",
            )
        if server.transport == "certificate" and not (
            server.certificate and server.certificate_key
        ):
            yield source.fault(
                "a certificate needs its files: write certificate: PATH and certificate_key: PATH",
                *path,
                "transport",
            )


def _check_secrets(source: Source[Estate], estate: Estate) -> Iterator[Fault]:
    placed: list[tuple[Place, SecretSource]] = [
        (("credentials", name, "password"), credential.password)
        for name, credential in estate.credentials.items()
    ]
    placed += [(("keys", index, "secret"), key.secret) for index, key in enumerate(estate.keys)]
    placed += [
        (("notifications", index, "url"), target.url)
        for index, target in enumerate(estate.notifications)
        if target.url is not None
    ]
    if estate.prefect.auth is not None:
        placed.append((("prefect", "auth"), estate.prefect.auth))
    for path, secret in placed:
        rest = (secret.file or "").replace("{home}", "")
        if "{" in rest or "}" in rest:
            yield source.fault(
                "only {home} may stand in braces: write {home}/secrets/NAME or a full path",
                *path,
                "file",
            )


def _check_approvers(source: Source[Estate], estate: Estate) -> Iterator[Fault]:
    for index, approver in enumerate(estate.approvers):
        if approver.totp is not None and approver.totp not in estate.credentials:
            yield source.fault(
                f'"{approver.totp}" is not one of the credentials'
                f"{did_you_mean(approver.totp, estate.credentials)}",
                *("approvers", index, "totp"),
            )
    if estate.approver_lock.total_seconds() <= 0:
        yield source.fault("a lock lasts for a while: write 15m", "approver_lock")
    if estate.remind_every is not None and estate.remind_every.total_seconds() <= 0:
        yield source.fault("a reminder needs some time: write 30m", "remind_every")


def _check_protection(
    source: Source[Estate], estate: Estate, protection: Protection, path: Place
) -> Iterator[Fault]:
    for key, cloud_key in (("primary", "primary_cloud"), ("recovery", "recovery_cloud")):
        site_name, cloud = getattr(protection, key), getattr(protection, cloud_key)
        site = estate.sites.get(site_name)
        if site is None:
            yield source.fault(
                f'"{site_name}" is not one of the sites{did_you_mean(site_name, estate.sites)}',
                *path,
                key,
            )
        elif site.clouds and cloud not in site.clouds:
            yield source.fault(
                f'"{cloud}" is not a cloud of {site_name}{did_you_mean(cloud, site.clouds)}',
                *path,
                cloud_key,
            )
    inside = protection.guest_credential
    if inside is not None and inside not in estate.credentials:
        yield source.fault(
            f'"{inside}" is not one of the credentials{did_you_mean(inside, estate.credentials)}',
            *path,
            "guest_credential",
        )
    if protection.primary == protection.recovery:
        yield source.fault(
            "a protection leads from one site to another: write another site", *path, "recovery"
        )
        return
    yield from check_mapping(source, estate, protection, path)
    yield from check_test_logical_network(source, estate, protection, path)
