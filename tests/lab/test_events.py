from __future__ import annotations

import json
import threading
from pathlib import Path

from secondsite.lab.events import EventLog


def test_every_event_has_the_keys_that_people_script_against(tmp_path: Path) -> None:
    events = EventLog(tmp_path / "log.jsonl", site_of={"hv-1": "tokyo"}.__getitem__)

    events.request(host="hv-1", cmdlet="Start-VM", vm="sql01", detail={"Name": "sql01"})
    events.close()

    event = json.loads((tmp_path / "log.jsonl").read_text())
    assert list(event) == ["at", "site", "host", "kind", "cmdlet", "vm", "detail"]
    assert (event["site"], event["kind"], event["detail"]) == (
        "tokyo",
        "request",
        {"Name": "sql01"},
    )


def test_lines_are_whole_and_in_order_of_time_whoever_writes(tmp_path: Path) -> None:
    events = EventLog(tmp_path / "log.jsonl")

    def write(number: int) -> None:
        for count in range(50):
            events.request(host=f"host-{number}", detail={"count": count, "pad": "x" * 300})

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    text, _ = events.read()
    events.close()

    found = [json.loads(line) for line in text.splitlines()]
    assert len(found) == 400
    assert [event["at"] for event in found] == sorted(event["at"] for event in found)


def test_reading_goes_on_where_it_ended(tmp_path: Path) -> None:
    events = EventLog(tmp_path / "log.jsonl")
    events.request(host="one")
    first, offset = events.read()

    events.request(host="zwei — ü")
    second, _ = events.read(offset=offset)
    events.close()

    assert json.loads(first)["host"] == "one"
    assert json.loads(second)["host"] == "zwei — ü"


def test_what_comes_after_the_end_is_dropped(tmp_path: Path) -> None:
    events = EventLog(tmp_path / "log.jsonl")
    events.close()

    events.request(host="late")

    assert (tmp_path / "log.jsonl").read_text() == ""


def test_an_injected_fault_is_an_event_of_its_own_kind(tmp_path: Path) -> None:
    events = EventLog(tmp_path / "log.jsonl")

    events.fault({"kind": "fault", "fault": "lose-reply", "id": "x", "host": "hv-1", "vm": "a"})
    text, _ = events.read()
    events.close()

    event = json.loads(text)
    assert (event["kind"], event["host"], event["vm"]) == ("fault", "hv-1", "a")
    assert event["detail"] == {"fault": "lose-reply", "id": "x"}
