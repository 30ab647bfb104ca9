"""What all tests share."""

from __future__ import annotations

import pytest
from hypothesis import settings

from tests.postgresql import postgresql_server, postgresql_url

__all__ = ["anyio_backend", "postgresql_server", "postgresql_url", "pytest_collection_modifyitems"]

# A busy machine is no failure of a property; `timeout` in pyproject.toml still ends what hangs.
settings.register_profile("secondsite", deadline=None, max_examples=60)
settings.load_profile("secondsite")


_OWN_MACHINE = {"test_failover.py", "test_machine.py", "test_readme.py", "test_rehearsal.py"}
"""End-to-end tests that bring their own machine up; the others share one."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the end-to-end tests begin first, in two groups: beside each other, not across."""
    for item in items:
        if item.path.parent.name == "e2e":
            group = "own machine" if item.path.name in _OWN_MACHINE else "shared machine"
            item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=lambda item: item.path.parent.name != "e2e")


@pytest.fixture
def anyio_backend() -> str:
    """Asynchronous tests (`pytest.mark.anyio`) run on asyncio, as the flows do."""
    return "asyncio"
