"""Labs of any size: a lab estate, the engine's estate for it, and a plan of all its VMs.

What is generated is ordinary YAML to read and change; nothing reads it but the usual loaders.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from secondsite.errors import UsageError

__all__ = ["generate"]

_VMS_PER_HOST = 20
_VMS_LIMIT = 5000
_STATIC_EVERY = 5
_MEMORY_GIB = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class _Size:
    """How large the generated estate is."""

    vms_count: int
    hosts_count: int
    groups_count: int
    scale: float

    @property
    def prefix_length(self) -> int:
        """Of each network: room for every VM by DHCP and every fifth with a static address."""
        return 20 if self.vms_count <= 3000 else 18

    @property
    def host_memory_gib(self) -> int:
        """Enough for the VMs of a host to run twice."""
        return 16 + 2 * _MEMORY_GIB * math.ceil(self.vms_count / self.hosts_count)

    def network(self, site_number: int) -> IPv4Network:
        """The subnet of a site."""
        return IPv4Network(f"10.{site_number}.0.0/{self.prefix_length}")

    def static_address(self, number: int, *, site_number: int) -> IPv4Address:
        """The static address of the VM of that number."""
        return self.network(site_number).network_address + 16 + number // _STATIC_EVERY

    def dhcp(self, site_number: int) -> tuple[IPv4Address, IPv4Address]:
        """The range of a site's DHCP server."""
        network = self.network(site_number)
        first = network.network_address + 32 + math.ceil(self.vms_count / _STATIC_EVERY)
        return first, network.broadcast_address - 1


def generate(
    folder: Path,
    *,
    vms_count: int,
    hosts_count: int | None = None,
    groups_count: int = 4,
    scale: float = 0.05,
) -> list[Path]:
    """Write `lab.yaml`, `plans/estate.yaml` and `plans/generated.yaml` into `folder`.

    Args:
        folder: Where to write; made if it is not there.
        vms_count: How many VMs, all replicated and all in the plan.
        hosts_count: Hyper-V hosts per site; one for every 20 VMs if None.
        groups_count: Groups of the plan.
        scale: Factor on all times of the lab.

    Returns:
        The files that were written.

    Raises:
        UsageError: a number makes no sense, or a file is there already.
    """
    if not 1 <= vms_count <= _VMS_LIMIT:
        raise UsageError(f"{vms_count} VMs: write a number from 1 to {_VMS_LIMIT}.")
    size = _Size(
        vms_count=vms_count,
        hosts_count=hosts_count or math.ceil(vms_count / _VMS_PER_HOST),
        groups_count=min(groups_count, vms_count),
        scale=scale,
    )
    if size.hosts_count < 1 or size.groups_count < 1 or not 0 < scale <= 10:
        raise UsageError("Hosts and groups are 1 or more, and the scale is above 0 and up to 10.")
    texts = {
        folder / "lab.yaml": _lab(size),
        folder / "plans" / "estate.yaml": _estate(size),
        folder / "plans" / "generated.yaml": _plan(size),
    }
    for path in texts:
        if path.exists():
            raise UsageError(
                f"{path} is there already; nothing was written.",
                next_step="Remove it, or name another folder.",
            )
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return list(texts)


def _is_static(number: int) -> bool:
    return number % _STATIC_EVERY == 0


def _lab(size: _Size) -> str:
    lines = [
        f"# A generated lab: {size.vms_count} VMs on {size.hosts_count} hosts per site.",
        "name: generated",
        f"scale: {size.scale:g}",
        "credentials:",
        "  tokyo-operator: {username: tokyo-operator}",
        "  osaka-operator: {username: osaka-operator}",
        "sites:",
        *_lab_site(size, "tokyo", 1, test=False),
        *_lab_site(size, "osaka", 2, test=True),
        "defaults:",
        f"  memory: {_MEMORY_GIB}GiB",
        "  adapters: [{network: tokyo-prod}]",
        "  guest:",
        "    boot: 40s",
        "    addresses_after: 6s",
        "    services: [{port: 8080, name: service, http: true}]",
        "  replication: {frequency: 5m, recovery_points: 2}",
        "vms:",
    ]
    for number in range(size.vms_count):
        host = number % size.hosts_count + 1
        adapters = ""
        if _is_static(number):
            address = size.static_address(number, site_number=1)
            adapters = (
                f", adapters: [{{network: tokyo-prod, ipv4: {address}/{size.prefix_length}}}]"
            )
        hosts = f"host: hv-tokyo-{host}, replica: hv-osaka-{host}"
        lines.append(f"  - {{name: {_name(number)}, {hosts}{adapters}}}")
    lines += [
        "dns:",
        "  servers:",
        "    - {name: dns-tokyo, site: tokyo}",
        "    - {name: dns-osaka, site: osaka}",
        "    - {name: dns-osaka-test, site: osaka, for_tests: true}",
        "  keys: [{name: dr-key}, {name: dr-test-key}]",
        "  zones:",
        "    - name: corp.example",
        "      servers: [dns-osaka, dns-tokyo]",
        "      keys: [dr-key]",
        "      records: &corp",
        *(
            f"        - {{name: {_name(number)}, type: A, ttl: 60s, "
            f"values: [{size.static_address(number, site_number=1)}]}}"
            for number in range(0, size.vms_count, _STATIC_EVERY)
        ),
        "    - name: corp.example",
        "      servers: [dns-osaka-test]",
        "      keys: [dr-test-key]",
        "      records: *corp",
    ]
    return "\n".join(lines) + "\n"


