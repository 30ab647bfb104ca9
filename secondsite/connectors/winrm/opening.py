"""How a lane comes by a process on its server: tries, pauses, a greeting, and the fallback.

Whatever goes wrong here, nothing of the caller's script was started.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass

from secondsite.connectors.winrm import verdicts
from secondsite.connectors.winrm.admission import Admission
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
from secondsite.connectors.winrm.resident import ResidentProcess
from secondsite.connectors.winrm.script import Script
from secondsite.connectors.winrm.wire import Wire
from secondsite.connectors.winrm.wirefault import WireFault, WireFaultKind

__all__ = ["ProcessSource"]


@dataclass(slots=True)
class ProcessSource:
    """Makes processes on one server, and takes them away.

    Attributes:
        is_one_each: Found out: this server hands input over only when it ends, so every request
            needs a process of its own.
    """

    endpoint: Endpoint
    modules: tuple[str, ...]
    wire: Wire
    limits: LaneLimits
    admission: Admission
    sleep: Callable[[float], None]
    is_one_each: bool = False

    def open(self, script: Script, deadline: Deadline, *, is_resident: bool) -> ResidentProcess:
        """A new process for `script`, proven to answer if it is to stay.

        Raises:
            SiteError: it could not be had; nothing of `script` was started.
        """
        failures = 0
        while True:
            try:
                process = ResidentProcess.start(self.wire, limits=self.limits, deadline=deadline)
                if not is_resident:
                    return process
                return self._greet(process, script, deadline)
            except WireFault as fault:
                failures += 1
                self._judge(script, fault.text, fault, failures, deadline)
            except (UndeliveredError, InDoubtError) as exc:
                failures += 1
                reason = f"its PowerShell does not answer: {exc.reason}"
                self._judge(script, reason, exc.fault, failures, deadline)

    def discard(self, process: ResidentProcess) -> None:
        """Take `process` off the server; not even that while the account is refused."""
        if not self.admission.refusal:
            process.remove()

    def _judge(
        self,
        script: Script,
        reason: str,
        fault: WireFault | None,
        failures: int,
        deadline: Deadline,
    ) -> None:
        """Pause before another try, or raise."""
        kind = fault.kind if fault else None
        if kind is WireFaultKind.DENIED:
            self.admission.deny(reason)
            raise verdicts.denied(self.endpoint, script.name, reason) from fault
        pause_s = self.limits.backoff_s * 2**failures
        if (
            kind is WireFaultKind.UNDELIVERED
            or failures >= self.limits.tries
            or deadline.remaining_s <= pause_s
        ):
            raise verdicts.not_started(self.endpoint, script.name, reason, fault=fault) from fault
        self.sleep(pause_s)

    def _greet(
        self, process: ResidentProcess, script: Script, deadline: Deadline
    ) -> ResidentProcess:
        """Have the process import its modules; a resident one must answer with its input open.

        Raises:
            UndeliveredError, InDoubtError: it does not answer; it has been removed.
            SiteError: it cannot import a module.
        """
        hello_deadline = deadline.at_most(self.limits.start_timeout_s)
        try:
            answer = self._hello(process, hello_deadline)
        except (UndeliveredError, InDoubtError) as exc:
            self._discard_unless_denied(process, exc.fault)
            is_mute = process.exit_code is None and hello_deadline.is_over
            if is_mute and not deadline.is_over:
                return self._fall_back(deadline)
            raise
        if not answer.ok:
            self.discard(process)
            raise verdicts.failed(self.endpoint, script, answer)
        return process

    def _fall_back(self, deadline: Deadline) -> ResidentProcess:
        """Find out whether this server hands input over only when it ends; live with it if so.

        Raises:
            UndeliveredError, InDoubtError: its PowerShell does not answer that way either.
        """
        trial = ResidentProcess.start(self.wire, limits=self.limits, deadline=deadline)
        try:
            self._hello(trial, deadline, ends_input=True)
        except (UndeliveredError, InDoubtError) as exc:
            self._discard_unless_denied(trial, exc.fault)
            raise
        self.discard(trial)
        self.is_one_each = True
        return ResidentProcess.start(self.wire, limits=self.limits, deadline=deadline)

    def _hello(
        self, process: ResidentProcess, deadline: Deadline, *, ends_input: bool = False
    ) -> Answer:
        """A request that only imports the modules."""
        request_id = uuid.uuid4().hex
        answer = Exchange(
            process=process,
            request_id=request_id,
            line=encode_request(request_id, modules=self.modules),
            deadline=deadline,
            limits=self.limits,
            sleep=self.sleep,
            ends_input=ends_input,
        ).run()
        if isinstance(answer, ProcessEnd):
            raise UndeliveredError(f"its PowerShell ended with exit code {answer.exit_code}")
        return answer

    def _discard_unless_denied(self, process: ResidentProcess, fault: WireFault | None) -> None:
        """A farewell to a server that refuses the account would be one more wrong password."""
        if fault is None or fault.kind is not WireFaultKind.DENIED:
            self.discard(process)
