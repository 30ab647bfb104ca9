"""The servers of a run: what they need is asked for when they are spoken to, and not before."""

from __future__ import annotations

from pathlib import Path

import pytest

from secondsite.errors import CredentialError, NotFoundError
from secondsite.plan.estate import Estate
from tasks.connections import Sites

pytestmark = pytest.mark.anyio


@pytest.fixture
def estate(tmp_path: Path) -> Estate:
    """Two sites; the account of the first one cannot be had."""
    (tmp_path / "alive").write_text("p4ss")
    (tmp_path / "alive").chmod(0o600)

    def site(name: str) -> dict[str, object]:
        return {
            "vmm": {"name": f"vmm-{name}", "credential": name},
            "hosts": [{"name": f"hv-{name}", "credential": name}],
        }

    return Estate.model_validate(
        {
            "credentials": {
                name: {"username": name, "password": {"file": f"{{home}}/{name}"}}
                for name in ("dead", "alive")
            },
            "sites": {name: site(name) for name in ("dead", "alive")},
        }
    )


async def test_a_site_whose_credential_is_missing_does_not_hold_up_the_other(
    estate: Estate, tmp_path: Path
) -> None:
    sites = Sites(estate, home=tmp_path)
    try:
        assert sites.host("hv-alive").name == "hv-alive"
        assert sites.vmm("alive").name == "vmm-alive"
        for speak in (lambda: sites.host("hv-dead"), lambda: sites.vmm("dead")):
            with pytest.raises(CredentialError, match="-dead was not asked anything") as refused:
                speak()
            assert str(tmp_path / "dead") in refused.value.message
            assert "Write the secret" in refused.value.next_step
    finally:
        await sites.close()


async def test_a_credential_that_came_back_is_taken_the_next_time(
    estate: Estate, tmp_path: Path
) -> None:
    sites = Sites(estate, home=tmp_path)
    try:
        with pytest.raises(CredentialError):
            sites.host("hv-dead")
        (tmp_path / "dead").write_text("p4ss")

        assert sites.host("hv-dead").name == "hv-dead"
        assert sites.host("hv-dead") is sites.host("hv-dead")
    finally:
        await sites.close()


async def test_a_host_that_the_estate_does_not_know_is_refused(
    estate: Estate, tmp_path: Path
) -> None:
    sites = Sites(estate, home=tmp_path)
    try:
        with pytest.raises(NotFoundError, match="hv-other is not a Hyper-V host"):
            sites.host("hv-other")
    finally:
        await sites.close()
