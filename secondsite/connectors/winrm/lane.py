"""One resident Windows PowerShell on one server: scripts in, answers out, no outcome guessed.

A call costs two HTTP requests once the lane is warm (Send, Receive). Losing a reply is survived
without doing anything twice (see `exchange`); what cannot be settled is reported as unknown.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from secondsite.connectors.winrm import verdicts
from secondsite.connectors.winrm.admission import Admission
from secondsite.connectors.winrm.bootstrap import EXITED_BY_ITSELF
from secondsite.connectors.winrm.deadline import Deadline
from secondsite.connectors.winrm.endpoint import Endpoint
from secondsite.connectors.winrm.exchange import (
    Exchange,
    InDoubtError,
    ProcessEnd,
    UndeliveredError,
)
from secondsite.connectors.winrm.framing import Answer, encode_request
from secondsite.connectors.winrm.limits import LaneLimits
from secondsite.connectors.winrm.opening import ProcessSource
from secondsite.connectors.winrm.resident import ResidentProcess
from secondsite.connectors.winrm.script import Json, Script
from secondsite.connectors.winrm.wire import Wire
from secondsite.connectors.winrm.wirefault import WireFaultKind
from secondsite.errors import ActionFailedError, UsageError

__all__ = ["Lane", "ScriptRun"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptRun:
    """What a script that did not fail left behind.

    Attributes:
        output: Everything it wrote, in order.
        elapsed_s: On the server, without transport.
        exit_code: Set only if the script ended its own process with `exit`.
    """

    output: Sequence[Any]
    warnings: Sequence[str] = ()
    elapsed_s: float = 0.0
    exit_code: int | None = None


class Lane:
    """Calls scripts on one server, one at a time; a second caller waits for the first.

    `modules` are imported once (None: the endpoint's own); `admission` is shared by all lanes of
    one account on one server.

    Attributes:
        endpoint: The server.
        modules: What its PowerShell imports.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        modules: Sequence[str] | None = None,
        limits: LaneLimits | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        admission: Admission | None = None,
    ) -> None:
        self.endpoint = endpoint
        self.modules = tuple(endpoint.modules if modules is None else modules)
        self._limits = limits or LaneLimits()
        self._clock, self._sleep = clock, sleep
        self._admission = admission or Admission(clock, self._limits.denied_pause_s)
        self._wire = Wire(endpoint, connect_timeout_s=self._limits.connect_timeout_s)
        self._source = ProcessSource(
            endpoint=endpoint,
            modules=self.modules,
            wire=self._wire,
            limits=self._limits,
            admission=self._admission,
            sleep=sleep,
        )
        self._resident: ResidentProcess | None = None
        self._is_closed = False
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"Lane({self.endpoint})"

    @property
    def requests_count(self) -> int:
        """HTTP requests sent so far, those of authentication included."""
        return self._wire.requests_count

    def call(self, script: Script, parameters: Mapping[str, Json], *, timeout_s: float) -> Json:
        """The object that `script` answers with; None if it wrote none, a list if several.

        `timeout_s` is for all of it: waiting for other callers, connecting, starting PowerShell.

        Raises:
            NotStartedError: surely nothing happened.
            UnknownOutcomeError: it may or may not have happened, and it could not be settled.
            ActionFailedError: the script failed, with a subclass where PowerShell says which.
        """
        output = self.run(script, parameters, timeout_s=timeout_s).output
        if len(output) > 1:
            return cast(Json, list(output))
        return cast(Json, output[0]) if output else None

    def run(self, script: Script, parameters: Mapping[str, Json], *, timeout_s: float) -> ScriptRun:
        """Like `call`, with warnings, all output and the exit code."""
        deadline = Deadline.after(timeout_s, clock=self._clock)
        self._check(script, parameters)
        if not self._lock.acquire(timeout=max(timeout_s, 0)):
            raise verdicts.not_started(
                self.endpoint, script.name, f"the lane was busy for {timeout_s:g} s"
            )
        try:
            return self._run(script, parameters, deadline)
        finally:
            self._lock.release()

    def close(self, *, waits: bool = True) -> None:
        """End the PowerShell and remove its shell. A call under way ends as unknown.

        `waits`: give a call under way `close_timeout_s` to end by itself.
        """
        self._is_closed = True
        if self._lock.acquire(timeout=self._limits.close_timeout_s if waits else 0):
            try:
                self._retire()
                self._wire.drop_connection()
            finally:
                self._lock.release()
        else:
            self._remove_from_outside()

    def _check(self, script: Script, parameters: Mapping[str, Json]) -> None:
        """Refuse what cannot be sent, before anything is."""
        try:
            line = encode_request(
                uuid.uuid4().hex, modules=self.modules, script=script, parameters=parameters
            )
        except (TypeError, ValueError) as exc:
            raise UsageError(f"{script.name}: a parameter is not JSON: {exc}") from exc
        if len(line) > self._limits.request_limit_bytes:
            raise UsageError(
                f"{script.name} with its parameters takes {len(line):,} bytes; PowerShell reads"
                f" at most {self._limits.request_limit_bytes:,} at once. Nothing was sent.",
                next_step="Ask for fewer VMs at a time.",
            )

    def _run(self, script: Script, parameters: Mapping[str, Json], deadline: Deadline) -> ScriptRun:
        """One call, by the only caller."""
        tries = 0
        while True:
            tries += 1
            process = self._ready_process(script, deadline)
            try:
                answer = self._exchange(process, script, parameters, deadline)
            except UndeliveredError as exc:
                self._judge_undelivered(process, script, exc, is_last=tries >= self._limits.tries)
                continue
            except InDoubtError as exc:
                if exc.fault is not None and exc.fault.kind is WireFaultKind.DENIED:
                    self._admission.deny(exc.reason)
                self._discard(process)
                raise verdicts.unknown(self.endpoint, script.name, exc.reason) from exc
            if isinstance(answer, Answer) and answer.phase == "unsent":
                process.known_digests.discard(script.digest)
                continue
            if process is not self._resident:
                self._discard(process)
            return self._conclude(script, answer)

    def _ready_process(self, script: Script, deadline: Deadline) -> ResidentProcess:
        """The process that is to run `script`.

        Raises:
            SiteError: there is none, so nothing was started.
        """
        if self._is_closed:
            raise verdicts.not_started(self.endpoint, script.name, "the lane is closed")
        if refusal := self._admission.refusal:
            raise verdicts.denied(self.endpoint, script.name, f"{refusal}, and not tried again")
        if script.own_process or self._source.is_one_each:
            return self._source.open(script, deadline, is_resident=False)
        if self._resident is not None and self._is_worn(self._resident):
            self._retire()
        if self._resident is not None:
            return self._resident
        process = self._source.open(script, deadline, is_resident=True)
        if not self._source.is_one_each:
            self._resident = process
        return process

    def _is_worn(self, process: ResidentProcess) -> bool:
        """Whether it has served long enough: memory quotas are per shell."""
        age_s = self._clock() - process.started_at
        return (
            process.requests_count >= self._limits.recycle_requests
            or age_s >= self._limits.recycle_age_s
        )

    def _exchange(
        self,
        process: ResidentProcess,
        script: Script,
        parameters: Mapping[str, Json],
        deadline: Deadline,
    ) -> Answer | ProcessEnd:
        """Put the request to `process`."""
        request_id = uuid.uuid4().hex
        process.requests_count += 1
        answer = Exchange(
            process=process,
            request_id=request_id,
            line=encode_request(
                request_id,
                modules=self.modules,
                script=script,
                with_text=script.digest not in process.known_digests,
                parameters=parameters,
            ),
            deadline=deadline,
            limits=self._limits,
            sleep=self._sleep,
            ends_input=self._source.is_one_each,
        ).run()
        process.known_digests.add(script.digest)
        return answer

    def _conclude(self, script: Script, answer: Answer | ProcessEnd) -> ScriptRun:
        """The run that `answer` describes, or the error."""
        if isinstance(answer, Answer):
            if not answer.ok:
                raise verdicts.failed(self.endpoint, script, answer)
            return ScriptRun(
                output=answer.result,
                warnings=answer.warnings,
                elapsed_s=answer.elapsed_ms / 1000,
            )
        if answer.exit_code == EXITED_BY_ITSELF:
            raise verdicts.unknown(self.endpoint, script.name, "its answer was lost")
        if answer.exit_code != 0:
            raise ActionFailedError(
                f"{script.name} on {self.endpoint} ended with exit code {answer.exit_code}.",
                host=self.endpoint.name,
                next_step="Read what the script does before it exits with this code.",
                evidence={"exit_code": answer.exit_code},
            )
        return ScriptRun(output=(), exit_code=0)

    def _judge_undelivered(
        self, process: ResidentProcess, script: Script, exc: UndeliveredError, *, is_last: bool
    ) -> None:
        """Raise what cannot be helped; else leave the way free for a fresh process.

        Raises:
            SiteError: nothing was started, and it is of no use to try again now.
        """
        kind = exc.fault.kind if exc.fault else None
        if kind is WireFaultKind.DENIED:
            self._admission.deny(exc.reason)
            self._discard(process)
            raise verdicts.denied(self.endpoint, script.name, exc.reason) from exc
        if kind is not WireFaultKind.UNDELIVERED:
            self._discard(process)
        # A shell that cannot be reached may outlive this: it is used again, or found gone.
        if is_last or kind is WireFaultKind.UNDELIVERED:
            raise verdicts.not_started(
                self.endpoint, script.name, exc.reason, fault=exc.fault
            ) from exc

    def _discard(self, process: ResidentProcess) -> None:
        """Take `process` off the server."""
        if process is self._resident:
            self._resident = None
        self._source.discard(process)

    def _retire(self) -> None:
        """Take the resident process, if there is one, off the server."""
        if self._resident is not None:
            self._discard(self._resident)

    def _remove_from_outside(self) -> None:
        """Remove the shell over a connection of its own, under a call that does not end."""
        process = self._resident
        if process is None or self._admission.refusal:
            return
        wire = Wire(self.endpoint, connect_timeout_s=self._limits.connect_timeout_s)
        process_there = ResidentProcess(
            wire=wire,
            limits=self._limits,
            shell_id=process.shell_id,
            command_id=process.command_id,
            started_at=process.started_at,
        )
        process_there.remove()
        wire.drop_connection()
