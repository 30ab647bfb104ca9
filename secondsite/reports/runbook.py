"""A plan as a document for people: what happens in which order, who decides, what to do by hand.

Pure. The order is that of the run graph, told in chapters; beside each chapter stands what people
type when the engine itself is lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from secondsite.graph import Action, Operation, RunGraph, Step, compile_graph
from secondsite.plan.adapter_rules import rules_of
from secondsite.plan.dns_intent import dns_changes
from secondsite.plan.estate import Approver, Estate, Network, Protection
from secondsite.plan.guest_credentials import credential_of
from secondsite.plan.guests import HttpProbe, Probe, StaticAddress, TcpProbe
from secondsite.plan.hook_places import hook_places
from secondsite.plan.hooks import FailoverKind, GateHook, OnTimeout, ScriptHook
from secondsite.plan.model import Direction, Group, Plan, PlannedVm
from secondsite.plan.quantities import format_duration
from secondsite.plan.subnet_rules import SubnetRules
from secondsite.plan.way_back import in_direction, static_address
from secondsite.reports import by_hand
from secondsite.reports.by_hand import Block
from secondsite.reports.phrasing import KIND_WORDS

__all__ = ["Chapter", "Part", "Runbook", "ServerLine", "VmLine", "write_runbook"]


@dataclass(frozen=True, slots=True, kw_only=True)
class VmLine:
    """One VM in the table of all VMs.

    Attributes:
        host: Where its replica was when a run last looked; empty if none has.
        address: What it gets in the site that takes over, in words.
    """

    name: str
    group: str
    host: str
    waits_for: str
    ready: str
    address: str
    dns: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerLine:
    """One server that people may have to log on to."""

    site: str
    role: str
    name: str
    address: str
    account: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """A stretch of a failover.

    Attributes:
        happens: What the engine does, one sentence each, in order.
        by_hand: What people type instead.
    """

    title: str
    happens: tuple[str, ...]
    by_hand: tuple[Block, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One kind of failover, from its beginning to its end."""

    title: str
    when: str
    command: str
    chapters: tuple[Chapter, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Runbook:
    """The whole document.

    Attributes:
        digest: Of plan, scripts and estate: a print with another one is out of date.
    """

    plan: str
    description: str
    digest: str
    printed_at: datetime
    source_site: str
    target_site: str
    rto: str
    rpo: str
    vms: tuple[VmLine, ...]
    servers: tuple[ServerLine, ...]
    approvers: tuple[Approver, ...]
    parts: tuple[Part, ...]
    scripts: Mapping[str, str] = field(default_factory=dict)


_WHEN = {
    Operation.UNPLANNED: "The site that the VMs are in is lost, or about to be. What was not "
    "replicated yet is lost. Until the commit it can be undone, also towards another recovery "
    "point.",
    Operation.PLANNED: "Both sites work. The VMs are shut down and their last changes sent: "
    "nothing is lost. An error stops it where it stands, and people decide.",
}


def write_runbook(
    plan: Plan,
    estate: Estate,
    *,
    digest: str,
    printed_at: datetime,
    direction: Direction = Direction.FORWARD,
    hosts: Mapping[str, str] | None = None,
    scripts: Mapping[str, str] | None = None,
) -> Runbook:
    """The runbook of `plan` in one direction, for an unplanned and for a planned failover.

    Args:
        plan: A plan without faults.
        estate: The estate that it fits in.
        digest: Of both and of the scripts.
        printed_at: Aware UTC.
        direction: Which site takes over.
        hosts: Per VM the host of the replica, as a run last found it.
        scripts: Texts of the plan's scripts, by path.
    """
    writer = _Writer(plan=plan, estate=estate, direction=direction, hosts=hosts or {})
    objectives = plan.objectives
    return Runbook(
        plan=plan.name,
        description=plan.description,
        digest=digest,
        printed_at=printed_at,
        source_site=writer.source,
        target_site=writer.target,
        rto=format_duration(objectives.rto) if objectives.rto else "",
        rpo=format_duration(objectives.rpo) if objectives.rpo else "",
        vms=tuple(writer.vm_lines()),
        servers=tuple(writer.server_lines()),
        approvers=_approvers(plan, estate),
        parts=tuple(
            writer.part(operation) for operation in (Operation.UNPLANNED, Operation.PLANNED)
        ),
        scripts=scripts or {},
    )


def _approvers(plan: Plan, estate: Estate) -> tuple[Approver, ...]:
    named = dict.fromkeys(
        name
        for place in hook_places(plan)
        if isinstance(place.hook, GateHook)
        for name in place.hook.approvers
    )
    return tuple(estate.approver(name) or Approver(name=name) for name in named)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Writer:
    plan: Plan
    estate: Estate
    direction: Direction
    hosts: Mapping[str, str]

    @property
    def protection(self) -> Protection:
        found = self.estate.protection(self.plan.protection)
        if found is None:
            raise LookupError(self.plan.protection)
        return found

    @property
    def source(self) -> str:
        return self.protection.site_names(self.direction)[0]

    @property
    def target(self) -> str:
        return self.protection.site_names(self.direction)[1]

    def vm_lines(self) -> Iterable[VmLine]:
        for group in self.plan.groups:
            for vm in group.vms:
                yield VmLine(
                    name=vm.name,
                    group=group.name,
                    host=self.hosts.get(vm.name.casefold(), ""),
                    waits_for=", ".join(vm.depends_on),
                    ready=", ".join(map(_probe, vm.ready)),
                    address=self._address(vm),
                    dns=", ".join(record.name for record in vm.dns),
                )

    def server_lines(self) -> Iterable[ServerLine]:
        for name in (self.target, self.source):
            site = self.estate.sites[name]
            for server in site.servers:
                account = self.estate.credentials.get(server.credential)
                yield ServerLine(
                    site=name,
                    role="VMM" if server is site.vmm else "Hyper-V",
                    name=server.name,
                    address=server.address or "",
                    account=account.username if account else server.credential,
                )
        for target in self.estate.dns:
            if not target.for_tests:
                for each in target.servers:
                    yield ServerLine(
                        site=target.site or "",
                        role="DNS",
                        name=each.name,
                        address=each.address or "",
                        account=f"key {target.key}" if target.key else "",
                    )

    def part(self, operation: Operation) -> Part:
        graph = compile_graph(self.plan, operation=operation, direction=self.direction)
        back = "" if self.direction is Direction.FORWARD else " --direction back"
        return Part(
            title=f"{KIND_WORDS[operation]} to {self.target}",
            when=_WHEN[operation],
            command=f"secondsite run {self.plan.name} --kind {operation}{back}",
            chapters=tuple(self._chapters(graph, operation)),
        )

    def _chapters(self, graph: RunGraph, operation: Operation) -> Iterable[Chapter]:
        steps = [step for step in graph if step.action is not Action.BARRIER]
        names = [vm.name for vm in self.plan.vms]
        yield Chapter(
            title="Before anything is touched",
            happens=(
                "Every VM is looked up in both sites, and every reason against the failover is "
                "told at once. Nothing is touched if there is one.",
            ),
            by_hand=(by_hand.look(self.target, names),),
        )
        down = [step for step in steps if _is_shutdown(step)]
        if_there = "" if operation is Operation.PLANNED else f", if {self.source} still answers"
        if down:
            last_first = [_names(group)[::-1] for group in self._groups()[::-1]]
            yield Chapter(
                title=f"Shut down in {self.source}{if_there}",
                happens=tuple(_sentences(down)),
                by_hand=(
                    *self._inside(self.source, down),
                    by_hand.shut_down(self.source, last_first),
                ),
            )
        if any(step.action is Action.PREPARE for step in steps):
            yield Chapter(
                title=f"Send the last changes{if_there}",
                happens=(
                    "Each VM's last changes are sent; nothing fails over before all of them are.",
                ),
                by_hand=(by_hand.prepare(self.source, names),),
            )
        over = [step for step in steps if _is_failover(step)]
        yield Chapter(
            title=f"Fail over to {self.target}",
            happens=tuple(_sentences(over)),
            by_hand=(by_hand.fail_over(self.target, names, self._addresses()), *self._connect()),
        )
        for group in self.plan.groups:
            mine = [
                s
                for s in steps
                if s.group == group.name and not (_is_shutdown(s) or _is_failover(s))
            ]
            boot = [step for step in mine if step.action not in _AFTERWARDS]
            yield Chapter(
                title=f"Start the group {group.name}",
                happens=tuple(_sentences(boot)),
                by_hand=(*self._boot(group, operation), *self._inside(self.target, boot)),
            )
        towards = self.estate.sites[self.source].replica_broker or f"HOST-IN-{self.source}"
        if operation is Operation.PLANNED:
            yield Chapter(
                title="Replicate back, and commit",
                happens=("Replication is reversed: each VM is copied back, and can go home.",),
                by_hand=(by_hand.reverse(self.target, names, towards),),
            )
        else:
            yield Chapter(
                title="Afterwards: commit, then replicate back",
                happens=(
                    "The failover is commit pending: people look at it. "
                    f"secondsite undo {self.plan.name} takes it back; "
                    f"secondsite commit {self.plan.name} keeps it, with no way back. When "
                    f"{self.source} is there again: secondsite reverse {self.plan.name}.",
                ),
                by_hand=(
                    by_hand.commit(self.target, names),
                    by_hand.become_replicas(self.source, names),
                    by_hand.copy_back(self.target, names, towards),
                ),
            )

    def _groups(self) -> Sequence[Group]:
        return [group for group in self.plan.groups if group.vms]

    def _inside(self, site: str, steps: Iterable[Step]) -> Iterable[Block]:
        """What is typed for scripts inside VMs."""
        for step in steps:
            if isinstance(step.hook, ScriptHook) and step.hook.is_in_guest:
                name = credential_of(step.hook, self.protection) or ""
                account = self.estate.credentials.get(name)
                yield by_hand.run_inside(
                    site,
                    str(step.hook.on_vm),
                    step.hook.script,
                    account=account.username if account else name,
                    values={key: str(value) for key, value in step.hook.arguments.items()},
                )

    def _boot(self, group: Group, operation: Operation) -> Iterable[Block]:
        if not group.vms:
            return
        yield by_hand.start(self.target, _names(group))
        unknown = [vm for vm in group.vms if vm.dns and self._static(vm) is None]
        changes = [
            change
            for vm in group.vms
            if (address := self._static(vm)) is not None
            for change in dns_changes(
                self.plan,
                vm,
                [str(each).partition("/")[0] for each in (address.ipv4, address.ipv6) if each],
                kind=FailoverKind(operation.value),
                estate=self.estate,
                direction=self.direction,
            )
        ]
        yield from by_hand.update_dns(changes)
        for vm in unknown:
            yield by_hand.find_address(self.target, vm.name, [record.name for record in vm.dns])

    def _addresses(self) -> Iterable[tuple[str, StaticAddress]]:
        rules = SubnetRules(self.protection, self.direction)
        for vm in self.plan.vms:
            for each in rules_of(vm):
                if not isinstance(each.rule, StaticAddress):
                    continue
                address = in_direction(each.rule, rules, self.direction)
                if address is not None:
                    yield vm.name, address.model_copy(update={"adapter": each.adapter})

    def _static(self, vm: PlannedVm) -> StaticAddress | None:
        return static_address(vm, self.protection, self.direction)

    def _connect(self) -> Iterable[Block]:
        names = [vm.name for vm in self.plan.vms]
        pairs = self._networks()
        for here, network in pairs:
            only_from = here if len(pairs) > 1 else ""
            if network.is_virtual:
                vmm = self.estate.sites[self.target].vmm.name
                yield by_hand.connect_by_vmm(vmm, names, network, only_from=only_from)
            else:
                yield by_hand.connect(self.target, names, network, only_from=only_from)

    def _networks(self) -> Sequence[tuple[str, Network]]:
        """(network of the site that is left, network of the one that takes over)."""
        is_forward = self.direction is Direction.FORWARD
        site = self.estate.sites[self.target]
        pairs = [
            (here, there) if is_forward else (there, here)
            for here, there in self.protection.networks.items()
        ]
        found = [(here, site.network(there)) for here, there in pairs]
        return [(here, network) for here, network in found if network is not None]

    def _address(self, vm: PlannedVm) -> str:
        address = self._static(vm)
        if address is not None:
            return ", ".join(str(each) for each in (address.ipv4, address.ipv6) if each)
        if vm.address is None and self.protection.subnets:
            return "by the subnet rules"
        return vm.address if isinstance(vm.address, str) else "as it is inside"


_AFTERWARDS = frozenset({Action.PREPARE, Action.REVERSE, Action.COMMIT})
_TOLD = {
    Action.SHUTDOWN: "Shut down",
    Action.FAILOVER: "Fail over, and connect to the network",
    Action.START: "Start, each when what it waits for is in service",
    Action.READY: "Wait until ready; it counts as failed after its boot time-out",
    Action.DNS: "Lead its DNS names to it, and read them back",
}


def _is_shutdown(step: Step) -> bool:
    return step.action is Action.SHUTDOWN or step.id.startswith("shutdown/")


def _is_failover(step: Step) -> bool:
    return step.action in {Action.FAILOVER, Action.CONNECT} or step.id.startswith("failover/")


def _names(group: Group) -> list[str]:
    return [vm.name for vm in group.vms]


def _sentences(steps: Iterable[Step]) -> Iterable[str]:
    """One sentence per hook, and between two hooks one for each kind of action on VMs."""
    deeds: dict[str, list[str]] = {}

    def told() -> Iterable[str]:
        for words, vms in deeds.items():
            yield f"{words}: {', '.join(vms)}."
        deeds.clear()

    for step in steps:
        if step.hook is not None:
            yield from told()
            yield _hook(step)
        elif step.vm is not None and step.action in _TOLD:
            deeds.setdefault(_TOLD[step.action], []).append(step.vm.name)
    yield from told()


def _probe(probe: Probe) -> str:
    match probe:
        case TcpProbe(tcp=port):
            return f"port {port} answers"
        case HttpProbe(http=url):
            return f"{url} answers"
        case _:
            return "heartbeat"


def _hook(step: Step) -> str:
    match step.hook:
        case GateHook() as gate:
            who = ", ".join(gate.approvers) or "anybody"
            count = f"{gate.required} of them" if gate.required > 1 else "one of them"
            silence = {
                OnTimeout.STOP: "it stops",
                OnTimeout.CONTINUE: "it goes on",
            }.get(gate.on_timeout, f"on_timeout: {gate.on_timeout}")
            return (
                f"DECISION “{gate.gate}”: {who}{f', {count}' if gate.approvers else ''}. "
                f"{' '.join(gate.instructions.split())} Without an answer in "
                f"{format_duration(gate.timeout)}, {silence}."
            )
        case ScriptHook() as script:
            words = ", ".join(f"{name}={value}" for name, value in script.arguments.items())
            return (
                f"SCRIPT {script.script} on {script.on}"
                f"{f' with {words}' if words else ''}; when it fails: {script.on_error}."
            )
        case _:
            return step.title
