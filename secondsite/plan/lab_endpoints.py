"""An estate with `lab:` is completed with what the running lab says of itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from secondsite.errors import Fault, PlanError, UnreachableError
from secondsite.plan.estate import DnsTarget, Estate, NameServer, Network, Server, Site
from secondsite.plan.logical_network import LogicalNetwork
from secondsite.plan.quantities import parse_subnet
from secondsite.plan.suggestions import did_you_mean
from secondsite.plan.written import FrozenDict
from secondsite.plan.yaml_source import Source

__all__ = ["endpoints_file", "resolve_lab"]


def endpoints_file(home: Path) -> Path:
    """Where a running lab says how to reach it."""
    return home / "lab" / "endpoints.json"


def resolve_lab(source: Source[Estate], estate: Estate, *, home: Path) -> Estate:
    """`estate` with the addresses, ports and masquerade networks of the running lab.

    An estate without `lab:` comes back as it is.

    Raises:
        UnreachableError: the lab that the estate names is not up.
        PlanError: the lab has no such server or network.
    """
    if estate.lab is None:
        return estate
    endpoints = _read(endpoints_file(home), estate.lab)
    return _Completion(source, estate, endpoints).estate()


def _read(path: Path, lab: str) -> Mapping[str, Any]:
    try:
        endpoints = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        _not_up(lab, "it is not up")
    except (OSError, ValueError):
        _not_up(lab, f"{path} cannot be read")
    if not isinstance(endpoints, dict) or endpoints.get("lab") != lab:
        running = endpoints.get("lab") if isinstance(endpoints, dict) else None
        _not_up(lab, f'another lab is up ("{running}"): end it with `secondsite lab down`')
    return endpoints


def _not_up(lab: str, reason: str) -> NoReturn:
    raise UnreachableError(
        f'The estate is that of the lab "{lab}", but {reason}.',
        next_step=f"secondsite lab up --estate lab/{lab}.yaml",
    )


class _Completion:
    def __init__(
        self, source: Source[Estate], estate: Estate, endpoints: Mapping[str, Any]
    ) -> None:
        self._source = source
        self._estate = estate
        self._servers: Mapping[str, Any] = endpoints.get("servers", {})
        self._dns: Mapping[str, Any] = endpoints.get("dns", {})
        self._masquerade: Mapping[str, Any] = endpoints.get("masquerade", {})
        self._faults: list[Fault] = []

    def estate(self) -> Estate:
        sites = {name: self._site(name, site) for name, site in self._estate.sites.items()}
        dns = tuple(self._target(index, each) for index, each in enumerate(self._estate.dns))
        if self._faults:
            raise PlanError(self._faults)
        return self._estate.model_copy(update={"sites": FrozenDict(sites), "dns": dns})

    def _site(self, name: str, site: Site) -> Site:
        return site.model_copy(
            update={
                "vmm": self._server(site.vmm, "sites", name, "vmm"),
                "hosts": tuple(
                    self._server(host, "sites", name, "hosts", index)
                    for index, host in enumerate(site.hosts)
                ),
                "networks": tuple(
                    self._network(network, "sites", name, "networks", index)
                    for index, network in enumerate(site.networks)
                ),
                "logical_networks": tuple(map(self._logical_network, site.logical_networks)),
            }
        )

    def _server(self, server: Server, *path: str | int) -> Server:
        endpoint = self._find(self._servers, server.name, "server", *path)
        known = {key: endpoint[key] for key in _SERVER_KEYS if endpoint.get(key) is not None}
        return server.model_copy(update=known)

    def _network(self, network: Network, *path: str | int) -> Network:
        blocks = self._masquerade.get(network.name)
        if blocks is None:
            if self._masquerade:
                self._find(self._masquerade, network.name, "network", *path)
            return network
        blocks = {str(parse_subnet(subnet)): parse_subnet(to) for subnet, to in blocks.items()}
        known = [subnet for subnet in network.subnets if str(subnet) in blocks]
        # A subnet without a block (IPv6, say) is not reachable in the lab, and needs no place here.
        rest = [subnet for subnet in network.subnets if str(subnet) not in blocks]
        return network.model_copy(
            update={
                "subnets": (*known, *rest),
                "masquerade": tuple(blocks[str(subnet)] for subnet in known),
            }
        )

    def _logical_network(self, logical: LogicalNetwork) -> LogicalNetwork:
        """With the addresses of networks that are made of it; the lab has those of some only."""
        blocks = self._masquerade.get(f"{logical.name} (logical network)", {})
        return logical.model_copy(update={"masquerade": FrozenDict(blocks)})

    def _target(self, index: int, target: DnsTarget) -> DnsTarget:
        servers = tuple(
            self._name_server(server, "dns", index, "servers", number)
            for number, server in enumerate(target.servers)
        )
        winrm = self._server(target.winrm, "dns", index, "winrm") if target.winrm else None
        return target.model_copy(update={"servers": servers, "winrm": winrm})

    def _name_server(self, server: NameServer, *path: str | int) -> NameServer:
        endpoint = self._find(self._dns, server.name, "DNS server", *path)
        known = {key: endpoint[key] for key in ("address", "port") if endpoint.get(key) is not None}
        return server.model_copy(update=known)

    def _find(
        self, known: Mapping[str, Any], name: str, what: str, *path: str | int
    ) -> Mapping[str, Any]:
        found = known.get(name)
        if isinstance(found, dict):
            return found
        self._faults.append(
            self._source.fault(
                f'the running lab has no {what} "{name}"{did_you_mean(name, known)}', *path
            )
        )
        return {}


_SERVER_KEYS = ("address", "port", "https", "transport", "ca")
