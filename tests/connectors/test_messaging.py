"""Sending one message: what is told of a failure, and what of the URL never is."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from secondsite.connectors.messaging import send, without_secrets
from secondsite.errors import CredentialError, UnreachableError
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
