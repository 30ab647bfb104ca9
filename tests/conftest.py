"""What all tests share."""

from __future__ import annotations

import pytest
from hypothesis import settings

# A busy machine is no failure of a property; `timeout` in pyproject.toml still ends what hangs.
settings.register_profile("secondsite", deadline=None, max_examples=60)
settings.load_profile("secondsite")


@pytest.fixture
def anyio_backend() -> str:
    """Asynchronous tests (`pytest.mark.anyio`) run on asyncio, as the flows do."""
    return "asyncio"
