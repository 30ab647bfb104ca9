"""A simulated VMM server: the inventory of its site, as of its last refresh, and address pools."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from secondsite.lab.world.machine import VirtualMachine
from secondsite.lab.world.network import Address, AddressPool, Grant, Network
from secondsite.lab.world.values import VmState
from secondsite.lab.world.vm_network_parts import vmm_refusal
from secondsite.lab.world.vm_networks import VmNetworkOperations

if TYPE_CHECKING:
    from secondsite.lab.world.host import HyperVHost
    from secondsite.lab.world.world import Site, World

__all__ = ["Cloud", "VmmMachine", "VmmServer"]

_STATUS = {
    VmState.Running: "Running",
    VmState.Off: "PowerOff",
    VmState.Starting: "Starting",
    VmState.Stopping: "PoweringOff",
    VmState.Saved: "Saved",
    VmState.Paused: "Paused",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cloud:
    """A private cloud of VMM."""

    id: str
    name: str
    hosts: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True, eq=False)
class VmmMachine:
    """A machine as VMM has it in its database.

    Attributes:
        id: VMM's own id.
        vm: The machine on its host; its power state and addresses are VMM's, too.
        is_missing: The machine is gone from its host, and VMM's next refresh will drop it.
    """

    id: str
    vm: VirtualMachine
    host: str
    cloud: str
    is_missing: bool = False

    @property
    def status(self) -> str:
        """Name of the VMM status."""
        return "Missing" if self.is_missing else _STATUS[self.vm.state]


@dataclass(eq=False)
class VmmServer(VmNetworkOperations):
    """A VMM server of a site; `site` is set when the site is put together."""

    world: World
    name: str
    site: Site = field(init=False)
    clouds: list[Cloud] = field(default_factory=list)
    storage: tuple[str, ...] = ()
    host_group: str = "All Hosts"
    machines: dict[str, VmmMachine] = field(default_factory=dict)

    def notice_machine(self, vm: VirtualMachine) -> None:
        """A machine was made or removed on a host: known after the next refresh."""
        record = self.machines.get(vm.id)
        if vm.is_deleted and record is not None:
            record.is_missing = True

        def refresh(_: datetime) -> None:
            self._refresh(vm)

        self.world.after(self.world.pace.vmm_refresh, refresh)

    def read_virtual_machines(self) -> None:
        """Refresh now (`Read-SCVirtualMachine`, `Read-SCVMHost`)."""
        with self.world.settled():
            for host in self.site.hosts.values():
                for vm in host.vms.values():
                    self._refresh(vm)
            for record in list(self.machines.values()):
                self._refresh(record.vm)

    def get_virtual_machines(self, name: str | None = None) -> list[VmmMachine]:
        """Machines in the inventory; a name that none has gives none."""
        with self.world.settled():
            return [
                record
                for record in self.machines.values()
                if name is None or record.vm.name.casefold() == name.casefold()
            ]

    def get_hosts(self) -> list[HyperVHost]:
        """The managed hosts."""
        with self.world.settled():
            return list(self.site.hosts.values())

    def get_clouds(self) -> list[Cloud]:
        """The clouds."""
        return list(self.clouds)

    def get_vm_networks(self) -> list[Network]:
        """The VM networks; a network's pools hang on it."""
        with self.world.settled():
            return list(self.site.networks.values())

    def get_static_ip_address_pools(self) -> list[AddressPool]:
        """Every static address pool."""
        return [pool for pool, _, _ in self.get_pools()]

    def get_ip_addresses(
        self, *, granted_to: str | None = None, pool: str | None = None
    ) -> list[Grant]:
        """Granted addresses, by the object they were granted to or by pool (id or name)."""
        return [
            grant
            for each in self.get_static_ip_address_pools()
            if pool is None or pool in (each.id, each.name)
            for grant in each.grants.values()
            if granted_to is None or grant.granted_to == granted_to.casefold()
        ]

    def grant_ip_address(
        self,
        *,
        pool: str,
        granted_to: str,
        address: Address | None = None,
        description: str = "",
    ) -> Grant:
        """Grant an address of a pool: that one, or the next that is free.

        Raises:
            LabRefusal: no such pool, the address is not to be had, or the pool is full.
        """
        with self.world.settled():
            found = self._pool(pool)
            chosen = address if address is not None else _next_free(found)
            if chosen is None:
                raise vmm_refusal(
                    f"The static IP address pool {found.name} has no free address left.",
                    reason="OutOfAddresses",
                )
            if chosen not in found or chosen in found.grants:
                raise vmm_refusal(
                    f"The IP address {chosen} of pool {found.name} is not available.",
                    reason="AddressNotAvailable",
                )
            grant = Grant(
                id=self.world.new_id(f"grant/{found.id}/{chosen}"),
                address=chosen,
                pool=found.id,
                granted_to=granted_to.casefold(),
                description=description,
            )
            found.grants[chosen] = grant
            self.record("Grant-SCIPAddress", address=str(chosen), pool=found.name, to=granted_to)
            return grant

    def revoke_ip_address(self, grant_id: str) -> Grant:
        """Give a granted address back.

        Raises:
            LabRefusal: there is no such grant.
        """
        with self.world.settled():
            for pool in self.get_static_ip_address_pools():
                for grant in list(pool.grants.values()):
                    if grant.id == grant_id.casefold():
                        del pool.grants[grant.address]
                        self.record(
                            "Revoke-SCIPAddress", address=str(grant.address), pool=pool.name
                        )
                        return grant
            raise vmm_refusal(f"No granted IP address has the id {grant_id}.", reason="NotFound")

    def record(self, cmdlet: str, vm: str = "", **detail: object) -> None:
        """Tell the log of a change made by VMM."""
        self.world.record_change(
            site=self.site.name, host=self.name, cmdlet=cmdlet, vm=vm, detail=detail
        )

    def _pool(self, pool: str) -> AddressPool:
        for each in self.get_static_ip_address_pools():
            if pool in (each.id, each.name):
                return each
        raise vmm_refusal(f"There is no static IP address pool {pool}.", reason="NotFound")

    def _refresh(self, vm: VirtualMachine) -> None:
        if vm.is_deleted:
            self.machines.pop(vm.id, None)
        elif vm.id not in self.machines:
            self.machines[vm.id] = VmmMachine(
                id=self.world.new_id(f"vmm/{self.name}/{vm.id}"),
                vm=vm,
                host=vm.host,
                cloud=vm.cloud,
            )
        else:
            self.machines[vm.id].host = vm.host


def _next_free(pool: AddressPool) -> Address | None:
    for number in range(int(pool.first), int(pool.last) + 1):
        address = type(pool.first)(number)
        if address not in pool.grants:
            return address
    return None
