"""One script of a plan on the engine's own machine, in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, cast

from secondsite.connectors.base import ActionResult
from secondsite.connectors.planscripts.run import OUTPUT_LIMIT_CHARS
from secondsite.errors import ActionFailedError

__all__ = ["run_engine_script"]

_RUN_BY: Mapping[str, tuple[str, ...]] = {".py": (sys.executable,), ".sh": ("/bin/sh",)}
"""What runs a script, by the end of its file's name."""

_KEPT_VARIABLES = ("HOME", "LANG", "LC_ALL", "PATH", "TMPDIR", "TZ")
"""What it sees of the engine's environment: no secret is kept in these."""
_END_GRACE_S = 5.0
_DRAIN_S = 2.0


def run_engine_script(
    file: Path,
    *,
    host: str,
    arguments: Mapping[str, Any],
    context: Mapping[str, Any],
    timeout_s: float,
) -> ActionResult:
    """Run `file` with `arguments` as options (`--Name value`) and `context` as JSON on its input.

    A list is an option for each of its values; true and false are written so. It runs in its own
    folder, without the secrets of the engine's environment. Evidence: exit_code, output, errors
    (the lines on its error stream), truncated.

    Args:
        file: A Python or shell script.
        host: The name of this machine, for messages.
        arguments: Values by name.
        context: The state of the run, as scripts on Windows find it in $RecoveryPlanContext.
        timeout_s: It is ended after so many seconds, with all that it has started.

    Raises:
        ActionFailedError: it could not be started, exited with another code than 0, or was ended.
    """
    command = [*_RUN_BY[file.suffix.lower()], str(file), *_options(arguments)]
    with tempfile.TemporaryFile("w+") as stdin:
        json.dump(dict(context), stdin)
        stdin.seek(0)
        try:
            process = subprocess.Popen(
                command,
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=file.parent,
                env={name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ},
                start_new_session=True,
            )
        except OSError as error:
            raise ActionFailedError(
                f"{file.name} could not be started on {host} ({error.strerror}); it was not run.",
                host=host,
                next_step=f"Mend what keeps {command[0]} from running it, then retry this step.",
            ) from error
    output = _Kept(cast("IO[bytes]", process.stdout))
    errors = _Kept(cast("IO[bytes]", process.stderr))
    has_ended = _wait(process, timeout_s)
    evidence = {
        "exit_code": process.returncode,
        "output": output.lines(),
        "warnings": [],
        "errors": errors.lines(),
        "truncated": output.is_truncated or errors.is_truncated,
    }
    if has_ended and process.returncode == 0:
        return ActionResult(changed=True, evidence=evidence)
    if not has_ended:
        what = f"{file.name} ran for {timeout_s:g} s on {host} and was ended, as the plan says."
    elif process.returncode < 0:
        what = f"{file.name} was ended on {host} by signal {-process.returncode}."
    else:
        said = errors.lines()[-1:] or ["it says nothing"]
        what = f"{file.name} exited with {process.returncode} on {host}: {said[0]}"
    raise ActionFailedError(
        what,
        host=host,
        next_step="Part of it may have been carried out: read its output in the evidence, then"
        " retry or skip the step.",
        evidence=evidence,
    )


def _options(arguments: Mapping[str, Any]) -> list[str]:
    options: list[str] = []
    for name, value in arguments.items():
        for each in value if isinstance(value, (tuple, list)) else (value,):
            text = str(each).lower() if isinstance(each, bool) else str(each)
            options += [f"--{name}", text]
    return options


def _wait(process: subprocess.Popen[bytes], timeout_s: float) -> bool:
    """Whether it ended in time; if not, it has been ended, with all that it started."""
    try:
        process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        for number, grace_s in ((signal.SIGTERM, _END_GRACE_S), (signal.SIGKILL, None)):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, number)
            with suppress(subprocess.TimeoutExpired):
                process.wait(grace_s)
        return False
    return True


class _Kept:
    """The first characters of a stream; the rest is read, so that nobody blocks, and dropped."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._kept = bytearray()
        self.is_truncated = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def lines(self) -> list[str]:
        """What was kept. A process that it left behind may hold the stream: that is not awaited."""
        self._reader.join(_DRAIN_S)
        return bytes(self._kept).decode(errors="replace").splitlines()

    def _read(self) -> None:
        with self._stream:
            while chunk := self._stream.read1(65_536):  # type: ignore[attr-defined]
                room = OUTPUT_LIMIT_CHARS - len(self._kept)
                self._kept += chunk[:room]
                self.is_truncated |= len(chunk) > room
