"""Adapters and virtual switches: Connect-VMNetworkAdapter, New-VMSwitch and their neighbours."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface

from secondsite.lab.world.guests import GuestLife
from secondsite.lab.world.machine import Done, VirtualMachine
from secondsite.lab.world.network import NetworkAdapter, VirtualSwitch
from secondsite.lab.world.refusal import LabRefusal, invalid_parameter, not_found
from secondsite.lab.world.values import SwitchType

__all__ = ["NetworkOperations"]


class NetworkOperations(GuestLife):
    """What connects machines."""

    def get_vm_network_adapter(
        self, vm_name: str, *, name: str | None = None
    ) -> list[NetworkAdapter]:
        """The adapters of a machine (of that name or id; all without one).

        Raises:
            LabRefusal: no such machine.
        """
        with self.world.settled():
            vm = self.require(vm_name)
            return [
                adapter
                for adapter in vm.adapters
                if name is None or name.casefold() in (adapter.name.casefold(), adapter.id)
            ]

    def connect_vm_network_adapter(
        self, vm_name: str, *, switch: str, name: str | None = None
    ) -> Done:
        """Connect adapters to a switch.

        Raises:
            LabRefusal: no such machine, adapter or switch.
        """
        with self.world.settled():
            vm, adapters = self._adapters(vm_name, name)
            found = self._switch(switch)
            for adapter in adapters:
                adapter.switch = found.name
                adapter.leave_by_hyper_v()
                self.reconnect(vm, adapter)
                self.record(
                    "Connect-VMNetworkAdapter",
                    vm.name,
                    vm_id=vm.id,
                    adapter=adapter.name,
                    switch=found.name,
                    network=self._network_name(adapter),
                )
            return Done(vm=vm)

    def disconnect_vm_network_adapter(self, vm_name: str, *, name: str | None = None) -> Done:
        """Disconnect adapters; those that are not connected stay so.

        Raises:
            LabRefusal: no such machine or adapter.
        """
        with self.world.settled():
            vm, adapters = self._adapters(vm_name, name)
            for adapter in adapters:
                adapter.switch = None
                adapter.leave_by_hyper_v()
                self.reconnect(vm, adapter)
                self.record(
                    "Disconnect-VMNetworkAdapter", vm.name, vm_id=vm.id, adapter=adapter.name
                )
            return Done(vm=vm)

    def set_vm_network_adapter_vlan(
        self, vm_name: str, *, access_vlan: int | None, name: str | None = None
    ) -> Done:
        """Put adapters into an access VLAN; None means untagged.

        Raises:
            LabRefusal: no such machine or adapter, or a VLAN outside 1-4094.
        """
        with self.world.settled():
            if access_vlan is not None and not 1 <= access_vlan <= 4094:
                raise invalid_parameter(f"The VLAN id {access_vlan} is not between 1 and 4094.")
            vm, adapters = self._adapters(vm_name, name)
            for adapter in adapters:
                adapter.vlan = access_vlan
                self.reconnect(vm, adapter)
                self.record(
                    "Set-VMNetworkAdapterVlan",
                    vm.name,
                    vm_id=vm.id,
                    adapter=adapter.name,
                    vlan=access_vlan,
                    network=self._network_name(adapter),
                )
            return Done(vm=vm)

    def set_vm_network_adapter(
        self,
        vm_name: str,
        *,
        name: str | None = None,
        test_replica_switch: str | None = None,
        test_replica_pool: str | None = None,
    ) -> Done:
        """Set the switch that a *test* VM's adapters get; an empty name unsets it.

        Raises:
            LabRefusal: no such machine or adapter.
        """
        with self.world.settled():
            vm, adapters = self._adapters(vm_name, name)
            for adapter in adapters:
                if test_replica_switch is not None:
                    adapter.test_switch = test_replica_switch or None
                if test_replica_pool is not None:
                    adapter.test_pool = test_replica_pool or None
                self.record(
                    "Set-VMNetworkAdapter",
                    vm.name,
                    vm_id=vm.id,
                    adapter=adapter.name,
                    test_replica_switch=adapter.test_switch,
                )
            return Done(vm=vm)

    def set_vm_network_adapter_failover_configuration(
        self,
        vm_name: str,
        *,
        name: str | None = None,
        ipv4: IPv4Interface | None = None,
        ipv4_gateway: IPv4Address | None = None,
        ipv4_dns: tuple[IPv4Address, ...] = (),
        ipv6: IPv6Interface | None = None,
        ipv6_gateway: IPv6Address | None = None,
        ipv6_dns: tuple[IPv6Address, ...] = (),
        clear_ipv4: bool = False,
        clear_ipv6: bool = False,
    ) -> Done:
        """Set or clear what a failover injects; what is neither set nor cleared stays.

        Raises:
            LabRefusal: no such machine or adapter, a legacy adapter, or the machine is not
                replicated.
        """
        with self.world.settled():
            vm, adapters = self._adapters(vm_name, name)
            if not vm.replications:
                raise LabRefusal(
                    f"'{vm.name}': failover TCP/IP settings need a virtual machine that is enabled "
                    "for replication.",
                    reason="InvalidState",
                    category="InvalidOperation",
                    target=vm.name,
                )
            for adapter in adapters:
                if adapter.is_legacy:
                    raise invalid_parameter(
                        f"'{vm.name}': failover TCP/IP settings are for synthetic network adapters "
                        f"only, and '{adapter.name}' is a legacy one.",
                        target=vm.name,
                    )
                setting = adapter.failover
                if clear_ipv4:
                    setting = replace(setting, ipv4=None, ipv4_gateway=None, ipv4_dns=())
                if clear_ipv6:
                    setting = replace(setting, ipv6=None, ipv6_gateway=None, ipv6_dns=())
                if ipv4 is not None:
                    setting = replace(
                        setting, ipv4=ipv4, ipv4_gateway=ipv4_gateway, ipv4_dns=ipv4_dns
                    )
                if ipv6 is not None:
                    setting = replace(
                        setting, ipv6=ipv6, ipv6_gateway=ipv6_gateway, ipv6_dns=ipv6_dns
                    )
                adapter.failover = setting
                self.record(
                    "Set-VMNetworkAdapterFailoverConfiguration",
                    vm.name,
                    vm_id=vm.id,
                    adapter=adapter.name,
                    ipv4=str(setting.ipv4 or ""),
                    ipv6=str(setting.ipv6 or ""),
                )
            return Done(vm=vm)

    def get_vm_switch(self, name: str | None = None) -> list[VirtualSwitch]:
        """The switches of this host (of that name; all without one)."""
        with self.world.settled():
            return [
                switch
                for switch in self.switches.values()
                if name is None or switch.name.casefold() == name.casefold()
            ]

    def new_vm_switch(self, name: str, *, kind: SwitchType, notes: str = "") -> VirtualSwitch:
        """Make a switch; Hyper-V allows two of one name, the lab does not.

        Raises:
            LabRefusal: there is one of that name already.
        """
        with self.world.settled():
            if name.casefold() in self.switches:
                raise invalid_parameter(
                    f'A virtual switch named "{name}" exists already on {self.name}.', target=name
                )
            switch = VirtualSwitch(
                id=self.world.new_id(f"switch/{self.name}/{name}"),
                name=name,
                kind=kind,
                notes=notes,
            )
            self.switches[name.casefold()] = switch
            self.record("New-VMSwitch", switch=name, type=kind.name)
            return switch

    def remove_vm_switch(self, name: str) -> Done:
        """Remove a switch; adapters on it are left without connection.

        Raises:
            LabRefusal: no such switch.
        """
        with self.world.settled():
            switch = self._switch(name)
            del self.switches[switch.name.casefold()]
            for vm in self.vms.values():
                for adapter in vm.adapters:
                    if adapter.switch == switch.name:
                        adapter.switch = None
                        self.reconnect(vm, adapter)
            self.record("Remove-VMSwitch", switch=switch.name)
            return Done()

    def _adapters(
        self, vm_name: str, name: str | None
    ) -> tuple[VirtualMachine, list[NetworkAdapter]]:
        vm = self.require(vm_name)
        adapters = self.get_vm_network_adapter(vm_name, name=name)
        if not adapters and name is not None:
            raise not_found(
                f'Hyper-V was unable to find a network adapter "{name}" on virtual machine '
                f'"{vm.name}".',
                target=name,
            )
        return vm, adapters

    def _switch(self, name: str) -> VirtualSwitch:
        switch = self.switches.get(name.casefold())
        if switch is None:
            raise LabRefusal(
                f'Hyper-V was unable to find a virtual switch with name "{name}".',
                reason="InvalidParameter",
                category="InvalidArgument",
                target=name,
            )
        return switch

    def _network_name(self, adapter: NetworkAdapter) -> str:
        network = self.network_of(adapter)
        return network.name if network else ""
