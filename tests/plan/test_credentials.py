from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from secondsite.errors import CredentialError
from secondsite.plan.credentials import Secrets, read_secret
from secondsite.plan.estate import Estate, SecretSource

VALUE = "p4ss-w0rd-of-the-lab"


def _estate(password: dict[str, str]) -> Estate:
    return Estate.model_validate(
        {
            "credentials": {"operator": {"username": "CORP\\op", "password": password}},
            "keys": [{"name": "dr-key", "secret": password}],
            "sites": {
                "a": {
                    "vmm": {"name": "v", "credential": "operator"},
                    "hosts": [{"name": "h", "credential": "operator"}],
                }
            },
        }
    )


def _file(tmp_path: Path, text: str = f"{VALUE}\n", mode: int = 0o600) -> Path:
    path = tmp_path / "secrets" / "operator"
    path.parent.mkdir()
    path.write_text(text)
    path.chmod(mode)
    return path


def test_an_account_comes_from_the_environment(tmp_path: Path) -> None:
    secrets = Secrets(_estate({"env": "OP"}), home=tmp_path, environment={"OP": VALUE})

    account = secrets.account("operator")

    assert account.username == "CORP\\op"
    assert account.password.get_secret_value() == VALUE
    assert secrets.key("dr-key").get_secret_value() == VALUE


def test_a_file_in_the_home_is_read_without_its_line_end(tmp_path: Path) -> None:
    _file(tmp_path)
    secrets = Secrets(_estate({"file": "{home}/secrets/operator"}), home=tmp_path)

    assert secrets.account("operator").password.get_secret_value() == VALUE
    assert secrets.warnings() == ()
    assert secrets.troubles() == ()


def test_a_file_that_others_may_read_is_warned_about(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = _file(tmp_path, mode=0o644)
    secrets = Secrets(_estate({"file": str(path)}), home=tmp_path)

    with caplog.at_level(logging.WARNING):
        secrets.account("operator")

    assert secrets.warnings() == (
        f"{path} can be read by other accounts of this machine: chmod 600 {path}",
    )
    assert str(path) in caplog.text
    assert VALUE not in caplog.text


def test_a_prefect_block_is_read_through_the_reader_it_is_given(tmp_path: Path) -> None:
    secrets = Secrets(
        _estate({"prefect_block": "op"}), home=tmp_path, block_reader={"op": VALUE}.__getitem__
    )

    assert secrets.account("operator").password.get_secret_value() == VALUE


def _leaky(_name: str) -> str:
    raise RuntimeError(f"the block holds {VALUE}")


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ({"env": "NOT_SET"}, "the environment variable NOT_SET is not set or empty"),
        ({"file": "{home}/absent"}, "absent does not exist"),
        ({"file": "{home}"}, "cannot be read (IsADirectoryError)"),
        ({"file": "{home}/secrets/operator"}, "is not set or empty"),
        ({"prefect_block": "op"}, 'the Prefect block "op" cannot be read (RuntimeError)'),
    ],
)
def test_a_secret_that_cannot_be_had_is_said_with_its_source_and_a_remedy(
    tmp_path: Path, source: dict[str, str], words: str
) -> None:
    _file(tmp_path, text="\n")
    secrets = Secrets(_estate(source), home=tmp_path, block_reader=_leaky, environment={})

    with pytest.raises(CredentialError) as refused:
        secrets.account("operator")

    assert words in refused.value.message
    assert 'the password of credential "operator"' in refused.value.message
    assert refused.value.next_step
    assert len(secrets.troubles()) == 2


def test_no_error_holds_the_value_even_in_its_chain(tmp_path: Path) -> None:
    with pytest.raises(CredentialError) as refused:
        read_secret(SecretSource(prefect_block="op"), what="a", home=tmp_path, block_reader=_leaky)

    assert VALUE not in str(refused.value)
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__


def test_without_a_reader_a_block_says_that_it_needs_a_run(tmp_path: Path) -> None:
    with pytest.raises(CredentialError, match="only inside a run"):
        read_secret(SecretSource(prefect_block="op"), what="a", home=tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_said(tmp_path: Path) -> None:
    path = _file(tmp_path, mode=0o000)

    with pytest.raises(CredentialError, match="may not be read by this account"):
        read_secret(SecretSource(file=str(path)), what="a", home=tmp_path)


def test_unknown_names_are_told_with_the_nearest_known_one(tmp_path: Path) -> None:
    secrets = Secrets(_estate({"env": "OP"}), home=tmp_path)

    with pytest.raises(CredentialError, match=r'did you mean "operator"'):
        secrets.account("operater")
    with pytest.raises(CredentialError, match=r'did you mean "dr-key"'):
        secrets.key("drkey")


def test_neither_text_nor_repr_shows_a_secret(tmp_path: Path) -> None:
    secrets = Secrets(_estate({"env": "OP"}), home=tmp_path, environment={"OP": VALUE})

    account = secrets.account("operator")

    assert VALUE not in f"{account} {account!r} {secrets!r} {vars(secrets)['_estate']!r}"
