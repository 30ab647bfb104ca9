"""Secrets from Prefect's Secret blocks, for commands."""

from __future__ import annotations

from secondsite.cli.services import api_url, use_prefect
from secondsite.errors import CredentialError

__all__ = ["read_block"]


def read_block(name: str) -> str:
    """The value of the Secret block of that name.

    Prefect is told of its server first: without one it would start a server of its own, for seconds
    and without any block.

    Raises:
        UnreachableError: no server is known, or it does not answer.
        CredentialError: it has no such block.
    """
    use_prefect(api_url())
    from flows.blocks import read_block as read

    try:
        return read(name)
    except ValueError:
        raise CredentialError(
            f'Prefect has no Secret block "{name}".',
            next_step=f"secondsite secrets register {name}",
        ) from None
