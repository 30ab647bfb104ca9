"""What people type when the engine itself is lost: the same actions as commands.

Pure. Blocks of PowerShell act only on those of the named VMs that are on the host where they are
run, so that one page does for every host of a site. The commands, and the states that they need,
are those of reference/hyper-v-replica.md §3.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Interface, IPv6Interface, ip_address
from pathlib import PurePosixPath
from typing import Literal

from secondsite.plan.dns_intent import DnsChange
from secondsite.plan.estate import Network
from secondsite.plan.guests import StaticAddress

__all__ = [
    "Block",
    "become_replicas",
    "commit",
    "connect",
    "connect_by_vmm",
    "copy_back",
    "fail_over",
    "find_address",
    "look",
    "prepare",
    "reverse",
    "run_inside",
    "shut_down",
    "start",
    "update_dns",
]


_LOOK_FIRST = (
    "Look first what is there, and write it down: this replaces all of it. Of a name that leads to "
    "several machines, replace only the address of this VM."
)
_TTL_S = 300
_VALUE = {"A": "-A -IPv4Address", "AAAA": "-AAAA -IPv6Address", "PTR": "-Ptr -PtrDomainName"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Lines to be typed, or pasted, in one place.

    Attributes:
        where: On which servers, in words.
        language: What reads them.
        note: What to know before, or to see after.
    """

    where: str
    language: Literal["powershell", "nsupdate"]
    lines: tuple[str, ...]
    note: str = ""

    @property
    def text(self) -> str:
        """All lines."""
        return "\n".join(self.lines)


def look(site: str, vms: Sequence[str]) -> Block:
    """Where each VM is, and how its replication stands."""
    return _on_each_host(
        site,
        vms,
        "foreach ($vm in $vms) {",
        "    Get-VMReplication -VMName $vm.Name |",
        "        Select-Object VMName, ReplicationMode, ReplicationState, ReplicationHealth, "
        "LastReplicationTime",
        "}",
        note="A replica that can take over is Replica, Replicating. Write down which host has it.",
    )


def shut_down(site: str, groups: Sequence[Sequence[str]]) -> Block:
    """Shut guests down, group after group in the order given."""
    return Block(
        where=_every_host(site),
        language="powershell",
        lines=tuple(
            line
            for vms in groups
            for line in (*_chosen(vms), "foreach ($vm in $vms) { Stop-VM -Name $vm.Name }", "")
        )[:-1],
        note="One part after the other, each on every host; go on when all of a part are Off. One "
        "that hangs: Stop-VM -TurnOff loses what is not on its disks.",
    )


def prepare(site: str, vms: Sequence[str]) -> Block:
    """Send the last changes."""
    return _on_each_host(
        site,
        vms,
        "foreach ($vm in $vms) { Start-VMFailover -VMName $vm.Name -Prepare -Confirm:$false }",
        note="Each must be Off. Go on when each shows ReplicationState PreparedForFailover.",
    )


def fail_over(
    site: str, vms: Sequence[str], addresses: Iterable[tuple[str, StaticAddress]]
) -> Block:
    """Addresses first, for Hyper-V injects them when the VM starts; then the failover itself."""
    return _on_each_host(
        site,
        vms,
        *(line for vm, address in addresses for line in _injection(vm, address)),
        "foreach ($vm in $vms) { Start-VMFailover -VMName $vm.Name -Confirm:$false }",
        note="The VMs stay off. Go on when each shows FailedOverWaitingCompletion. For an older "
        "recovery point of one VM: Get-VMSnapshot -VMName NAME -SnapshotType Replica, and pipe the "
        "one that is meant into Start-VMFailover -Confirm:$false instead.",
    )


