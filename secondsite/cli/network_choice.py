"""`--test-network N`: what the test VMs of a run are connected to, as a person chooses it."""

from __future__ import annotations

import argparse
from typing import Any

__all__ = ["add_test_network", "test_network_choice"]


def add_test_network(parser: argparse.ArgumentParser) -> None:
    """Declare the argument."""
    parser.add_argument(
        "--test-network",
        metavar="N",
        default="",
        help="network for the test VMs; `created`: made in VMM for this test; or `none` (default: "
        "as the estate says)",
    )


def test_network_choice(chosen: str) -> dict[str, Any]:
    """The choice as parameters of the flow; none of them if nothing was chosen."""
    if chosen in {"none", "created"}:
        return {"network": chosen}
    return {"network": "existing", "network_name": chosen} if chosen else {}
