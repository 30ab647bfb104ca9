"""Zone content: atomic, versioned, and everybody who watches is told."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import TYPE_CHECKING

import pytest

from secondsite.lab.dns import Replica, ServerKey, ZoneChange, ZoneRecord, ZoneStore

if TYPE_CHECKING:
    from tests.lab.dns.conftest import Bench


def zone(*records: tuple[str, str, str]) -> ZoneStore:
    return ZoneStore(
        "corp.example",
        records=[
            ZoneRecord(name=name, type=type, ttl_s=300, values=(value,))
            for name, type, value in records
        ],
    )


def test_a_new_zone_has_an_apex() -> None:
    snapshot = ZoneStore("Corp.Example.", server_names=["ns1", "ns2"], serial=7).snapshot()

    assert (snapshot["zone"], snapshot["serial"]) == ("corp.example", 7)
    assert snapshot["records"] == [
        {
            "name": "corp.example",
            "type": "NS",
            "ttl_s": 3600,
            "values": ["ns1.corp.example.", "ns2.corp.example."],
        }
    ]


@pytest.mark.parametrize(
    ("records", "words"),
    [
        ([("www.elsewhere", "A", "10.0.0.1")], "not in zone"),
        ([("*.corp.example", "A", "10.0.0.1")], "wildcards"),
        ([("a.corp.example", "A", "10.0.0.1"), ("A.corp.example", "A", "10.0.0.2")], "twice"),
        ([("a.corp.example", "A", "10.0.0.1"), ("a.corp.example", "CNAME", "b.")], "alias"),
    ],
)
def test_content_that_no_server_would_load_is_refused(
    records: list[tuple[str, str, str]], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        zone(*records)


def test_each_change_raises_the_serial_once_and_tells_before_and_after() -> None:
    store = zone(("sql.corp.example", "A", "10.1.0.21"))
    told: list[tuple[str, ZoneChange]] = []
    store.on_change(lambda name, change: told.append((name, change)))

    assert store.put("SQL.corp.example", "A", ttl_s=60, values=["10.2.0.21"], source="guest")
    assert not store.put("sql.corp.example", "A", ttl_s=60, values=["10.2.0.21"])
    assert store.remove("sql.corp.example", "A")
    assert not store.remove("sql.corp.example", "A")

    assert store.serial == 3
    assert [name for name, _ in told] == ["corp.example"] * 2
    first = told[0][1].as_dict()
    assert first == {
        "name": "sql.corp.example",
        "type": "A",
        "before": {"ttl_s": 300, "values": ["10.1.0.21"]},
        "after": {"ttl_s": 60, "values": ["10.2.0.21"]},
        "serial": 2,
        "source": "guest",
        "by": "",
    }
    assert told[1][1].after is None


def test_a_snapshot_is_plain_json_and_does_not_move() -> None:
    store = zone(("sql.corp.example", "A", "10.1.0.21"))
    snapshot = store.snapshot()

    store.put("sql.corp.example", "A", ttl_s=60, values=["10.2.0.21"])

    assert json.loads(json.dumps(snapshot)) == snapshot
    assert {"name": "sql.corp.example", "type": "A", "ttl_s": 300, "values": ["10.1.0.21"]} in (
        snapshot["records"]
    )


def test_what_a_reader_holds_is_not_changed_under_it() -> None:
    store = zone(("sql.corp.example", "A", "10.1.0.21"))
    held = store.read()
    texts = {name: [str(each) for each in kinds.values()] for name, kinds in held.items()}

    store.put("sql.corp.example", "A", ttl_s=60, values=["10.2.0.21"])
    store.remove("sql.corp.example", "A")

    assert {n: [str(each) for each in kinds.values()] for n, kinds in held.items()} == texts


def test_changes_from_many_threads_are_all_kept() -> None:
    store = zone()

    def put_all(first: int) -> None:
        for number in range(20):
            store.put(f"vm{first}-{number}.corp.example", "A", ttl_s=60, values=["10.0.0.1"])

    threads = [threading.Thread(target=put_all, args=(first,)) for first in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert store.serial == 81
    assert len(store.snapshot()["records"]) == 81


def test_a_secret_is_never_shown() -> None:
    assert "c2VjcmV0" not in repr(ServerKey(name="dr-key", secret="c2VjcmV0"))


@pytest.mark.anyio
async def test_an_update_of_many_names_is_told_name_by_name_with_one_serial(bench: Bench) -> None:
    update = bench.update()
    update.add("vm1", 60, "A", "10.0.0.1")
    update.add("vm2", 60, "A", "10.0.0.2")

    await bench.send(update)

    assert [change["name"] for change in bench.changes] == [
        "vm1.corp.example",
        "vm2.corp.example",
    ]
    assert {change["serial"] for change in bench.changes} == {2}
    assert {(change["source"], change["by"]) for change in bench.changes} == {("update", "dr-key")}


@pytest.mark.anyio
async def test_a_replica_follows_after_its_delay_from_any_thread() -> None:
    primary, secondary = zone(("sql.corp.example", "A", "10.1.0.21")), zone()
    replica = Replica(primary=primary, secondary=secondary, delay_s=0.02)
    replica.start()
    assert secondary.snapshot()["records"] == primary.snapshot()["records"]

    await asyncio.to_thread(primary.put, "sql.corp.example", "A", ttl_s=60, values=["10.2.0.21"])

    assert secondary.serial == 1
    await _until(lambda: secondary.serial == primary.serial)
    assert secondary.snapshot()["records"] == primary.snapshot()["records"]
    replica.stop()
    primary.put("sql.corp.example", "A", ttl_s=60, values=["10.3.0.21"])
    await asyncio.sleep(0.04)
    assert secondary.serial == 2


@pytest.mark.anyio
async def test_a_stale_replica_stays_and_catches_up_when_mended() -> None:
    primary, secondary = zone(), zone()
    stale = True
    replica = Replica(
        primary=primary, secondary=secondary, delay_s=0.0, is_stale=lambda: stale, retry_s=0.01
    )
    replica.start()

    primary.put("sql.corp.example", "A", ttl_s=60, values=["10.2.0.21"])
    await asyncio.sleep(0.03)
    assert secondary.serial == 1
    stale = False

    await _until(lambda: secondary.serial == 2)
    replica.stop()


async def _until(is_true: object) -> None:
    assert callable(is_true)
    async with asyncio.timeout(5):
        while not is_true():
            await asyncio.sleep(0.005)
