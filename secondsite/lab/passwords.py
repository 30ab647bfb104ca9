"""Secrets of one lab instance: made when it starts, kept in files that only their owner reads."""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from secondsite.lab.estate import LabEstate

__all__ = ["LabSecrets", "make_secrets"]


class LabSecrets:
    """Passwords by credential name and TSIG secrets (base64) by key name; never shown."""

    def __init__(self, *, passwords: dict[str, str], keys: dict[str, str]) -> None:
        self.passwords = passwords
        self.keys = keys

    def is_account_of(self, estate: LabEstate) -> Callable[[str, str, str], bool]:
        """Judges a user name (with or without its domain) and a password of a named credential."""

        def judge(credential: str, username: str, password: str) -> bool:
            account = estate.credentials.get(credential)
            if account is None:
                return False
            own, given = (_plain(name) for name in (account.username, username))
            is_right = secrets.compare_digest(
                self.passwords[credential].encode(), password.encode()
            )
            return own == given and is_right

        return judge

    def __repr__(self) -> str:
        return f"LabSecrets(passwords of {sorted(self.passwords)}, keys {sorted(self.keys)})"


def make_secrets(estate: LabEstate, folder: Path) -> LabSecrets:
    """New secrets for all credentials and keys of the estate, each in a file of its name."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    made = LabSecrets(
        passwords={name: secrets.token_hex(16) for name in estate.credentials},
        keys={
            key.name: base64.b64encode(secrets.token_bytes(32)).decode("ascii")
            for key in estate.dns.keys
        },
    )
    for name, secret in {**made.passwords, **made.keys}.items():
        _write(folder / name, secret)
    return made


def _plain(username: str) -> str:
    """Without its domain, whatever its case."""
    return username.rpartition("\\")[2].casefold()


def _write(path: Path, secret: str) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secret + "\n")
