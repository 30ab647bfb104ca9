"""Recovery plans for Hyper-V virtual machines that System Center VMM manages in two sites."""

from __future__ import annotations

__all__ = ["__version__"]

__version__ = "0.1.0"
