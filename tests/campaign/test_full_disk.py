"""The journal's disk fills up in the middle of a failover: the run stops before it acts."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest

from secondsite.run.events import StepIntent
from secondsite.run.journal import Journal
from tests.campaign.crash import baseline
from tests.campaign.stories import STORIES
from tests.campaign.world import World, a_world
from tests.e2e.conftest import until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(200)]

_SIZE = "2m"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own, of very few megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    privileged = [] if os.geteuid() == 0 else ["sudo", "-n"]
    options = f"size={_SIZE},mode=0700,uid={os.geteuid()},gid={os.getegid()}"
    mount = [*privileged, "mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    if (privileged and shutil.which("sudo") is None) or subprocess.run(
        mount, capture_output=True, check=False
    ).returncode != 0:
        missing = "a small disk cannot be mounted here (it takes root, or sudo without a password)"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(missing)
    try:
        yield folder
    finally:
        subprocess.run([*privileged, "umount", str(folder)], check=True)


def fill(disk: Path) -> Path:
    """Take every byte that is left."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (65536, 4096, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue
    return filler


def stopped(world: World) -> bool:
    return any(cmdlet == "Stop-VM" for cmdlet, _, _ in world.done())


def test_a_failover_stops_before_the_next_action_and_goes_on_when_there_is_space(
    tmp_path: Path, small_disk: Path
) -> None:
    story = next(each for each in STORIES if each.case.name == "planned")
    base = baseline(story, tmp_path / "base")
    flow_run = str(uuid4())

    with a_world(tmp_path / "world") as world:
        world.journal = f"sqlite:///{small_disk}/journal.db"
        world.be_slow("Stop-VM", seconds=1)
        with ThreadPoolExecutor(1) as pool:
            begun = pool.submit(world.start, story.case, flow_run=flow_run)
            until(lambda: stopped(world), what="a VM was shut down")
            filler = fill(small_disk)
            broken = begun.result()
        done = world.done()
        world.mend()
        filler.unlink()
        with Journal.open(world.journal) as journal:
            [run] = journal.runs()
            intents = {
                entry.event.step
                for entry in journal.read(run.run_id)
                if isinstance(entry.event, StepIntent)
            }
            is_whole = journal.verify().is_whole
        resumed = world.start(story.case, flow_run=flow_run)

        assert broken.state == "FAILED"
        assert "cannot be written" in broken.message
        assert "full" in broken.message
        assert "No action was started since." in broken.message
        assert "Free space on that disk" in broken.message
        assert "secondsite resume" in broken.message
        assert is_whole
        assert run.is_interrupted
        # What was done has its intent in the journal; what has none was not done.
        assert {cmdlet for cmdlet, _, _ in done} == {"Grant-SCIPAddress", "Stop-VM"}
        assert {
            f"payroll/{vm}/shutdown" for cmdlet, _, vm in done if cmdlet == "Stop-VM"
        } <= intents
        assert "payroll/pay02/grant" in intents
        assert resumed.state == "COMPLETED", resumed.message
        assert world.state() == base.state
        assert world.done() == base.done
