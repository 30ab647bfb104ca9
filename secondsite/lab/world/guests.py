"""Guests come up and go down: heartbeat, addresses and services by the timetable."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from ipaddress import ip_address
from typing import Any

from secondsite.lab.faults import Fault, FaultKind
from secondsite.lab.world.look import HostState
from secondsite.lab.world.machine import VirtualMachine
from secondsite.lab.world.network import Address, NetworkAdapter
from secondsite.lab.world.values import Heartbeat, VmState

__all__ = ["GuestLife"]


class GuestLife(HostState):
    """What happens inside the machines of a host."""

    def heartbeat(self, vm: VirtualMachine) -> Heartbeat:
        """What the heartbeat component says now, faults included."""
        beat = vm.heartbeat
        is_lost = self.world.faults.holds(FaultKind.HEARTBEAT_LOST, host=self.name, vm=vm.name)
        if beat.is_ok and is_lost:
            return Heartbeat.LostCommunication
        return beat

    def boot(self, vm: VirtualMachine) -> None:
        """Begin to boot a machine that has just been powered on."""
        if self._fault(FaultKind.VM_NEVER_BOOTS, vm) is not None:
            return
        slow = self._fault(FaultKind.VM_SLOW_BOOT, vm)
        boot = vm.guest.boot + timedelta(seconds=slow.seconds if slow else 0)
        epoch = vm.power_epoch

        def begin_to_beat(_: datetime) -> None:
            if vm.power_epoch == epoch:
                self.wake(vm)

        self.world.after(boot, begin_to_beat)

    def wake(self, vm: VirtualMachine) -> None:
        """The guest is up: it beats and takes its addresses; services and reports follow."""
        vm.beats = vm.guest.integration_services
        if vm.beats:
            self._tell(vm, "heartbeat")
        for adapter in vm.adapters:
            self.take_addresses(vm, adapter)
        epoch = vm.power_epoch

        def open_services(after: timedelta, _: datetime | None = None) -> None:
            if vm.power_epoch == epoch:
                due = {service.port for service in vm.guest.services if service.after == after}
                vm.guest.open_ports |= due
                self.world.reachability += 1
                if due:
                    self._tell(vm, "listening", ports=sorted(vm.guest.open_ports))

        for after in {service.after for service in vm.guest.services}:
            if after:
                self.world.after(after, partial(open_services, after))
            else:
                open_services(after)
        self._report_later(vm)

    def be_up(self, vm: VirtualMachine) -> None:
        """The guest has been up for long: everything is as it will be after a boot."""
        vm.state = VmState.Running
        vm.running_since = self.world.now()
        vm.beats = vm.guest.integration_services
        vm.guest.open_ports = frozenset(service.port for service in vm.guest.services)
        for adapter in vm.adapters:
            self.take_addresses(vm, adapter)
            adapter.reported = adapter.addresses if vm.beats else ()

    def sleep(self, vm: VirtualMachine) -> None:
        """The guest is gone: nothing beats, listens or has an address."""
        vm.power_epoch += 1
        vm.beats = False
        vm.guest.open_ports = frozenset()
        self.world.reachability += 1
        for adapter in vm.adapters:
            self.release_addresses(adapter)
            adapter.reported = ()

    def reconnect(self, vm: VirtualMachine, adapter: NetworkAdapter) -> None:
        """An adapter's connection or setting has changed; a running guest notices."""
        if adapter.addresses:
            self.release_addresses(adapter)
            self.take_addresses(vm, adapter)
            self._report_later(vm)

    def take_addresses(self, vm: VirtualMachine, adapter: NetworkAdapter) -> None:
        """Give an adapter the addresses that it is set to, where nobody else has them."""
        network = self.network_of(adapter)
        wanted: list[Address] = []
        setting = adapter.setting
        if adapter.switch is not None:
            if setting.ipv4 is not None:
                wanted.append(setting.ipv4.ip)
            elif network is not None:
                leased = network.lease(adapter, order=vm.order)
                if leased is not None:
                    wanted.append(leased)
            if setting.ipv6 is not None:
                wanted.append(setting.ipv6.ip)
        taken: list[Address] = []
        for address in wanted:
            # Windows detects a duplicate address and does without.
            if network is None or network.holders.setdefault(address, adapter.id) == adapter.id:
                taken.append(address)
        if not any(address.version == 4 for address in taken):
            taken.insert(0, adapter.apipa)
        adapter.addresses = (*taken, adapter.link_local)
        self.world.reachability += 1

    def release_addresses(self, adapter: NetworkAdapter) -> None:
        """Nobody holds the adapter's addresses any more."""
        for network in self.site.networks.values():
            for address in adapter.addresses:
                if network.holders.get(address) == adapter.id:
                    del network.holders[address]
        adapter.addresses = ()

    def power_off(self, vm: VirtualMachine) -> None:
        """Cut the power."""
        self.sleep(vm)
        vm.state = VmState.Off
        vm.running_since = None

    def forget_leases(self, vm: VirtualMachine) -> None:
        """The machine is gone for good: its DHCP leases are free again."""
        for network in self.site.networks.values():
            for adapter in vm.adapters:
                network.leases.pop(adapter.mac, None)

    def _report_later(self, vm: VirtualMachine) -> None:
        epoch = vm.power_epoch

        def report(_: datetime) -> None:
            if vm.power_epoch == epoch and vm.beats:
                for adapter in vm.adapters:
                    adapter.reported = adapter.addresses
                self._report_stale(vm)
                self._tell(vm, "addresses", addresses=list(vm.addresses))

        self.world.after(vm.guest.addresses_after, report)

    def _report_stale(self, vm: VirtualMachine) -> None:
        """Integration services may go on reporting an address that the guest had before."""
        stale = self._fault(FaultKind.STALE_ADDRESS, vm)
        if stale is not None and vm.adapters:
            first = vm.adapters[0]
            first.reported = (ip_address(stale.text), *first.reported)

    def _tell(self, vm: VirtualMachine, event: str, **detail: Any) -> None:
        self.record("(guest)", vm.name, vm_id=vm.id, event=event, **detail)

    def _fault(self, kind: FaultKind, vm: VirtualMachine) -> Fault | None:
        return self.world.faults.matches(kind, host=self.name, vm=vm.name)
