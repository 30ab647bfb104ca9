"""Every secret that an estate names: what it is, and where it is kept."""

from __future__ import annotations

from collections.abc import Iterator

from secondsite.plan.estate import Estate
from secondsite.plan.secret_source import SecretSource

__all__ = ["named_secrets"]


def named_secrets(estate: Estate) -> Iterator[tuple[str, SecretSource]]:
    """What each secret is, in words, with its source."""
    for name, credential in estate.credentials.items():
        yield f'the password of credential "{name}"', credential.password
    for key in estate.keys:
        yield f'the secret of DNS key "{key.name}"', key.secret
    for target in estate.notifications:
        if target.url is not None:
            yield f'the URL of notification target "{target.name}"', target.url
    if estate.prefect.auth is not None:
        yield "the auth string of Prefect's server", estate.prefect.auth
