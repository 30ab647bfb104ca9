"""Every shipped script runs as it is under the lab's PowerShell, by hand and inside a run."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from secondsite.lab.powershell.clock import RealClock
from secondsite.lab.powershell.console import NoInput
from secondsite.lab.powershell.registry import CmdletRegistry
from secondsite.lab.powershell.runspace import Runspace

ROOT = Path(__file__).parents[2]
PLANS = ROOT / "plans" / "scripts"
STARTER = ROOT / "secondsite" / "plan" / "starter" / "scripts"

CONTEXT = (
    '\'{"RecoveryPlanName": "storefront", "FailoverType": "Test", '
    '"FailoverDirection": "PrimaryToSecondary", "GroupId": "databases", "VmMap": {}}\''
)


def _run(path: Path, arguments: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    runspace = Runspace(CmdletRegistry(), None, RealClock(), NoInput(), out, err)
    code = runspace.run(f"& {{\n{path.read_text(encoding='utf-8')}\n}} {arguments}")
    return code, out.getvalue().replace("\r\n", "\n"), err.getvalue()


def test_each_shipped_script_is_covered_here() -> None:
    names = {path.name for folder in (PLANS, STARTER) for path in folder.glob("*.ps1")}

    assert names == {"announce-databases.ps1", "check-applications.ps1"}


@pytest.mark.parametrize(
    ("context", "where"),
    [
        ("", "by hand"),
        (f"-RecoveryPlanContext {CONTEXT}", "in a Test of storefront"),
        (f"-RecoveryPlanContext ({CONTEXT} | ConvertFrom-Json)", "in a Test of storefront"),
    ],
)
def test_the_databases_are_announced(context: str, where: str) -> None:
    code, out, err = _run(
        PLANS / "announce-databases.ps1", f"-Alias shop-sql -Servers sql01, sql02 {context}"
    )

    assert (code, err) == (0, "")
    assert out == (
        f"shop-sql is served by sql01, {where}.\nshop-sql is served by sql02, {where}.\n"
    )


def test_the_starter_script_runs() -> None:
    code, out, err = _run(STARTER / "check-applications.ps1", "-Names app01, app02")

    assert (code, err) == (0, "")
    assert out == "Put a check of app01 here.\nPut a check of app02 here.\n"


def test_a_script_without_its_arguments_fails() -> None:
    code, _, err = _run(PLANS / "announce-databases.ps1", "-Alias shop-sql")

    assert "Servers" in err
    assert code != 0
