"""What is wrong with the DNS targets of an estate: above all, tests that would reach production."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address

from secondsite.errors import Fault
from secondsite.plan.dns_rules import DnsRule
from secondsite.plan.estate import DnsTarget, Estate, NameServer
from secondsite.plan.kerberos_checks import check_kerberos
from secondsite.plan.suggestions import did_you_mean
from secondsite.plan.yaml_source import Source

__all__ = ["check_dns"]


def check_dns(source: Source[Estate], estate: Estate) -> Iterator[Fault]:
    """Every fault of the estate's DNS targets."""
    yield from check_kerberos(source, estate)
    key_names = [key.name for key in estate.keys]
    for index, target in enumerate(estate.dns):
        if target.key is not None and target.key not in key_names:
            yield source.fault(
                f'"{target.key}" is not one of the keys{did_you_mean(target.key, key_names)}',
                *("dns", index, "key"),
            )
        if target.site is not None and target.site not in estate.sites:
            yield source.fault(
                f'"{target.site}" is not one of the sites{did_you_mean(target.site, estate.sites)}',
                *("dns", index, "site"),
            )
        yield from _check_servers(source, estate, index, target)
        yield from _check_windows(source, index, target)
        yield from _check_stand_ins(source, estate, index, target)
        if target.for_tests:
            yield from _check_isolation(source, estate, index, target)
    yield from _check_rules(source, estate)


def _check_rules(source: Source[Estate], estate: Estate) -> Iterator[Fault]:
    served = {zone for target in estate.dns if not target.for_tests for zone in target.zones}
    placed: list[tuple[tuple[str | int, ...], DnsRule]] = [
        (("dns_policy", "rules", index), rule) for index, rule in enumerate(estate.dns_policy.rules)
    ]
    placed += [
        (("protections", number, "dns_rules", index), rule)
        for number, protection in enumerate(estate.protections)
        for index, rule in enumerate(protection.dns_rules)
    ]
    for path, rule in placed:
        if rule.zone not in served:
            yield source.fault(
                f'no dns target of the estate serves the zone "{rule.zone}"'
                f"{did_you_mean(rule.zone, served)}",
                *path,
                "zone",
            )


def _check_servers(
    source: Source[Estate], estate: Estate, index: int, target: DnsTarget
) -> Iterator[Fault]:
    seen: set[str] = set()
    for number, server in enumerate(target.servers):
        path = ("dns", index, "servers", number)
        if server.name.casefold() in seen:
            yield source.fault("this server is written twice: keep one", *path)
        seen.add(server.name.casefold())
        if server.address is None and estate.lab is None:
            yield source.fault("its address is missing: write address: 10.2.0.10", *path)
        if server.site is not None and server.site not in estate.sites:
            yield source.fault(
                f'"{server.site}" is not one of the sites{did_you_mean(server.site, estate.sites)}',
                *path,
                "site",
            )
        if server.address is not None and not _is_address(server.address):
            yield source.fault(
                f'"{server.address}" is a name, and names may be what is being repaired: write '
                "its address, like 10.2.0.10",
                *path,
                "address",
            )


def _check_windows(source: Source[Estate], index: int, target: DnsTarget) -> Iterator[Fault]:
    if target.winrm is None:
        if target.zone_scope is not None:
            yield source.fault(
                "DNS updates reach no zone scope: write winrm, or remove this",
                *("dns", index, "zone_scope"),
            )
        return
    if target.key is not None or target.kerberos is not None:
        yield source.fault(
            "a target is changed in one way: write winrm, or key, or kerberos",
            *("dns", index, "winrm"),
        )
    first = target.servers[0].name
    if target.winrm.name.casefold() != first.casefold():
        yield source.fault(
            f"the first server takes the changes: write name: {first}, or put "
            f'"{target.winrm.name}" first among the servers',
            *("dns", index, "winrm", "name"),
        )


def _check_stand_ins(
    source: Source[Estate], estate: Estate, index: int, target: DnsTarget
) -> Iterator[Fault]:
    if target.stands_for and not target.for_tests:
        yield source.fault(
            "zones stand for others in tests only: write for_tests: true, or remove this",
            *("dns", index, "stands_for"),
        )
        return
    production = {zone for other in estate.dns if not other.for_tests for zone in other.zones}
    for zone, test_zone in target.stands_for.items():
        path = ("dns", index, "stands_for", zone)
        if zone not in production:
            yield source.fault(
                f'"{zone}" is a zone of no production target{did_you_mean(zone, production)}',
                *path,
            )
        if test_zone not in target.zones:
            yield source.fault(
                f'"{test_zone}" is not one of the zones of {target.name}'
                f"{did_you_mean(test_zone, target.zones)}",
                *path,
            )


def _check_isolation(
    source: Source[Estate], estate: Estate, index: int, target: DnsTarget
) -> Iterator[Fault]:
    """A zone that tests write to must not be a zone that production reads."""
    for other in estate.dns:
        if other.for_tests or target.zone_scope != other.zone_scope:
            continue
        shared = [
            server.name
            for server in target.servers
            if any(_is_same(server, each) for each in other.servers)
        ]
        for number, zone in enumerate(target.zones):
            if shared and zone in other.zones:
                yield source.fault(
                    f"tests would change the production zone {zone} on {', '.join(shared)} (target "
                    f"{other.name}): write a zone for tests, like dr-test.{zone}, and stands_for: "
                    f"{{{zone}: dr-test.{zone}}}, or other servers",
                    *("dns", index, "zones", number),
                )


def _is_same(one: NameServer, other: NameServer) -> bool:
    if one.name.casefold() == other.name.casefold():
        return True
    return one.address is not None and (one.address, one.port) == (other.address, other.port)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
