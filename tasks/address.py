"""Find the addresses of a VM that is ready: asked of the guest and of VMM, both answers kept."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from secondsite.connectors.adapters import Expectation, ExpectedAdapter
from secondsite.connectors.base import ActionResult, VmObservation
from secondsite.errors import AccessDeniedError, NotReadyError, SecondsiteError
from secondsite.graph import Action, Step
from secondsite.plan.adapter_plan import Slot
from secondsite.plan.model import PlannedVm
from secondsite.run.events import Noted
from tasks.action import step_task
from tasks.adapters import expectation_of
from tasks.context import RunContext
from tasks.vm import fact_of, running_name, skipped, vm_of
from tasks.watch import HostWatch, View, is_final
from tasks.whereabouts import on_its_host

__all__ = ["disagreement", "find_address"]


@step_task
async def find_address(run: RunContext, step: Step) -> ActionResult:
    """Find the VM's addresses in its networks; link-local and stale ones do not count.

    Both the guest and VMM are asked; whose word counts is for the estate to say
    (`addresses_from`), and where they disagree a note in the journal tells it.
    """
    vm = vm_of(step)
    if not run.is_test and (over := skipped(run, vm)):
        return over
    expected = expectation_of(run, vm)
    if not expected.adapters:
        return ActionResult(changed=False, evidence={"addresses": [], "reason": "not reachable"})
    name = running_name(run, vm)

    def wanted_on(host: str) -> _Wanted:
        limit_s = run.estate.limits.address_timeout.total_seconds()
        return _Wanted(name=name, host=host, expected=expected, limit_s=limit_s)

    counts = run.estate.addresses_from
    if counts == "guest":
        seen = await on_its_host(run, vm, lambda host: _of_guest(wanted_on(host.name), host.watch))
        vmm: Sequence[str] | str = await _once_of_vmm(run, vm)
        shown = expected.shown(seen)
    else:
        vmm = await _of_vmm(run, vm, wanted_on(fact_of(run, vm).host))
        seen = await on_its_host(run, vm, lambda host: host.look.submit(name, name))
        shown = {each.plan.slot: each.usable(vmm) for each in expected.adapters}
    guest = expected.among(seen.addresses)
    stale = set(seen.addresses) - set(guest)
    quarrel = disagreement(guest=guest, stale=stale, vmm=vmm, name=vm.name, counts=counts)
    if quarrel:
        await run.tell(Noted(at=run.now(), step=step.id, text=quarrel, level="warning"))
    return ActionResult(changed=False, evidence=_evidence(expected, shown, guest, vmm, quarrel))


def disagreement(
    *,
    guest: Iterable[str],
    vmm: Sequence[str] | str,
    name: str,
    counts: str,
    stale: Collection[str] = (),
) -> str:
    """What the two sources differ in, in words; empty if they agree, or if VMM knows nothing yet.

    Args:
        guest: The addresses that count of those that the guest reports.
        vmm: All that VMM shows, stale ones too; a text is the reason why it shows nothing.
        name: The VM's.
        counts: Whose word counts: `guest` or `vmm`.
        stale: Those of the guest that do not count: about these they agree if VMM shows them, too.
    """
    inside = set(guest)
    if isinstance(vmm, str) or not vmm or set(vmm) - set(stale) == inside:
        return ""
    word = "The guest's" if counts == "guest" else "VMM's"
    return (
        f"{name}: the guest reports {', '.join(sorted(inside)) or 'no address that counts'}, and "
        f"VMM shows {', '.join(vmm)}. {word} word counts here (`addresses_from` in the estate)."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """A VM under the name it runs by, and what it must show."""

    name: str
    host: str
    expected: Expectation
    limit_s: float

    def not_shown(
        self, source: str, missing: Sequence[ExpectedAdapter], seen: Any
    ) -> NotReadyError:
        places = "; ".join(_in_words(each) for each in missing)
        told = ", ".join(seen) if seen else "none"
        return NotReadyError(
            f"{self.name} on {self.host} reported no address in {places} within {self.limit_s:g} s "
            f"({source} shows: {told}). It was left running as it is.",
            vm=self.name,
            host=self.host,
            next_step="Look at the guest's network settings, and at the network's DHCP or pool.",
            evidence={"reported": list(seen or ())},
        )


def _in_words(adapter: ExpectedAdapter) -> str:
    planned = f" ({', '.join(sorted(adapter.planned))})" if adapter.planned else ""
    return f"{adapter.network.name}{planned}"


async def _of_guest(wanted: _Wanted, watch: HostWatch) -> VmObservation:
    deadline = time.monotonic() + wanted.limit_s
    async with watch.following(wanted.name) as view:
        while (left_s := deadline - time.monotonic()) > 0:
            if view.latest is not None and not _missing(wanted, view):
                return view.latest
            if view.trouble is not None and is_final(view.trouble):
                raise view.trouble
            await view.change(timeout_s=left_s)
        seen = view.latest.addresses if view.latest else ()
        raise wanted.not_shown("the guest", _missing(wanted, view), seen)


def _missing(wanted: _Wanted, view: View) -> Sequence[ExpectedAdapter]:
    if view.latest is None:
        return wanted.expected.adapters
    return wanted.expected.missing(wanted.expected.shown(view.latest))


def _vm_id(run: RunContext, vm: PlannedVm) -> str:
    if not run.is_test:
        return fact_of(run, vm).id
    return str(run.evidence_of(vm=vm.name, action=Action.FAILOVER).get("test_vm_id") or "")


async def _once_of_vmm(run: RunContext, vm: PlannedVm) -> Sequence[str] | str:
    """VMM's answer, or the reason why there is none: it never holds up a VM that is ready."""
    vm_id = _vm_id(run, vm)
    if not vm_id:
        return ()
    try:
        return await run.sites.vmm(run.running_site_name).addresses.submit(vm_id, vm_id)
    except SecondsiteError as error:
        return error.message


async def _of_vmm(run: RunContext, vm: PlannedVm, wanted: _Wanted) -> Sequence[str]:
    """VMM's answer as soon as it shows all that is wanted; it is told to look at the host again.

    Raises:
        NotReadyError: it does not within the estate's limit.
    """
    access, vm_id = run.sites.vmm(run.running_site_name), _vm_id(run, vm)
    deadline = time.monotonic() + wanted.limit_s
    shown: Sequence[str] = ()
    trouble = ""
    while time.monotonic() < deadline:
        try:
            await access.refresh.submit(wanted.host, wanted.host)
            shown, trouble = await access.addresses.submit(vm_id, vm_id), ""
        except AccessDeniedError:
            raise
        except SecondsiteError as error:  # a VM that VMM does not know may be there after the next
            trouble = error.message
        if wanted.expected.covers(shown):
            return shown
        await asyncio.sleep(run.estate.limits.poll_interval.total_seconds())
    raise wanted.not_shown("VMM", wanted.expected.adapters, shown or [trouble])


def _evidence(
    expected: Expectation,
    shown: Mapping[Slot, Sequence[str]],
    guest: Sequence[str],
    vmm: Sequence[str] | str,
    quarrel: str,
) -> dict[str, Any]:
    first = expected.first
    evidence: dict[str, Any] = {
        "addresses": list(shown[first.plan.slot]) if first else [],
        "adapters": [
            {
                "adapter": each.plan.name,
                "network": each.network.name,
                "addresses": list(shown[each.plan.slot]),
            }
            for each in expected.adapters
        ],
        "sources": {"guest": list(guest), "vmm": vmm if isinstance(vmm, str) else list(vmm)},
    }
    return evidence | ({"disagreement": quarrel} if quarrel else {})
