"""The Windows modules that the lab simulates, as cmdlets on the simulated world."""

from __future__ import annotations

from secondsite.lab.cmdlets.registries import ServerKind, host_registry, vm_of

__all__ = ["ServerKind", "host_registry", "vm_of"]