def connect(site: str, vms: Sequence[str], network: Network, *, only_from: str = "") -> Block:
    """Connect adapters to one network: every one, or those of the network `only_from` elsewhere."""
    access = f"-Access -VlanId {network.vlan}" if network.vlan is not None else "-Untagged"
    switch = _quoted(network.switch)
    if not only_from:
        return _on_each_host(
            site,
            vms,
            "foreach ($vm in $vms) {",
            f"    Connect-VMNetworkAdapter -VMName $vm.Name -SwitchName {switch}",
            f"    Set-VMNetworkAdapterVlan -VMName $vm.Name {access}",
            "}",
            note=f"This is the VM network {network.name}.",
        )
    return _on_each_host(
        site,
        vms,
        "$adapters = 'Network Adapter'",
        "foreach ($vm in $vms) {",
        "    foreach ($one in @(Get-VMNetworkAdapter -VM $vm)) {",
        "        if ($adapters -notcontains $one.Name) { continue }",
        f"        Set-VMNetworkAdapterVlan -VMNetworkAdapter $one {access}",
        f"        Connect-VMNetworkAdapter -VMNetworkAdapter $one -SwitchName {switch}",
        "    }",
        "}",
        note=f"This is the VM network {network.name}{_which(only_from)}.",
    )


def connect_by_vmm(vmm: str, vms: Sequence[str], network: Network, *, only_from: str = "") -> Block:
    """Connect adapters to a virtual network: every one, or those of `only_from` elsewhere."""
    found = f"$network = Get-SCVMNetwork -VMMServer $server -Name {_quoted(network.name)}"
    is_one = "        if ($adapters -notcontains $one.Name) { continue }"
    return Block(
        where=f"On the VMM server {vmm}",
        language="powershell",
        lines=(
            f"$names = {', '.join(map(_quoted, vms))}",
            *(("$adapters = 'Network Adapter'",) if only_from else ()),
            "$server = Get-SCVMMServer -ComputerName 'localhost'",
            found,
            "$subnet = @(Get-SCVMSubnet -VMMServer $server -VMNetwork $network)[0]",
            "$vms = @(Get-SCVirtualMachine -VMMServer $server | "
            "Where-Object { $_.Name -in $names })",
            "foreach ($vm in $vms) {",
            "    $switch = Get-SCVirtualNetwork -VMHost $vm.VMHost |",
            "        Where-Object { @($_.LogicalNetworks | ForEach-Object { $_.Name }) -contains "
            "$network.LogicalNetwork.Name } |",
            "        Select-Object -First 1",
            "    foreach ($one in @(Get-SCVirtualNetworkAdapter -VM $vm)) {",
            *((is_one,) if only_from else ()),
            "        Set-SCVirtualNetworkAdapter -VirtualNetworkAdapter $one -VMNetwork $network "
            "-VMSubnet $subnet -VirtualNetwork $switch.Name -VLanEnabled $false "
            "-IPv4AddressType Dynamic -EnableGuestIPNetworkVirtualizationUpdates $true",
            "    }",
            "}",
        ),
        note=f"This is the VM network {network.name}, which is virtual (Windows Network "
        f"Virtualization): Hyper-V cannot connect to it{_which(only_from)}. Guests that have their "
        "address by DHCP need -IPv4AddressType Static: VMM then gives them one of the network's "
        "pool.",
    )


def _which(only_from: str) -> str:
    """Which adapters are meant, behind the name of their network; empty: every one."""
    return (
        f", for adapters that were in {only_from}: write their names into $adapters, and take out "
        "VMs that have none there"
        if only_from
        else ""
    )


def start(site: str, vms: Sequence[str]) -> Block:
    """Power on. Nobody may have a twin running in the other site."""
    return Block(
        where=_every_host(site),
        language="powershell",
        lines=(*_chosen(vms), "foreach ($vm in $vms) { Start-VM -Name $vm.Name }"),
        note="Only when their twins in the other site are off, or surely gone. What waits for "
        "another VM (the table says so) comes when that one is ready.",
    )


