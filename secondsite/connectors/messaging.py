"""Sending one message to one Apprise URL: mail, Teams, Slack, webhooks and many more.

The URL holds passwords or tokens. Nothing of it gets out of here but the name of its host.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from typing import Literal
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

from apprise import Apprise, AppriseAsset, NotifyFormat, NotifyType
from pydantic import SecretStr

from secondsite.errors import CredentialError, UnreachableError
from secondsite.plan.contact import is_mail_address

__all__ = ["Heard", "Mood", "send"]

Mood = Literal["info", "success", "warning", "failure"]

_WITHHELD = "(withheld)"


def send(
    url: SecretStr, *, title: str, text: str, mood: Mood = "info", to: Sequence[str] = ()
) -> None:
    """Send one message. It may take long: whoever calls sets the limit.

    Args:
        url: As Apprise understands it.
        title: A few words; the subject of a mail.
        text: Plain text.
        mood: Which sign goes with it, where the target has signs.
        to: Mail addresses that take the place of the URL's own recipients.

    Raises:
        CredentialError: the URL is none that Apprise understands.
        UnreachableError: it was not delivered; says why, as far as the target's library does.
    """
    asset = AppriseAsset(app_id="Secondsite", app_desc="Secondsite", app_url="", async_mode=False)
    target = Apprise(asset=asset)
    heard = Heard()
    with heard:
        is_understood = target.add(_addressed(url.get_secret_value(), to))
        is_sent = is_understood and target.notify(
            body=text, title=title, notify_type=NotifyType(mood), body_format=NotifyFormat.TEXT
        )
    if not is_understood:
        raise CredentialError(
            "its URL is none that Apprise understands",
            next_step="Write an Apprise URL, as in mailtos://USER:PASSWORD@HOST?to=ADDRESS.",
        )
    if not is_sent:
        raise UnreachableError(without_secrets(heard.text, url) or "it was not accepted")


def without_secrets(text: str, url: SecretStr) -> str:
    """`text` without any part of `url` but its host."""
    pieces = sorted(_pieces(url.get_secret_value()), key=len, reverse=True)
    for piece in pieces:
        text = text.replace(piece, _WITHHELD)
    return " ".join(text.split())


def _addressed(url: str, to: Sequence[str]) -> str:
    recipients = [each for each in to if is_mail_address(each)]
    if not recipients:
        return url
    parts = urlsplit(url)
    kept = [(key, value) for key, value in parse_qsl(parts.query) if key not in {"to", "cc", "bcc"}]
    # A path would be recipients, too; those of the query take their place.
    query = urlencode([*kept, ("to", ",".join(recipients))])
    return urlunsplit((parts.scheme, parts.netloc, "/", query, ""))


def _pieces(url: str) -> set[str]:
    """Whatever in the URL may be a secret: all but scheme, host and port."""
    parts = urlsplit(url)
    userinfo, _, _ = parts.netloc.rpartition("@")
    found = {url, userinfo, *userinfo.split(":"), *parts.path.split("/"), parts.query}
    found |= {value for _, value in parse_qsl(parts.query)}
    found |= {unquote(piece) for piece in found} | {quote(piece, safe="") for piece in found}
    return {piece for piece in found if len(piece) > 1}


_APPRISE = logging.getLogger("apprise")
_APPRISE.propagate = False  # it writes URLs into its log, with the secrets in them
_APPRISE.addHandler(logging.NullHandler())


class Heard(logging.Handler):
    """What Apprise warns of meanwhile in this thread; it goes nowhere else."""

    def __init__(self) -> None:
        """Hears nothing until it is entered."""
        super().__init__(level=logging.WARNING)
        self._lines: list[str] = []
        self._thread = 0

    @property
    def text(self) -> str:
        """Everything, each line once."""
        return " ".join(dict.fromkeys(self._lines))

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it, unless it is about what another thread sends."""
        if record.thread == self._thread:
            self._lines.append(record.getMessage())

    def __enter__(self) -> Heard:
        """Begin to listen."""
        self._thread = threading.get_ident()
        _APPRISE.addHandler(self)
        return self

    def __exit__(self, *_exception: object) -> None:
        """Listen no more."""
        _APPRISE.removeHandler(self)
