"""Which account a script inside a VM runs under, and what is wrong where it has none."""

from __future__ import annotations

from collections.abc import Iterator

from secondsite.errors import Fault
from secondsite.plan.estate import Estate, Protection
from secondsite.plan.hook_places import hook_places
from secondsite.plan.hooks import ScriptHook
from secondsite.plan.model import Plan
from secondsite.plan.suggestions import did_you_mean
from secondsite.plan.yaml_source import Source

__all__ = ["check_guest_credentials", "credential_of"]


def credential_of(hook: ScriptHook, protection: Protection | None) -> str | None:
    """Name of the account inside the VM: the script's own, or the protection's."""
    if hook.credential is not None or protection is None:
        return hook.credential
    return protection.guest_credential


def check_guest_credentials(source: Source[Plan], plan: Plan, estate: Estate) -> Iterator[Fault]:
    """Scripts inside VMs without an account, or with one that the estate does not name."""
    protection = estate.protection(plan.protection)
    for place in hook_places(plan):
        hook = place.hook
        if not isinstance(hook, ScriptHook):
            continue
        if hook.credential is not None and hook.credential not in estate.credentials:
            yield source.fault(
                f'"{hook.credential}" is not one of the credentials of the estate'
                f"{did_you_mean(hook.credential, estate.credentials)}",
                *place.path,
                "credential",
            )
        elif hook.is_in_guest and protection is not None and not credential_of(hook, protection):
            yield source.fault(
                f"nothing says under which account the script runs inside {hook.on_vm}: write "
                "credential: NAME here, or guest_credential: NAME at the protection "
                f"{protection.name} of the estate",
                *place.path,
                "on",
            )
