"""Sending one message: what is told of a failure, and what of the URL never is."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from secondsite.connectors.messaging import Heard, send, without_secrets
from secondsite.connectors.messaging_reach import MessagingServer, reach, server_of
from secondsite.errors import CredentialError, UnreachableError
from tests.mailserver import mail_server
from tests.receivers import webhook

# Apprise reads all its plugins at once; one asks Python 3.11 for a module that 3.13 has not.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

URLS = [
    "mailtos://engine:p%40ss-word@mail.corp.example?to=ops@corp.example&from=dr@corp.example",
    "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#general",
    "jsons://hooks.corp.example/services/planted-token?+X-Key=planted-header",
]
SECRETS = [
    ["p%40ss-word", "p@ss-word"],
    ["TIiajkdnlazkcOXrIdevi7FQ", "A1BRTD4JD"],
    ["planted-token", "planted-header"],
]


@pytest.mark.parametrize(("url", "secrets"), [*zip(URLS, SECRETS, strict=True)])
def test_no_part_of_an_url_is_told_but_its_host(url: str, secrets: list[str]) -> None:
    said = f"Failed to reach {url}: refused. ({' '.join(secrets)}) at mail.corp.example."

    told = without_secrets(said, SecretStr(url))

    assert not any(secret in told for secret in secrets)
    assert told.startswith("Failed to reach (withheld): refused.")


def test_an_url_that_nobody_understands_is_refused_without_showing_it() -> None:
    with pytest.raises(CredentialError) as refused:
        send(SecretStr("nonsense://planted-token@host"), title="t", text="x")

    assert "none that Apprise understands" in refused.value.message
    assert "planted" not in f"{refused.value} {refused.value.next_step}"


def test_what_the_target_answers_is_told() -> None:
    with webhook() as hook:
        hook.status = 403

        with pytest.raises(UnreachableError, match="error=403") as refused:
            send(SecretStr(f"json://127.0.0.1:{hook.port}/planted-token"), title="t", text="x")

    assert "planted" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("mailto://u:p@mail.corp.example?to=a@b.c", "mail.corp.example:25"),
        ("mailtos://u:p@corp.example?smtp=relay.corp.example&to=a@b.c", "relay.corp.example:587"),
        ("mailtos://u:p@mail.corp.example:465?mode=ssl&to=a@b.c", "mail.corp.example:465"),
        ("jsons://hooks.corp.example/path", "hooks.corp.example:443"),
        ("json://hooks.corp.example:8080/path", "hooks.corp.example:8080"),
        ("workflows://flows.corp.example:443/workflow_id/signature", "flows.corp.example:443"),
        ("discord://webhook_id/webhook_token", "discord.com:443"),
        ("syslog://", "None"),
    ],
)
def test_an_url_leads_to_the_server_that_takes_its_messages(url: str, server: str) -> None:
    assert str(server_of(SecretStr(url))) == server


def test_a_server_that_answers_is_reached_and_nothing_is_sent_to_it(tmp_path: Path) -> None:
    with webhook() as hook, mail_server(tmp_path, user="u", password="p") as mail:
        for url in (
            f"json://127.0.0.1:{hook.port}/token",
            f"mailto://u:p@127.0.0.1:{mail.port}?from=dr@a.example&to=a@corp.example",
        ):
            server = server_of(SecretStr(url))
            assert server is not None
            reach(server, timeout_s=10)

        assert hook.taken == []
        assert mail.taken == []


def test_what_does_not_answer_or_speaks_another_language_is_told() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        gone = MessagingServer(host="127.0.0.1", port=nobody.getsockname()[1], greets=True)
        with pytest.raises(UnreachableError, match="does not answer"):
            reach(gone, timeout_s=5)
    with webhook() as hook:
        silent = MessagingServer(host="127.0.0.1", port=hook.port, greets=True)
        with pytest.raises(UnreachableError, match="does not answer"):
            reach(silent, timeout_s=0.05)
        plain = MessagingServer(host="127.0.0.1", port=hook.port, is_secure=True)
        with pytest.raises(UnreachableError):
            reach(plain, timeout_s=5)


@pytest.fixture
def logged() -> Iterator[list[str]]:
    """What reaches the log of the process. (pytest's own fixture hears every logger.)"""
    lines: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]
    logging.getLogger().addHandler(handler)
    yield lines
    logging.getLogger().removeHandler(handler)


def test_an_url_that_nobody_understands_is_not_logged_either(logged: list[str]) -> None:
    with pytest.raises(CredentialError) as refused:
        server_of(SecretStr("nonsense://planted-token@host"))

    assert "planted" not in f"{refused.value} {logged}"


def test_what_apprise_logs_stays_with_the_thread_that_sends(logged: list[str]) -> None:
    apprise = logging.getLogger("apprise")
    first, second = Heard(), Heard()
    elsewhere = threading.Thread(target=apprise.warning, args=["planted elsewhere"])

    with second:
        with first:
            apprise.warning("planted here")
            elsewhere.start()
            elsewhere.join()
        apprise.warning("planted later")

    assert first.text == "planted here"
    assert second.text == "planted here planted later"
    assert logged == []
