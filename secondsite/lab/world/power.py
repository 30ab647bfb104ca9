"""Start-VM, Stop-VM, Restart-VM."""

from __future__ import annotations

from datetime import datetime, timedelta

from secondsite.lab.world.guests import GuestLife
from secondsite.lab.world.machine import Done, VirtualMachine
from secondsite.lab.world.refusal import LabRefusal, invalid_vm_state
from secondsite.lab.world.replication import Operation, rule_for
from secondsite.lab.world.values import Relationship, VmState

__all__ = ["PowerOperations"]

_ALREADY = "The virtual machine is already in the specified state."


class PowerOperations(GuestLife):
    """What switches machines on and off."""

    def start_vm(self, name: str, *, cmdlet: str = "Start-VM") -> Done:
        """Power on; Hyper-V says Starting, then Running when `takes_s` is over.

        Raises:
            LabRefusal: no such machine, its replication forbids it, or there is no memory for it.
        """
        with self.world.settled():
            vm = self.require(name)
            if vm.state in (VmState.Running, VmState.Starting):
                return Done(warning=_ALREADY, vm=vm)
            if vm.state not in (VmState.Off, VmState.Saved):
                raise invalid_vm_state("start", vm=vm.name, state=vm.state.name)
            own = [each for each in vm.replications if each.relationship is Relationship.Simple]
            for relation in own or vm.replications:
                if relation.preparing:
                    raise invalid_vm_state("start", vm=vm.name, state="preparing for failover")
                rule_for(
                    Operation.START_VM,
                    mode=relation.mode,
                    state=relation.state,
                    vm=vm.name,
                    vm_state=vm.state,
                )
            self._require_memory(vm)
            vm.power_epoch += 1
            vm.state = VmState.Starting
            for relation in vm.replications:
                relation.started_since_failover = True
            epoch = vm.power_epoch

            def run(at: datetime) -> None:
                if vm.power_epoch == epoch:
                    vm.state = VmState.Running
                    vm.running_since = at
                    self.boot(vm)

            self.world.after(self.world.pace.power_on, run)
            self.record(cmdlet, vm.name, vm_id=vm.id, state="Running")
            return Done(takes_s=self._scaled_s(self.world.pace.power_on), vm=vm)

    def stop_vm(
        self, name: str, *, turn_off: bool = False, force: bool = False, cmdlet: str = "Stop-VM"
    ) -> Done:
        """Shut the guest down, or cut the power.

        Args:
            name: The machine.
            turn_off: Cut the power.
            force: Do not ask whoever is logged on (nobody is, in the lab): makes no difference.
            cmdlet: For the log.

        Raises:
            LabRefusal: no such machine, or its guest does not answer a shutdown.
        """
        with self.world.settled():
            vm = self.require(name)
            if vm.state is VmState.Off:
                return Done(warning=_ALREADY, vm=vm)
            if turn_off:
                self.power_off(vm)
                self.record(cmdlet, vm.name, vm_id=vm.id, state="Off", turn_off=True)
                return Done(vm=vm)
            if vm.state is not VmState.Running:
                raise invalid_vm_state("shut down", vm=vm.name, state=vm.state.name)
            if not self.heartbeat(vm).is_ok:
                raise LabRefusal(
                    f"'{vm.name}' failed to shut down. The shutdown integration service does not "
                    "answer: the device is not ready for use. (0x800710DF)",
                    reason="OperationFailed",
                    category="DeviceError",
                    target=vm.name,
                )
            self.sleep(vm)
            vm.state = VmState.Stopping
            epoch = vm.power_epoch

            def end(_: datetime) -> None:
                if vm.power_epoch == epoch:
                    self.power_off(vm)

            self.world.after(vm.guest.shutdown, end)
            self.record(cmdlet, vm.name, vm_id=vm.id, state="Off", turn_off=False, force=force)
            return Done(takes_s=self._scaled_s(vm.guest.shutdown), vm=vm)

    def restart_vm(self, name: str) -> Done:
        """Reset a running machine: Hyper-V's Restart-VM cuts the power for a moment."""
        with self.world.settled():
            vm = self.require(name)
            if vm.state is not VmState.Running:
                raise invalid_vm_state("restart", vm=vm.name, state=vm.state.name)
            self.power_off(vm)
            return self.start_vm(vm.id, cmdlet="Restart-VM")

    def _require_memory(self, vm: VirtualMachine) -> None:
        if vm.memory_mib > self.free_memory_mib():
            raise LabRefusal(
                f"'{vm.name}' failed to start. Not enough memory in the system to start the "
                f"virtual machine {vm.name} with ram size {vm.memory_mib} megabytes. (0x8007000E)",
                reason="OutOfMemory",
                category="ResourceUnavailable",
                target=vm.name,
            )

    def _scaled_s(self, duration: timedelta) -> float:
        return self.world.clock.scaled_s(duration)
