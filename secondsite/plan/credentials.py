"""Secrets by name, from the environment, a file or a Prefect block. Values are never shown."""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from secondsite.errors import CredentialError, SecondsiteError
from secondsite.plan.estate import Estate, SecretSource
from secondsite.plan.notifications import NotificationTarget
from secondsite.plan.suggestions import did_you_mean

__all__ = ["Account", "BlockReader", "Secrets", "read_secret", "url_words"]

BlockReader = Callable[[str], str]
"""Gives the value of a Prefect Secret block; the engine itself knows nothing of Prefect."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A user name with its password."""

    username: str
    password: SecretStr


class Secrets:
    """The secrets of an estate; each is read when it is asked for, so that it can be renewed."""

    def __init__(
        self,
        estate: Estate,
        *,
        home: Path,
        block_reader: BlockReader | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Secrets of `estate`; `home` is what `{home}` in the path of a file stands for."""
        self._estate = estate
        self._home = home
        self._block_reader = block_reader
        self._environment = os.environ if environment is None else environment

    def account(self, name: str) -> Account:
        """The account that the estate calls `name`.

        Raises:
            CredentialError: it does not exist, or its password cannot be had.
        """
        credential = self._estate.credentials.get(name)
        if credential is None:
            known = did_you_mean(name, self._estate.credentials)
            raise CredentialError(
                f'The estate has no credential "{name}"{known}.',
                next_step="Name it under `credentials` of the estate.",
            )
        password = self._read(credential.password, what=f'the password of credential "{name}"')
        return Account(username=credential.username, password=password)

    def key(self, name: str) -> SecretStr:
        """The secret (base64) of the DNS key that the estate calls `name`.

        Raises:
            CredentialError: it does not exist, or cannot be had.
        """
        key = self._estate.key(name)
        if key is None:
            known = did_you_mean(name, (each.name for each in self._estate.keys))
            raise CredentialError(
                f'The estate has no DNS key "{name}"{known}.',
                next_step="Name it under `keys` of the estate.",
            )
        return self._read(key.secret, what=f'the secret of DNS key "{name}"')

    def notification_url(self, target: NotificationTarget) -> SecretStr:
        """The Apprise URL of a target that has one.

        Raises:
            CredentialError: it cannot be had.
        """
        if target.url is None:
            raise CredentialError(
                f'The notification target "{target.name}" has no URL of its own.',
                next_step="Its block is kept on the Prefect server.",
            )
        return self._read(target.url, what=url_words(target))

    def path(self, written: str) -> Path:
        """The file that the estate writes as `written`: a keytab, say. Whether it is there, no."""
        path = _file(written, self._home)
        exposure = _exposure(path)
        if exposure:
            _log.warning(exposure)
        return path

    def troubles(self) -> tuple[CredentialError, ...]:
        """What is wrong with each secret that cannot be had; empty when all is well."""
        found: list[CredentialError] = []
        for name in self._estate.credentials:
            found += _trouble(self.account, name)
        for key in self._estate.keys:
            found += _trouble(self.key, key.name)
        return tuple(found)

    def warnings(self) -> tuple[str, ...]:
        """Files of secrets that others on this machine may read."""
        sources = [each.password for each in self._estate.credentials.values()]
        sources += [each.secret for each in self._estate.keys]
        paths = dict.fromkeys(
            _file(source.file, self._home) for source in sources if source.file is not None
        )
        return tuple(filter(None, map(_exposure, paths)))

    def _read(self, source: SecretSource, *, what: str) -> SecretStr:
        return read_secret(
            source,
            what=what,
            home=self._home,
            block_reader=self._block_reader,
            environment=self._environment,
        )


def url_words(target: NotificationTarget) -> str:
    """What the URL of a target is called when it cannot be had."""
    return f'the URL of notification target "{target.name}"'


def read_secret(
    source: SecretSource,
    *,
    what: str,
    home: Path,
    block_reader: BlockReader | None = None,
    environment: Mapping[str, str] | None = None,
) -> SecretStr:
    """The secret at `source`.

    Raises:
        CredentialError: it cannot be had; says `what` it is and where it was looked for.
    """
    variables = os.environ if environment is None else environment
    if source.env is not None:
        value = variables.get(source.env, "")
        where = f"the environment variable {source.env}"
        remedy = f"Set {source.env} for the engine (worker), and start it again."
    elif source.file is not None:
        path = _file(source.file, home)
        where, remedy = f"the file {path}", f"Write the secret into {path}, mode 0600."
        value = _from_file(path, what=what)
        exposure = _exposure(path)
        if exposure:
            _log.warning(exposure)
    else:
        where = f'the Prefect block "{source.prefect_block}"'
        remedy = f'Register a Secret block "{source.prefect_block}" on the Prefect server.'
        value = _from_block(source.prefect_block or "", block_reader, what=what, remedy=remedy)
    if not value:
        raise CredentialError(f"Cannot get {what}: {where} is not set or empty.", next_step=remedy)
    return SecretStr(value)


def _file(name: str, home: Path) -> Path:
    return Path(name.replace("{home}", str(home))).expanduser()


def _from_file(path: Path, *, what: str) -> str:
    try:
        return path.read_text(encoding="utf-8").rstrip()
    except FileNotFoundError:
        reason, remedy = "does not exist", f"Write the secret into {path}, mode 0600."
    except PermissionError:
        reason = "may not be read by this account"
        remedy = f"Give {path} to the account that the engine runs under."
    except (OSError, UnicodeDecodeError) as error:
        reason = f"cannot be read ({type(error).__name__})"
        remedy = f"Write the secret into {path} as UTF-8 text, mode 0600."
    raise CredentialError(f"Cannot get {what}: the file {path} {reason}.", next_step=remedy)


def _from_block(name: str, reader: BlockReader | None, *, what: str, remedy: str) -> str:
    if reader is None:
        raise CredentialError(
            f'Cannot get {what}: the Prefect block "{name}" can be read only inside a run.',
            next_step="Start the run through Prefect, or give the secret another source.",
        )
    try:
        return reader(name)
    except SecondsiteError as error:  # our own words: they hold no value
        raise CredentialError(
            f"Cannot get {what}: {error.message}", next_step=error.next_step
        ) from error
    except Exception as error:
        # Not chained: what a block says of itself may hold the value.
        raise CredentialError(
            f'Cannot get {what}: the Prefect block "{name}" cannot be read '
            f"({type(error).__name__}).",
            next_step=remedy,
        ) from None


def _exposure(path: Path) -> str:
    """A warning if others may read the file; empty if not, or if it cannot be told."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return ""
    if not mode & (stat.S_IRGRP | stat.S_IROTH):
        return ""
    return f"{path} can be read by other accounts of this machine: chmod 600 {path}"


def _trouble(read: Callable[[str], object], name: str) -> list[CredentialError]:
    try:
        read(name)
    except CredentialError as error:
        return [error]
    return []