def run_inside(
    site: str, vm: str, script: str, *, account: str, values: Mapping[str, str]
) -> Block:
    """A script inside a VM, from whichever host has the VM."""
    listed = ", ".join(map(_quoted, values.values()))
    given = f" -ArgumentList {listed}" if values else ""
    order = f" Its parameters must begin with {', '.join(values)}, in that order." if values else ""
    return _on_each_host(
        site,
        [vm],
        "foreach ($vm in $vms) {",
        f"    Invoke-Command -VMId $vm.Id -Credential (Get-Credential {_quoted(account)}) "
        f"-FilePath {_quoted(PurePosixPath(script).name)}{given}",
        "}",
        note=f"Copy {script} to the host first, into the folder where this is typed.{order} The VM "
        "must run; it is asked for the password of the account inside.",
    )


def reverse(site: str, vms: Sequence[str], towards: str) -> Block:
    """Replicate the other way, after a planned failover: nothing is missing there."""
    return _on_each_host(
        site,
        vms,
        "foreach ($vm in $vms) {",
        _reversal(towards),
        "}",
        note="ReplicaServerName: the host, or the Replica Broker, that had the VM before.",
    )


def become_replicas(site: str, vms: Sequence[str]) -> Block:
    """Fence what was the primary, and make it a replica."""
    return _on_each_host(
        site,
        vms,
        "foreach ($vm in $vms) {",
        "    Stop-VM -Name $vm.Name -TurnOff",
        "    Set-VM -Name $vm.Name -AutomaticStartAction Nothing",
        "    Set-VMReplication -VMName $vm.Name -AsReplica -Confirm:$false",
        "}",
        note="This gives up what these VMs still hold: the other site's are the ones that count.",
    )


def copy_back(site: str, vms: Sequence[str], towards: str) -> Block:
    """Replicate the other way, after an unplanned failover: everything is compared."""
    return _on_each_host(
        site,
        vms,
        "foreach ($vm in $vms) {",
        _reversal(towards),
        "    Start-VMInitialReplication -VMName $vm.Name",
        "}",
        note="ReplicaServerName: the host, or the Replica Broker, that had the VM before.",
    )


def commit(site: str, vms: Sequence[str]) -> Block:
    """Keep the failover: no way back."""
    return _on_each_host(
        site,
        vms,
        "foreach ($vm in $vms) { Complete-VMFailover -VMName $vm.Name -Confirm:$false }",
        note="Other recovery points are gone then; until then Stop-VMFailover takes it back.",
    )


def update_dns(changes: Iterable[DnsChange]) -> list[Block]:
    """One block per server, zone after zone, in the way in which the target is changed."""
    by_place: dict[tuple[str, str], list[DnsChange]] = {}
    for change in changes:
        by_place.setdefault((change.target.name, change.zone), []).append(change)
    return [
        _by_cmdlets(zone, found) if found[0].target.winrm else _by_nsupdate(zone, found)
        for (_, zone), found in by_place.items()
    ]


def _by_nsupdate(zone: str, changes: Sequence[DnsChange]) -> Block:
    target = changes[0].target
    server = target.servers[0]
    if target.kerberos:
        means = f"nsupdate -g, after kinit as {target.kerberos}"
    else:
        means = f"nsupdate and the key {target.key}" if target.key else "nsupdate"
    return Block(
        where=f"Anywhere with {means}; for {server.address or server.name}, port {server.port}",
        language="nsupdate",
        lines=(
            f"server {server.address or server.name}",
            f"zone {zone}",
            *(line for change in changes for line in _records(change)),
            "send",
        ),
        note=_LOOK_FIRST,
    )


