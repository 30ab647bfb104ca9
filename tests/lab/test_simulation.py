from __future__ import annotations

import asyncio
import json
import socket
import ssl
import stat
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from secondsite.errors import UsageError
from secondsite.lab.endpoints import LabFolder
from secondsite.lab.estate import LabEstate
from secondsite.lab.estate_loader import load_lab_estate
from secondsite.lab.simulation import Simulation

_TWO_SITES = Path(__file__).parents[2] / "lab" / "two-sites.yaml"


def _estate(**changes: Any) -> LabEstate:
    return load_lab_estate(_TWO_SITES).model_copy(update={"scale": 0.001, **changes})


def _run(
    folder: Path, talk: Callable[[Simulation, dict[str, Any]], Awaitable[Any]], **changes: Any
) -> Any:
    async def play() -> Any:
        simulation = Simulation(_estate(**changes), LabFolder(folder))
        await simulation.start()
        try:
            endpoints = simulation.folder.read_endpoints()
            assert endpoints is not None
            return await talk(simulation, endpoints)
        finally:
            await simulation.stop()

    return asyncio.run(play())


def _is_open(address: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((address, port)) == 0


async def _reach(address: str, port: int) -> bytes:
    for _ in range(200):
        try:
            reader, writer = await asyncio.open_connection(address, port)
        except OSError:
            await asyncio.sleep(0.01)
            continue
        answer = await reader.read(100)
        writer.close()
        await writer.wait_closed()
        return answer
    raise AssertionError(f"{address}:{port} never answered")


def test_the_endpoints_name_every_server_and_each_of_them_listens(tmp_path: Path) -> None:
    async def talk(_: Simulation, endpoints: dict[str, Any]) -> None:
        assert endpoints["lab"] == "two-sites"
        assert set(endpoints["servers"]) == {
            *("vmm-tokyo", "hv-tokyo-1", "hv-tokyo-2"),
            *("vmm-osaka", "hv-osaka-1", "hv-osaka-2"),
            *("dns-tokyo", "dns-osaka", "dns-osaka-test"),
        }
        assert set(endpoints["dns"]) == {"dns-tokyo", "dns-osaka", "dns-osaka-test"}
        assert set(endpoints["masquerade"]) == {
            *("tokyo-prod", "osaka-prod", "osaka-test"),
            *("tokyo-backup", "osaka-backup", "osaka-backup-test", "drill (logical network)"),
        }
        for server in (*endpoints["servers"].values(), *endpoints["dns"].values()):
            reader, writer = await asyncio.open_connection(server["address"], server["port"])
            writer.close()
            await writer.wait_closed()
            del reader

    _run(tmp_path, talk)


def test_nothing_but_the_log_is_left_when_it_is_down(tmp_path: Path) -> None:
    async def talk(_: Simulation, endpoints: dict[str, Any]) -> dict[str, Any]:
        return endpoints

    endpoints = _run(tmp_path, talk)

    left = {str(path.relative_to(tmp_path / "lab")) for path in (tmp_path / "lab").rglob("*")}
    assert left == {"log.jsonl", "secrets"}
    for server in (*endpoints["servers"].values(), *endpoints["dns"].values()):
        assert not _is_open(server["address"], server["port"])


def test_secrets_are_for_their_owner_and_new_each_time(tmp_path: Path) -> None:
    async def talk(_: Simulation, __: dict[str, Any]) -> dict[str, str]:
        folder = tmp_path / "lab" / "secrets"
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
        return {path.name: path.read_text().strip() for path in folder.iterdir()}

    first, second = _run(tmp_path, talk), _run(tmp_path, talk)

    accounts = {"tokyo-operator", "osaka-operator", "guest-admin"}
    assert set(first) == {*accounts, "dr-key", "dr-test-key"}
    assert all(len(first[name]) == 32 for name in accounts)
    assert not set(first.values()) & set(second.values())


def test_a_test_vm_answers_in_its_own_network_when_it_is_up_and_not_after(tmp_path: Path) -> None:
    async def talk(simulation: Simulation, endpoints: dict[str, Any]) -> bytes:
        host = simulation.world.host("hv-osaka-1")
        assert host is not None
        vm = host.start_vm_failover("app01", as_test=True).vm
        assert vm is not None
        host.connect_vm_network_adapter(vm.id, switch="vs-test")
        host.set_vm_network_adapter_vlan(vm.id, access_vlan=290)
        host.start_vm(vm.id)
        block = endpoints["masquerade"]["osaka-test"]["10.2.0.0/24"]
        address = block.split("/")[0].rsplit(".", 1)[0] + ".105"
        for _ in range(200):
            await asyncio.sleep(0.01)
            if "10.2.0.105" in vm.addresses and vm.guest.open_ports:
                break
        await asyncio.sleep(0.05)
        reader, writer = await asyncio.open_connection(address, 8080)
        writer.write(b"GET /health HTTP/1.1\r\nHost: app01\r\n\r\n")
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        host.stop_vm_failover("app01")
        await asyncio.sleep(0.1)
        assert not _is_open(address, 8080)
        return answer

    assert b"app01 - Test answers /health" in _run(tmp_path, talk)


def test_two_labs_run_side_by_side(tmp_path: Path) -> None:
    async def talk(_: Simulation, first: dict[str, Any]) -> None:
        other = Simulation(_estate(), LabFolder(tmp_path / "other"))
        await other.start()
        try:
            second = other.folder.read_endpoints()
            assert second is not None
            for endpoints in (first, second):
                block = endpoints["masquerade"]["tokyo-prod"]["10.1.0.0/24"]
                address = block.split("/")[0].rsplit(".", 1)[0] + ".21"
                assert await _reach(address, 1433) == b"database on sql01\r\n"
            assert first["masquerade"] != second["masquerade"]
        finally:
            await other.stop()

    _run(tmp_path / "one", talk)


def test_https_is_trusted_through_the_labs_own_authority(tmp_path: Path) -> None:
    async def talk(_: Simulation, endpoints: dict[str, Any]) -> str:
        server = endpoints["servers"]["hv-osaka-1"]
        assert server["https"]
        context = ssl.create_default_context(cafile=server["ca"])
        reader, writer = await asyncio.open_connection(
            server["address"], server["port"], ssl=context, server_hostname="hv-osaka-1"
        )
        version = writer.get_extra_info("ssl_object").version()
        writer.close()
        await writer.wait_closed()
        del reader
        return str(version)

    assert _run(tmp_path, talk, https=True).startswith("TLSv1.")


def test_the_state_has_dns_and_armed_faults_and_is_plain_json(tmp_path: Path) -> None:
    async def talk(simulation: Simulation, _: dict[str, Any]) -> Any:
        simulation.answer({"do": "break", "fault": {"kind": "vm-never-boots", "vm": "sql02"}})
        return simulation.answer({"do": "state", "stable": True})

    state = json.loads(json.dumps(_run(tmp_path, talk)))

    zones = state["sites"]["osaka"]["dns"]["dns-osaka-test"]["zones"]
    assert {zone["zone"] for zone in zones} == {
        *("corp.example", "dr-test.corp.example", "2.10.in-addr.arpa"),
    }
    assert state["faults"][0]["vm"] == "sql02"


def test_two_starts_have_the_same_stable_state(tmp_path: Path) -> None:
    async def talk(simulation: Simulation, _: dict[str, Any]) -> Any:
        return simulation.answer({"do": "state", "stable": True})

    assert _run(tmp_path / "one", talk) == _run(tmp_path / "other", talk)


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({"do": "dance"}, "does not know the request 'dance'"),
        ({"do": "break", "fault": {"kind": "vm-never-boot"}}, 'did you mean "vm-never-boots"'),
        ({"do": "break", "fault": {"kind": "partition", "nth": 0}}, "nth"),
        ({"do": "mend", "id": "nothing"}, "No fault 'nothing' is armed"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused_in_words(
    tmp_path: Path, request_: dict[str, Any], words: str
) -> None:
    async def talk(simulation: Simulation, _: dict[str, Any]) -> None:
        with pytest.raises(UsageError, match=words):
            simulation.answer(request_)

    _run(tmp_path, talk)


def test_breaking_and_mending_are_in_the_log(tmp_path: Path) -> None:
    async def talk(simulation: Simulation, _: dict[str, Any]) -> list[str]:
        armed = simulation.answer({"do": "break", "fault": {"kind": "host-refuses", "id": "x"}})
        assert simulation.answer({"do": "mend", "id": armed["id"]}) == ["x"]
        return str(simulation.answer({"do": "log"})["text"]).splitlines()

    events = [json.loads(line) for line in _run(tmp_path, talk)]

    told = [event["detail"]["event"] for event in events if event["kind"] == "fault"]
    assert told == ["break", "mend"]


def test_a_vm_is_moved_where_there_is_a_cluster_and_refused_where_there_is_none(
    tmp_path: Path,
) -> None:
    text = _TWO_SITES.read_text(encoding="utf-8").replace(
        "    clouds: [osaka-gold]\n",
        "    clouds: [osaka-gold]\n    clusters:\n"
        "      - {name: c, broker: broker, hosts: [hv-osaka-1, hv-osaka-2]}\n",
    )
    (tmp_path / "lab.yaml").write_text(text, encoding="utf-8")
    sites = load_lab_estate(tmp_path / "lab.yaml").sites

    async def talk(simulation: Simulation, _: dict[str, Any]) -> None:
        moved = simulation.answer({"do": "move", "vm": "pay01", "host": "hv-osaka-1"})
        with pytest.raises(UsageError, match="'hv-tokyo-2' is no node of a cluster"):
            simulation.answer({"do": "move", "vm": "pay01", "host": "hv-tokyo-2"})

        osaka = simulation.answer({"do": "state"})["sites"]["osaka"]["hosts"]
        assert moved == {"vm": "pay01", "host": "hv-osaka-1"}
        assert "pay01" in [vm["name"] for vm in osaka[0]["vms"]]
        assert "pay01" not in [vm["name"] for vm in osaka[1]["vms"]]

    _run(tmp_path / "home", talk, sites=sites)
