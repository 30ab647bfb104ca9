"""What every part of a host needs: its machines by name, and the world around it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from secondsite.lab.world.cluster import Cluster
from secondsite.lab.world.machine import VirtualMachine
from secondsite.lab.world.network import Network, NetworkAdapter, VirtualSwitch
from secondsite.lab.world.refusal import vm_not_found
from secondsite.lab.world.values import VmState

if TYPE_CHECKING:
    from secondsite.lab.world.world import Site, World

__all__ = ["HostState"]


class HostState:
    """A Hyper-V host without its operations.

    Attributes:
        cluster: The cluster that it is a node of, if any.
        vms: By id; names need not be unique on Hyper-V.
        replication_enabled: Whether it takes replicas (`Set-VMReplicationServer`).
        disk_mib: Size of its volume D:, which holds all virtual disks.
    """

    def __init__(
        self, *, world: World, site: Site, name: str, memory_mib: int, processors: int = 32
    ) -> None:
        self.world = world
        self.site = site
        self.name = name
        self.memory_mib = memory_mib
        self.processors = processors
        self.reserved_mib = 2048
        self.disk_mib = 8 * 1024 * 1024
        self.disk_free_mib = self.disk_mib * 2 // 5
        self.replication_enabled = True
        self.replication_port = 80
        self.cluster: Cluster | None = None
        self.vms: dict[str, VirtualMachine] = {}
        self.switches: dict[str, VirtualSwitch] = {}

    def find(self, name: str) -> VirtualMachine | None:
        """The machine of that name, or with that id; whatever its case."""
        wanted = name.casefold()
        for vm in self.vms.values():
            if vm.name.casefold() == wanted or vm.id == wanted:
                return vm
        return None

    def require(self, name: str) -> VirtualMachine:
        """The machine of that name.

        Raises:
            LabRefusal: there is none.
        """
        vm = self.find(name)
        if vm is None:
            raise vm_not_found(name)
        return vm

    def test_vm_of(self, vm: VirtualMachine) -> VirtualMachine | None:
        """The test VM that was made of that replica, if there is one."""
        return next((other for other in self.vms.values() if other.test_of == vm.id), None)

    def free_memory_mib(self) -> int:
        """What is left for machines to be started."""
        used = sum(
            vm.memory_mib
            for vm in self.vms.values()
            if vm.state not in (VmState.Off, VmState.Saved)
        )
        return self.memory_mib - self.reserved_mib - used

    def network_of(self, adapter: NetworkAdapter) -> Network | None:
        """The network that an adapter is in: by its switch, VLAN and virtual subnet."""
        if adapter.switch is None:
            return None
        wire = (adapter.switch.casefold(), adapter.vlan, adapter.virtual_id)
        for network in self.site.networks.values():
            if (network.switch.casefold(), network.vlan, network.virtual_id) == wire:
                return network
        return None

    def reach(self, server: str, *, vm_id: str = "") -> HostState | None:
        """The host of that name, if the simulated network leads there from here.

        A broker's name, or a node's, leads to the node that has the machine of that id.
        """
        host = self.world.node_with(server, vm_id=vm_id)
        if host is None or not self.world.are_linked(self.site.name, host.site.name):
            return None
        return host

    def record(self, cmdlet: str, vm: str = "", **detail: Any) -> None:
        """Tell the log of a change on this host."""
        self.world.record_change(
            site=self.site.name, host=self.name, cmdlet=cmdlet, vm=vm, detail=detail
        )
