from __future__ import annotations

import argparse

import pytest

from secondsite.cli.main import main
from secondsite.cli.run import add_arguments
from secondsite.cli.run_choices import check_choices
from secondsite.errors import UsageError


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(["shop", *words])


@pytest.mark.parametrize(
    "words",
    [
        ("--kind", "test", "--primary-side", "skip"),
        ("--kind", "test", "--other-site-is-gone", "I saw it"),
        ("--kind", "planned", "--primary-side", "attempt"),
        ("--kind", "planned", "--recovery-point", "latest-app-consistent"),
        ("--kind", "planned", "--recovery-point-of", "sql01=latest"),
        ("--kind", "planned", "--test-network", "none"),
        ("--kind", "unplanned", "--clean-up"),
        ("--kind", "unplanned", "--hold"),
        ("--kind", "test", "--hold"),
    ],
)
def test_an_option_that_would_do_nothing_is_refused(words: tuple[str, ...]) -> None:
    with pytest.raises(UsageError) as refused:
        check_choices(parsed(*words))

    assert words[2] in refused.value.message
    assert "Nothing was started" in refused.value.message
    assert refused.value.next_step


@pytest.mark.parametrize(
    "words",
    [
        ("--kind", "test", "--clean-up", "--hold", "--test-network", "created", "--attended"),
        ("--kind", "test", "--recovery-point", "latest", "--unattended"),
        ("--kind", "planned", "--direction", "back", "--unattended", "--yes"),
        ("--kind", "unplanned", "--primary-side", "skip", "--recovery-point-of", "sql01=latest"),
        ("--kind", "unplanned", "--other-site-is-gone", "I saw it"),
    ],
)
def test_what_means_something_passes(words: tuple[str, ...]) -> None:
    check_choices(parsed(*words))


def test_it_is_refused_before_anything_is_asked(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "no-such-plan", "--kind", "planned", "--clean-up"]) == 2
    assert "--clean-up: only with --kind test" in capsys.readouterr().err


@pytest.mark.parametrize("words", [("--attended", "--unattended"), ("--detach", "--follow")])
def test_opposites_exclude_each_other(words: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit):
        parsed("--kind", "test", *words)
