"""Scripts that the engine runs on its own machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import psutil
import pytest

from secondsite.connectors.base import ActionResult
from secondsite.connectors.planscripts import run_engine_script
from secondsite.connectors.planscripts.run import OUTPUT_LIMIT_CHARS
from secondsite.errors import ActionFailedError


def ran(
    folder: Path, text: str, *, name: str = "script.sh", timeout_s: float = 20, **arguments: Any
) -> ActionResult:
    file = folder / name
    file.write_text(text)
    return run_engine_script(
        file,
        host="engine-1",
        arguments=arguments,
        context={"FailoverType": "Test"},
        timeout_s=timeout_s,
    )


def test_arguments_are_options_and_the_context_is_on_its_input(tmp_path: Path) -> None:
    text = "import json, sys\nprint(json.dumps([sys.argv[1:], json.load(sys.stdin)]))\n"

    done = ran(tmp_path, text, name="script.py", Alias="shop sql; rm", Twice=(1, 2), Loud=True)

    [line] = done.evidence["output"]
    options, context = json.loads(line)
    assert options == ["--Alias", "shop sql; rm", "--Twice", "1", "--Twice", "2", "--Loud", "true"]
    assert context == {"FailoverType": "Test"}


def test_it_does_not_see_the_secrets_of_the_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECONDSITE_SECRET_DNS", "hunter2")

    done = ran(tmp_path, "env\npwd\n")

    seen = "\n".join(done.evidence["output"])
    assert "hunter2" not in seen
    assert "PATH=" in seen
    assert str(tmp_path) in seen


def test_another_exit_code_than_0_is_a_failure_with_what_it_said_last(tmp_path: Path) -> None:
    with pytest.raises(ActionFailedError) as caught:
        ran(tmp_path, "echo half done\necho no such alias >&2\nexit 3\n")

    assert caught.value.message == "script.sh exited with 3 on engine-1: no such alias"
    assert "Part of it may have been carried out" in caught.value.next_step
    assert caught.value.evidence["output"] == ["half done"]
    assert caught.value.evidence["exit_code"] == 3


def test_after_its_time_it_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    text = "sleep 600 &\necho $! > child\nwait\n"

    with pytest.raises(ActionFailedError) as caught:
        ran(tmp_path, text, timeout_s=0.5)

    assert "ran for 0.5 s on engine-1 and was ended" in caught.value.message
    child = int((tmp_path / "child").read_text())
    assert not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE


def test_much_output_is_cut_and_does_not_block_it(tmp_path: Path) -> None:
    text = f"import sys\nfor _ in range(9): print('x' * {OUTPUT_LIMIT_CHARS // 4}, flush=True)\n"

    done = ran(tmp_path, text, name="script.py")

    assert done.evidence["truncated"]
    assert sum(map(len, done.evidence["output"])) <= OUTPUT_LIMIT_CHARS


def test_what_it_leaves_running_is_not_waited_for(tmp_path: Path) -> None:
    try:
        done = ran(tmp_path, "sleep 600 &\necho $! | tee child\n")

        [child] = done.evidence["output"]
        assert psutil.pid_exists(int(child))
    finally:
        psutil.Process(int((tmp_path / "child").read_text())).kill()