def _by_cmdlets(zone: str, changes: Sequence[DnsChange]) -> Block:
    target = changes[0].target
    scope = f" -ZoneScope {_quoted(target.zone_scope)}" if target.zone_scope else ""
    where = f"-ZoneName {_quoted(zone)}{scope}"
    lines: list[str] = []
    for change in changes:
        name = _quoted("@" if change.name == zone else change.name.removesuffix(f".{zone}"))
        ttl = timedelta(seconds=change.ttl_s or _TTL_S)
        lines.append(
            f"Remove-DnsServerResourceRecord {where} -Name {name} -RRType {change.type} -Force "
            "-ErrorAction SilentlyContinue"
        )
        lines += [
            f"Add-DnsServerResourceRecord {where} -Name {name} {_VALUE[change.type]} {value} "
            f"-TimeToLive {ttl}"
            for value in change.values
        ]
    return Block(
        where=f"On the DNS server {target.servers[0].name}",
        language="powershell",
        lines=tuple(lines),
        note=_LOOK_FIRST,
    )


def find_address(site: str, vm: str, names: Sequence[str]) -> Block:
    """Which address a VM has that no plan tells beforehand."""
    return _on_each_host(
        site,
        [vm],
        "foreach ($vm in $vms) { (Get-VMNetworkAdapter -VMName $vm.Name).IPAddresses }",
        note=f"Then lead {', '.join(names)} to it, as above.",
    )


def _reversal(towards: str) -> str:
    server = _quoted(towards)
    return (
        f"    Set-VMReplication -VMName $vm.Name -Reverse -ReplicaServerName {server} "
        "-Confirm:$false"
    )


def _on_each_host(site: str, vms: Sequence[str], *lines: str, note: str) -> Block:
    """A block of PowerShell about those of `vms` that are on the host."""
    return Block(
        where=_every_host(site),
        language="powershell",
        lines=(*_chosen(vms), *lines),
        note=note,
    )


def _every_host(site: str) -> str:
    return f"On every Hyper-V host of {site}"


def _chosen(vms: Sequence[str]) -> tuple[str, ...]:
    names = ", ".join(map(_quoted, vms))
    return (f"$names = {names}", "$vms = @(Get-VM | Where-Object { $_.Name -in $names })")


def _injection(vm: str, address: StaticAddress) -> Iterable[str]:
    settings: list[str] = []
    if address.ipv4 is not None:
        ipv4 = IPv4Interface(address.ipv4)
        settings += [f"IPv4Address {ipv4.ip}", f"IPv4SubnetMask {ipv4.netmask}"]
        settings += [f"IPv4DefaultGateway {address.gateway}"] if address.gateway else []
    if address.ipv6 is not None:
        ipv6 = IPv6Interface(address.ipv6)
        settings += [f"IPv6Address {ipv6.ip}"]
        settings += [f"IPv6SubnetPrefixLength {ipv6.network.prefixlen}"]
        settings += [f"IPv6DefaultGateway {address.gateway6}"] if address.gateway6 else []
    for version in (4, 6):
        servers = [each for each in address.dns if ip_address(each).version == version]
        for role, server in zip(("Preferred", "Alternate"), servers, strict=False):
            settings.append(f"IPv{version}{role}DNSServer {server}")
    adapter = f" -Name {_quoted(address.adapter)}" if address.adapter else ""
    words = " ".join(f"-{setting}" for setting in settings)
    yield f"foreach ($vm in @($vms | Where-Object {{ $_.Name -eq {_quoted(vm)} }})) {{"
    yield f"    Get-VMNetworkAdapter -VM $vm{adapter} | Select-Object -First 1 |"
    yield f"        Set-VMNetworkAdapterFailoverConfiguration {words}"
    yield "}"


def _records(change: DnsChange) -> Iterable[str]:
    yield f"update delete {change.name}. {change.type}"
    dot = "." if change.type == "PTR" else ""
    for value in change.values:
        yield f"update add {change.name}. {change.ttl_s or _TTL_S} {change.type} {value}{dot}"


def _quoted(name: str) -> str:
    """A PowerShell string in which nothing is read as anything else."""
    return "'" + name.replace("'", "''") + "'"
