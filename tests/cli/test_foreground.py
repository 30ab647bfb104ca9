"""What a service manager starts, and which auth string it uses: without starting it."""

from __future__ import annotations

from pathlib import Path

import pytest

from secondsite.cli.main import main
from secondsite.cli.server_auth import auth_environment, auth_header
from secondsite.cli.services import prefect_environment
from secondsite.errors import CredentialError
from tests.plan.conftest import ESTATE, PLAN

AUTH = 'prefect:\n  auth: {{file: "{file}"}}\n'
POOLS = "  pools: {tokyo: dr-tokyo, osaka: dr-osaka}\n"
CLIENT, SERVER = "PREFECT_API_AUTH_STRING", "PREFECT_SERVER_API_AUTH_STRING"


@pytest.fixture
def plans(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of plans whose estate wants an auth string."""
    for name in (CLIENT, SERVER, "PREFECT_API_URL", "SECONDSITE_JOURNAL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SECONDSITE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SECONDSITE_PLANS", str(tmp_path))
    (tmp_path / "auth").write_text("operator:from-estate\n")
    (tmp_path / "auth").chmod(0o600)
    (tmp_path / "web.yaml").write_text(PLAN)
    (tmp_path / "estate.yaml").write_text(
        ESTATE + AUTH.format(file=tmp_path / "auth") + POOLS, encoding="utf-8"
    )
    return tmp_path


def test_the_estate_names_the_auth_string_for_server_and_clients(plans: Path) -> None:
    assert auth_environment() == {CLIENT: "operator:from-estate"}
    assert auth_environment(of_server=True)[SERVER] == "operator:from-estate"
    assert auth_header() == {"Authorization": "Basic b3BlcmF0b3I6ZnJvbS1lc3RhdGU="}
    assert prefect_environment("http://x/api")[CLIENT] == "operator:from-estate"
    assert SERVER not in prefect_environment("http://x/api"), "runs need not know it"
    assert (plans / "home").is_dir(), "Prefect keeps its state there, and makes no folder above"


@pytest.mark.parametrize("name", [CLIENT, SERVER])
def test_the_environment_goes_before_the_estate(
    plans: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "operator:from-environment")

    assert auth_environment(of_server=True) == {
        CLIENT: "operator:from-environment",
        SERVER: "operator:from-environment",
    }


def test_an_estate_that_is_being_edited_still_lets_people_in(plans: Path) -> None:
    estate = plans / "estate.yaml"
    estate.write_text(estate.read_text() + "approver_lokc: 15m\n")

    assert auth_environment() == {CLIENT: "operator:from-estate"}


def test_an_auth_string_that_cannot_be_had_is_told_and_nothing_is_started(
    plans: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (plans / "auth").unlink()

    with pytest.raises(CredentialError, match="Cannot get the auth string of Prefect's server"):
        auth_environment()
    code = main(["server"])

    told = capsys.readouterr().err
    assert code == 3
    assert f"the file {plans / 'auth'} does not exist" in told
    assert "Traceback" not in told


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["worker"], "Say which site this worker stands in: --site NAME"),
        (["worker", "--site", "osak"], 'The estate has no site "osak" (did you mean "osaka"?)'),
        (["up", "--site", "osak"], 'The estate has no site "osak" (did you mean "osaka"?)'),
    ],
)
def test_a_worker_must_know_where_it_stands(
    plans: Path, words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(words)

    assert code == 2
    assert told in capsys.readouterr().err


def test_a_worker_without_a_server_says_what_to_set(
    plans: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["worker", "--site", "osaka"])

    assert code == 5
    assert "Set PREFECT_API_URL" in capsys.readouterr().err


def test_secrets_are_listed_with_their_place_and_never_shown(
    plans: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPERATOR_PASSWORD", "hunter2")
    monkeypatch.setenv("DR_KEY", "hunter3")
    monkeypatch.delenv("DR_TEST_KEY", raising=False)

    code = main(["secrets", "list"])

    told = capsys.readouterr().out
    assert code == 3
    assert (
        'the password of credential "operator": the environment variable OPERATOR_PASSWORD: '
        "can be had" in told
    )
    assert "DR_TEST_KEY is not set or empty" in told
    assert f"the auth string of Prefect's server: the file {plans / 'auth'}: can be had" in told
    assert not any(secret in told for secret in ("hunter2", "hunter3", "from-estate"))


def test_a_block_without_a_value_is_refused_before_any_server_is_asked(
    plans: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (plans / "empty").write_text("\n")

    empty = main(["secrets", "register", "x", "--file", str(plans / "empty")])
    absent = main(["secrets", "register", "x", "--file", str(plans / "absent")])

    told = capsys.readouterr().err
    assert (empty, absent) == (2, 2)
    assert "No value was given for x; nothing was registered." in told
    assert "cannot be read (FileNotFoundError); nothing was registered." in told
