from __future__ import annotations

import json
import sys
from dataclasses import replace

import pytest

from secondsite.reports.console import print_summary
from secondsite.reports.facts import run_facts
from secondsite.reports.html import report_html
from secondsite.reports.lines import LineLog
from secondsite.reports.markdown import progress_markdown, report_markdown
from secondsite.reports.redaction import WITHHELD, withhold, withhold_in_text
from secondsite.run.events import ErrorFact
from tests.reports.story import Story, failed, succeeded

_KEY = "PRIVATE" + " KEY"  # in one piece it would look like a committed one
PLANTED = "Tr0ub4dor&3"


@pytest.mark.parametrize(
    "text",
    [
        f"password={PLANTED}",
        f"Password: {PLANTED} was refused",
        f"AdminPassword = '{PLANTED}'",
        f'--token="{PLANTED}"',
        f"db_password:{PLANTED}",
        f"postgresql://journal:{PLANTED}@db.example/journal",
        f"api-key={PLANTED}",
        f"-----BEGIN RSA {_KEY}-----\n{PLANTED}\n-----END RSA {_KEY}-----",
    ],
)
def test_what_is_named_like_a_secret_is_withheld(text: str) -> None:
    shown = withhold_in_text(text)

    assert PLANTED not in shown
    assert WITHHELD in shown


def test_authorization_headers_are_withheld() -> None:
    shown = withhold_in_text("Authorization: Basic b3BlcmF0b3I6aHVudGVyMg==")

    assert "b3BlcmF0b3I6aHVudGVyMg" not in shown


@pytest.mark.parametrize(
    "text",
    [
        "sql02 on hv-osk-02: not ready within 10 min",
        "the key osaka-update is not known to ns1 (BADKEY)",
        "Basic authentication was refused by vmm-osk.corp.example",
        "databases/token-service/start",
        "https://prefect.example:4200/runs",
    ],
)
def test_what_an_operator_needs_is_left_alone(text: str) -> None:
    assert withhold_in_text(text) == text


def test_secrets_in_nested_evidence_are_withheld_by_their_keys() -> None:
    shown = withhold({"output": [{"AdminPassword": PLANTED}, {"tsig_key": PLANTED, "port": 53}]})

    assert shown == {
        "output": [{"AdminPassword": WITHHELD}, {"tsig_key": WITHHELD, "port": 53}],
    }


@pytest.fixture
def leaky() -> Story:
    """A run whose scripts and errors print a password wherever they can."""
    step = "databases/sql02/ready"
    error = ErrorFact(
        kind="failed", message=f"login failed: password={PLANTED}", next=f"use token={PLANTED}"
    )
    return replace(
        failed(),
        fails={step: error},
        evidence={step: {"password": PLANTED, "output": f"pwd={PLANTED}"}},
        comment=f"password: {PLANTED}",
    )


def test_no_report_shows_a_secret_that_a_script_printed(
    leaky: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    record = leaky.record()
    print_summary(record, sys.stdout)

    texts = [
        json.dumps(run_facts(record)),
        report_html(record),
        report_markdown(record),
        progress_markdown(record),
        "\n".join(LineLog().lines(record)),
        capsys.readouterr().out,
    ]
    assert not any(PLANTED in text or "ub4dor" in text for text in texts)


def test_ordinary_reports_withhold_nothing() -> None:
    assert WITHHELD not in json.dumps(run_facts(succeeded().record()))
