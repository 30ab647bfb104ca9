from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from secondsite.errors import PlanError, UnreachableError
from secondsite.plan.loader import load_estate
from secondsite.plan.masquerade import masqueraded
from tests.plan.conftest import PlansFolder

ENDPOINTS: dict[str, Any] = {
    "lab": "two-sites",
    "pid": 1,
    "servers": {
        name: {"address": "127.0.0.1", "port": 40000 + index, "https": False, "transport": "ntlm"}
        for index, name in enumerate(("vmm-tokyo", "hv-tokyo-1", "vmm-osaka", "hv-osaka-1"))
    },
    "dns": {
        name: {"address": "127.0.0.1", "port": 53000 + index}
        for index, name in enumerate(("dns-osaka", "dns-tokyo", "dns-test"))
    },
    "masquerade": {
        "tokyo-prod": {"10.1.0.0/24": "127.64.0.0/24"},
        "osaka-prod": {"10.2.0.0/24": "127.64.1.0/24"},
        "osaka-test": {"10.2.0.0/24": "127.64.2.0/24"},
    },
}


@pytest.fixture
def lab_estate(folder: PlansFolder) -> Path:
    return folder.write_estate(lambda text: f"lab: two-sites\n{text}")


def _up(home: Path, endpoints: dict[str, Any]) -> None:
    (home / "lab").mkdir(parents=True)
    (home / "lab" / "endpoints.json").write_text(json.dumps(endpoints))


def test_the_running_lab_provides_addresses_ports_and_masquerade(
    lab_estate: Path, tmp_path: Path
) -> None:
    _up(tmp_path / "home", ENDPOINTS)

    estate = load_estate(lab_estate, home=tmp_path / "home", resolve=True)

    host = estate.sites["osaka"].hosts[0]
    assert (host.address, host.port, host.https, host.transport) == (
        "127.0.0.1",
        40003,
        False,
        "ntlm",
    )
    assert [server.port for server in estate.dns[0].servers] == [53000, 53001]
    osaka = estate.sites["osaka"]
    test, production = osaka.network("osaka-test"), osaka.network("osaka-prod")
    assert masqueraded(test, "10.2.0.22") == "127.64.2.22"
    assert masqueraded(production, "10.2.0.22") == "127.64.1.22"
    assert masqueraded(production, "2001:db8:2::22") == "2001:db8:2::22"
    hash(estate)


def test_without_resolving_no_lab_is_needed(lab_estate: Path, tmp_path: Path) -> None:
    estate = load_estate(lab_estate, home=tmp_path / "home")

    assert estate.lab == "two-sites"
    assert estate.sites["osaka"].vmm.port is None


def test_a_lab_that_is_not_up_is_said_with_the_command_that_starts_it(
    lab_estate: Path, tmp_path: Path
) -> None:
    with pytest.raises(UnreachableError) as refused:
        load_estate(lab_estate, home=tmp_path / "home", resolve=True)

    assert refused.value.message == 'The estate is that of the lab "two-sites", but it is not up.'
    assert refused.value.next_step == "secondsite lab up --estate lab/two-sites.yaml"


def test_another_lab_that_is_up_is_named(lab_estate: Path, tmp_path: Path) -> None:
    _up(tmp_path / "home", {**ENDPOINTS, "lab": "other"})

    with pytest.raises(UnreachableError, match=r'another lab is up \("other"\)'):
        load_estate(lab_estate, home=tmp_path / "home", resolve=True)


def test_a_file_of_endpoints_that_is_broken_is_told(lab_estate: Path, tmp_path: Path) -> None:
    _up(tmp_path / "home", {})
    (tmp_path / "home" / "lab" / "endpoints.json").write_text("{")

    with pytest.raises(UnreachableError, match="cannot be read"):
        load_estate(lab_estate, home=tmp_path / "home", resolve=True)


def test_servers_that_the_lab_does_not_have_are_all_named_with_their_lines(
    lab_estate: Path, tmp_path: Path
) -> None:
    endpoints = json.loads(json.dumps(ENDPOINTS))
    endpoints["servers"]["hv-osaka-9"] = endpoints["servers"].pop("hv-osaka-1")
    endpoints["dns"].pop("dns-test")
    _up(tmp_path / "home", endpoints)

    with pytest.raises(PlanError) as refused:
        load_estate(lab_estate, home=tmp_path / "home", resolve=True)

    assert [fault.line for fault in refused.value.faults] == [15, 28]
    assert '(did you mean "hv-osaka-9"?)' in refused.value.message


def test_an_estate_of_real_sites_is_left_as_it_is(folder: PlansFolder, tmp_path: Path) -> None:
    path = folder.write_estate()

    assert load_estate(path, home=tmp_path, resolve=True) == load_estate(path)