def _lab_site(size: _Size, site: str, number: int, *, test: bool) -> Iterator[str]:
    yield f"  {site}:"
    yield f"    vmm: {{name: vmm-{site}}}"
    yield f"    credential: {site}-operator"
    yield f"    clouds: [{site}-gold]"
    yield f"    host_memory: {size.host_memory_gib}GiB"
    yield "    hosts:"
    for host in range(1, size.hosts_count + 1):
        yield f"      - name: hv-{site}-{host}"
    yield "    networks:"
    for network, vlan, purpose in _networks(site, number, test=test):
        first, last = size.dhcp(number)
        yield f"      - name: {network}"
        yield f"        switch: vs-{purpose}"
        yield f"        vlan: {vlan}"
        yield f"        purpose: {purpose}"
        yield f"        subnets: [{size.network(number)}]"
        yield f"        dhcp: {{first: {first}, last: {last}}}"


def _networks(site: str, number: int, *, test: bool) -> list[tuple[str, int, str]]:
    found = [(f"{site}-prod", number * 100 + 10, "production")]
    if test:
        found.append((f"{site}-test", number * 100 + 90, "test"))
    return found


def _estate(size: _Size) -> str:
    lines = [
        "# The estate of a generated lab.",
        "lab: generated",
        "credentials:",
    ]
    for site in ("tokyo", "osaka"):
        lines.append(f"  {site}-operator:")
        lines.append(f"    username: {site}-operator")
        lines.append(f'    password: {{file: "{{home}}/lab/secrets/{site}-operator"}}')
    lines.append("keys:")
    for key in ("dr-key", "dr-test-key"):
        lines.append(f'  - {{name: {key}, secret: {{file: "{{home}}/lab/secrets/{key}"}}}}')
    lines.append("sites:")
    for number, site in enumerate(("tokyo", "osaka"), start=1):
        account = f"transport: ntlm, credential: {site}-operator"
        lines.append(f"  {site}:")
        lines.append(f"    vmm: {{name: vmm-{site}, {account}}}")
        lines.append("    hosts:")
        for host in range(1, size.hosts_count + 1):
            lines.append(f"      - {{name: hv-{site}-{host}, {account}}}")
        lines.append(f"    clouds: [{site}-gold]")
        lines.append("    networks:")
        for network, vlan, purpose in _networks(site, number, test=site == "osaka"):
            lines.append(f"      - name: {network}")
            lines.append(f"        switch: vs-{purpose}")
            lines.append(f"        vlan: {vlan}")
            lines.append(f"        subnets: [{size.network(number)}]")
            lines.append(f"        purpose: {purpose}")
    lines += [
        "dns:",
        "  - name: production",
        "    zones: [corp.example]",
        "    servers: [{name: dns-osaka}, {name: dns-tokyo, site: tokyo}]",
        "    key: dr-key",
        "    site: osaka",
        "  - name: rehearsal",
        "    zones: [corp.example]",
        "    servers: [{name: dns-osaka-test}]",
        "    key: dr-test-key",
        "    for_tests: true",
        "    site: osaka",
        "protections:",
        "  - name: tokyo-osaka",
        "    primary: tokyo",
        "    recovery: osaka",
        "    primary_cloud: tokyo-gold",
        "    recovery_cloud: osaka-gold",
        "    networks: {tokyo-prod: osaka-prod}",
        "    test_network: osaka-test",
    ]
    return "\n".join(lines) + "\n"


def _plan(size: _Size) -> str:
    lines = [
        f"# All {size.vms_count} VMs of a generated lab.",
        "name: generated",
        f"description: {size.vms_count} generated VMs in {size.groups_count} groups.",
        "protection: tokyo-osaka",
        "objectives: {rto: 4h, rpo: 15m}",
        "groups:",
    ]
    for group in range(size.groups_count):
        first = group * size.vms_count // size.groups_count
        last = (group + 1) * size.vms_count // size.groups_count
        lines.append(f"  - name: group-{group + 1}")
        lines.append("    vms:")
        for number in range(first, last):
            lines.append(f"      - name: {_name(number)}")
            lines.append('        ready: [heartbeat, {http: "http://{address}:8080/"}]')
            if _is_static(number):
                address = size.static_address(number, site_number=2)
                lines.append(f"        address: {{ipv4: {address}/{size.prefix_length}}}")
            else:
                lines.append("        address: dhcp")
            record = f"{_name(number)}.corp.example"
            lines.append(f"        dns: [{{name: {record}, zone: corp.example, ttl: 60s}}]")
    return "\n".join(lines) + "\n"


def _name(number: int) -> str:
    return f"vm{number + 1:04d}"
