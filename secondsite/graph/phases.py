"""The phases of a run, each adding its steps to a draft of the run graph.

Phases are joined by barriers, so the number of edges grows with the number of VMs, never with its
square. What each phase does, and on which side, follows the state machine of Hyper-V Replica
(reference/hyper-v-replica.md §3) and the step order of Azure Site Recovery's plans
(reference/other-engines.md §2.6).

An edge is a need or a tolerance. What merely tolerates the steps before it always has a *floor*
beside them: a step that it needs, so that it never starts when, say, the preflight refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise

from secondsite.graph.names import escape, slugs
from secondsite.graph.rungraph import Draft
from secondsite.graph.steps import Action, Operation, Side, Step, StepId
from secondsite.plan.adapter_rules import has_pool
from secondsite.plan.model import (
    Direction,
    GateHook,
    Group,
    Hook,
    OnTimeout,
    Plan,
    PlannedVm,
    ScriptHook,
)
from secondsite.plan.quantities import format_duration

__all__ = ["Phases"]

_ON_SOURCE = frozenset({Action.SHUTDOWN, Action.PREPARE, Action.FENCE, Action.CANCEL})
_ON_NAMES = frozenset({Action.RESTORE_DNS, Action.PREPARE_DNS, Action.ROLLBACK_DNS})
"""Only for VMs that have names."""
_HOLD = GateHook.model_validate(
    {
        "gate": "Hold for inspection",
        "instructions": "The test VMs are up. Approve to remove them and to put DNS back.",
        "separation": False,  # it decides about nothing but the test itself
        "in_rehearsal": "ask",  # whoever wants a hold wants to be asked
        "timeout": "14d",  # as long as Azure Site Recovery let a test wait for its completion
    }
)


def _held(limit: timedelta) -> GateHook:
    return _HOLD.model_copy(
        update={
            "instructions": "The test VMs are up. Approve to remove them, and to put DNS back, at "
            f"once; without an answer that is done after {format_duration(limit)}.",
            "timeout": limit,
            "on_timeout": OnTimeout.CONTINUE,
        }
    )


@dataclass(slots=True, kw_only=True)
class Phases:
    """Adds phase after phase of one run to `draft`; each gives the step that ends it."""

    plan: Plan
    operation: Operation
    direction: Direction
    draft: Draft = field(default_factory=Draft)
    _prepared: list[StepId] = field(default_factory=list)

    @property
    def _is_tolerant(self) -> bool:
        """Whether the failure of one VM leaves the others alone."""
        return self.operation is Operation.UNPLANNED

    def preflight(self) -> StepId:
        """The look before the first touch."""
        return self._add(Action.PREFLIGHT, "preflight")

    def make_networks(self, *, after: StepId) -> StepId:
        """The networks that a test makes for itself, all at once."""
        step = self._add(Action.MAKE_NETWORKS, "failover/networks", side=Side.TARGET)
        return self._link([step], after=after)

    def grant(self, *, after: StepId) -> StepId:
        """Addresses out of pools, for the VMs that want one; gives `after` if none does."""
        asking = [(group, vm) for group in self.plan.groups for vm in group.vms if has_pool(vm)]
        if not asking:
            return after
        steps = [self._vm(Action.GRANT, group, vm) for group, vm in asking]
        for step in steps:
            self.draft.wait(step, until=after)
        return self._close("grant/end", [], entry=after, members=steps, is_tolerant=False)

    def give_back(self, *, after: StepId) -> None:
        """What `grant` took; last, because VMs that start need nothing of the other site."""
        steps = [
            self._link([self._vm(Action.GIVE_BACK, group, vm)], after=after)
            for group in self.plan.groups
            for vm in group.vms
            if has_pool(vm)
        ]
        if steps:
            self._close("give-back/end", [], entry=after, members=steps, is_tolerant=False)

    def shut_down(self, *, after: StepId) -> StepId:
        """The source's VMs, in the exact reverse of the order in which they start.

        In an unplanned failover nothing in here holds the rest back.
        """
        begin = self._add(Action.BARRIER, "shutdown/begin")
        self.draft.wait(begin, until=after)
        floor = begin if self._is_tolerant else None
        hooks = self._hooks(self.plan.shutdown.before, "shutdown/before", here=Side.SOURCE)
        entry = self._link(hooks, after=begin, floor=floor)
        for group in reversed(self.plan.groups):
            if group.vms:
                entry = self._shut_down_group(group, after=entry, floor=floor)
        hooks = self._hooks(self.plan.shutdown.after, "shutdown/after", here=Side.SOURCE)
        end = self._add(Action.BARRIER, "shutdown/end")
        return self._link([*hooks, end], after=entry, floor=floor)

    def _shut_down_group(self, group: Group, *, after: StepId, floor: StepId | None) -> StepId:
        own = {vm.name.casefold(): self._vm(Action.SHUTDOWN, group, vm) for vm in group.vms[::-1]}
        down = self._add(Action.BARRIER, f"shutdown/{escape(group.name)}", group=group.name)
        for step in own.values():
            self._wait(step, until=after, floor=floor)
            self._wait(down, until=step, floor=floor)
        for vm in group.vms:
            for other in vm.depends_on:
                if other.casefold() in own:
                    needed, user = own[other.casefold()], own[vm.name.casefold()]
                    self._wait(needed, until=user, floor=floor)
        return down

    def prepare(self, *, after: StepId) -> None:
        """The last changes of every VM are sent, all of them before anything fails over."""
        for group in self.plan.groups:
            for vm in group.vms:
                step = self._vm(Action.PREPARE, group, vm)
                self.draft.wait(step, until=after)
                if self._is_tolerant:  # the barrier tolerates; only a VM that is off can prepare
                    self.draft.wait(step, until=_vm_step_id(Action.SHUTDOWN, group, vm))
                self._prepared.append(step)

    def fail_over(self, *, after: StepId) -> StepId:
        """All VMs come to the other side and get their network."""
        begin = self._add(Action.BARRIER, "failover/begin")
        floor = after if self._is_tolerant else None
        self.draft.wait(begin, until=after)
        for step in self._prepared:
            self._wait(begin, until=step, floor=floor)
        hooks = self._hooks(self.plan.failover.before, "failover/before")
        entry = self._link(hooks, after=begin)
        connected: list[StepId] = []
        for group in self.plan.groups:
            for vm in group.vms:
                # Of a planned failover the addresses were taken before anything was shut down.
                first = self.operation is not Operation.PLANNED and has_pool(vm)
                actions = [Action.GRANT] if first else []
                actions += [Action.FAILOVER, Action.CONNECT]
                chain = [self._vm(action, group, vm) for action in actions]
                connected.append(self._link(chain, after=entry))
        hooks = self._hooks(self.plan.failover.after, "failover/after")
        return self._close("failover/end", hooks, entry=entry, members=connected)

    def boot(self, *, after: StepId) -> StepId:
        """Group after group: hooks, VMs until they are in service, hooks."""
        firsts: dict[str, StepId] = {}
        lasts: dict[str, StepId] = {}
        for group in self.plan.groups:
            prefix = escape(group.name)
            begin = self._add(Action.BARRIER, f"{prefix}/begin", group=group.name)
            self.draft.wait(begin, until=after)
            hooks = self._hooks(group.before, f"{prefix}/before", group=group)
            entry = self._link(hooks, after=begin)
            for vm in group.vms:
                chain = self._boot_chain(group, vm)
                firsts[vm.name.casefold()], lasts[vm.name.casefold()] = chain[0], chain[-1]
                self._link(chain, after=entry)
                if self._is_tolerant:  # the barrier tolerates; only its own failover will do
                    self.draft.wait(chain[0], until=_vm_step_id(Action.CONNECT, group, vm))
            hooks = self._hooks(group.after, f"{prefix}/after", group=group)
            members = [lasts[vm.name.casefold()] for vm in group.vms]
            after = self._close(f"{prefix}/end", hooks, entry=entry, members=members, group=group)
        for vm in self.plan.vms:
            for other in vm.depends_on:
                self.draft.wait(firsts[vm.name.casefold()], until=lasts[other.casefold()])
        return after

    def restart(self, *, after: StepId) -> StepId:
        """Group after group, the VMs start again where they were: no hooks, no names to change."""
        for group in self.plan.groups:
            lasts = [
                self._link(
                    [
                        self._vm(action, group, vm, side=Side.SOURCE)
                        for action in (Action.START, Action.READY)
                    ],
                    after=after,
                )
                for vm in group.vms
            ]
            name = f"{escape(group.name)}/end"
            after = self._close(name, [], entry=after, members=lasts, group=group)
        groups = {vm.name.casefold(): group for group in self.plan.groups for vm in group.vms}
        vms = {vm.name.casefold(): vm for vm in self.plan.vms}
        for name, vm in vms.items():
            for other in (each.casefold() for each in vm.depends_on):
                needed = _vm_step_id(Action.READY, groups[other], vms[other])
                self.draft.wait(_vm_step_id(Action.START, groups[name], vm), until=needed)
        return after

    def _boot_chain(self, group: Group, vm: PlannedVm) -> list[StepId]:
        prefix = f"{escape(group.name)}/{escape(vm.name)}"
        actions = [Action.START, Action.READY, Action.ADDRESS]
        actions += [Action.DNS] if vm.dns else []
        actions += [Action.VERIFY]
        return [
            *self._hooks(vm.before, f"{prefix}/before", group=group, vm=vm),
            *(self._vm(action, group, vm) for action in actions),
            *self._hooks(vm.after, f"{prefix}/after", group=group, vm=vm),
        ]

    def verify(self, *, after: StepId) -> StepId:
        """The scripts that prove, in a test, that the service works."""
        scripts = self.plan.rehearse.verify if self.plan.rehearse else ()
        return self._link(self._hooks(scripts, "verify"), after=after)

    def hold(self, *, after: StepId, floor: StepId, limit: timedelta | None = None) -> StepId:
        """People look at the test for as long as they like, at a partly failed one too.

        With a `limit`, the run goes on after it without an answer.
        """
        step = self._add(Action.GATE, "hold", hook=_held(limit) if limit else _HOLD)
        self._wait(step, until=after, floor=floor)
        return step

    def clean_up(self, *, after: StepId, floor: StepId, networks: bool) -> StepId:
        """The test's VMs, DNS records and networks go; one VM's trouble never keeps another."""
        begin = self._add(Action.BARRIER, "cleanup/begin")
        self._wait(begin, until=after, floor=floor)
        cleaned: list[StepId] = []
        for group in self.plan.groups:
            for vm in group.vms:
                chain = [self._vm(Action.RESTORE_DNS, group, vm)] if vm.dns else []
                chain.append(self._vm(Action.CLEANUP, group, vm))
                cleaned.append(self._link(chain, after=begin, floor=begin))
        last = (
            [self._add(Action.NETWORKS, "cleanup/networks", side=Side.TARGET)] if networks else []
        )
        return self._close("cleanup/end", last, entry=begin, members=cleaned, is_tolerant=False)

    def settle(self, *, after: StepId, floor: StepId) -> None:
        """Beside whatever follows, the names are looked at once more after a while."""
        if any(vm.dns for vm in self.plan.vms):
            step = self._add(Action.SETTLE, "failover/settle")
            self._wait(step, until=after, floor=floor if self._is_tolerant else None)

    def restore_names(self, *, after: StepId) -> None:
        """Names that a failover has moved already lead again to where the VMs are."""
        if any(vm.dns for vm in self.plan.vms):
            self.each_vm(Action.RESTORE_DNS, after=after)

    def raise_ttls(self, *, after: StepId) -> None:
        """What `dns prepare` lowered is raised again when the failover is committed."""
        if any(vm.dns for vm in self.plan.vms):
            self.draft.wait(self._add(Action.RESTORE_TTL, "commit/dns-ttl"), until=after)

    def each_vm(self, *actions: Action, after: StepId) -> StepId:
        """The same chain of actions for every VM, all side by side."""
        lasts: list[StepId] = []
        for group in self.plan.groups:
            for vm in group.vms:
                wanted = [each for each in actions if vm.dns or each not in _ON_NAMES]
                chain = [self._vm(action, group, vm) for action in wanted]
                lasts.append(self._link(chain, after=after))
        return self._close(f"{actions[-1]}/end", [], entry=after, members=lasts, is_tolerant=False)

    def _close(
        self,
        name: str,
        hooks: Sequence[StepId],
        *,
        entry: StepId,
        members: Sequence[StepId],
        group: Group | None = None,
        is_tolerant: bool | None = None,
    ) -> StepId:
        """The barrier `name` behind `members` and the `hooks` that follow them."""
        tolerates = self._is_tolerant if is_tolerant is None else is_tolerant
        end = self._add(Action.BARRIER, name, group=group.name if group else "")
        first = hooks[0] if hooks else end
        if not members:
            self.draft.wait(first, until=entry)
        for member in members:
            self._wait(first, until=member, floor=entry if tolerates else None)
        return self._link([*hooks[1:], end] if hooks else [], after=first)

    def _link(
        self, chain: Sequence[StepId], *, after: StepId, floor: StepId | None = None
    ) -> StepId:
        """Let each step of `chain` wait for the one before it; gives the last."""
        for before, step in pairwise([after, *chain]):
            self._wait(step, until=before, floor=floor)
        return chain[-1] if chain else after

    def _wait(self, step: StepId, *, until: StepId, floor: StepId | None) -> None:
        """`step` needs `until`; with a `floor` it needs only that, and tolerates `until`."""
        if floor is not None:
            self.draft.wait(step, until=floor)
        self.draft.wait(step, until=until, tolerates=floor is not None)

    def _vm(
        self, action: Action, group: Group, vm: PlannedVm, *, side: Side | None = None
    ) -> StepId:
        if side is None:
            side = Side.SOURCE if action in _ON_SOURCE else Side.TARGET
        step_id = _vm_step_id(action, group, vm)
        return self._add(action, step_id, side=side, group=group.name, vm=vm)

    def _hooks(
        self,
        hooks: Sequence[Hook],
        prefix: str,
        *,
        group: Group | None = None,
        vm: PlannedVm | None = None,
        here: Side = Side.TARGET,
    ) -> list[StepId]:
        """Add those of `hooks` that apply to this run; the caller links them."""
        kind = self.operation.failover_kind
        return [
            self._add(
                Action.GATE if isinstance(hook, GateHook) else Action.SCRIPT,
                f"{prefix}/{slug}",
                side=self._side_of(hook, here),
                group=group.name if group else "",
                vm=vm,
                hook=hook,
            )
            for hook, slug in zip(hooks, slugs(hooks), strict=True)
            if kind is not None and hook.applies_to(kind=kind, direction=self.direction)
        ]

    def _side_of(self, hook: Hook, here: Side) -> Side:
        if not isinstance(hook, ScriptHook) or hook.on == "engine":
            return Side.ENGINE
        is_forward = self.direction is Direction.FORWARD
        match hook.on:
            case "primary":
                return Side.SOURCE if is_forward else Side.TARGET
            case "recovery":
                return Side.TARGET if is_forward else Side.SOURCE
            case _:  # host:<vm>, guest:<vm>: wherever that VM is at this point of the run
                return here

    def _add(
        self,
        action: Action,
        step_id: str,
        *,
        side: Side = Side.ENGINE,
        group: str = "",
        vm: PlannedVm | None = None,
        hook: Hook | None = None,
    ) -> StepId:
        return self.draft.add(
            Step(id=StepId(step_id), action=action, side=side, group=group, vm=vm, hook=hook)
        )


def _vm_step_id(action: Action, group: Group, vm: PlannedVm) -> StepId:
    return StepId(f"{escape(group.name)}/{escape(vm.name)}/{action}")
