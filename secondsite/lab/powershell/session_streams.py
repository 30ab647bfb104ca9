"""Errors, warnings and other streams of one PowerShell session."""

from __future__ import annotations

from secondsite.lab.powershell.console_objects import NEWLINE
from secondsite.lab.powershell.error_text import CLIXML_HEADER, clixml, clixml_progress, error_lines
from secondsite.lab.powershell.failures import (
    LAB_SUBSET,
    PsError,
    runtime_error,
)
from secondsite.lab.powershell.session_state import SessionState
from secondsite.lab.powershell.show import shown_lines
from secondsite.lab.powershell.stage import PREFERENCE_VARIABLES
from secondsite.lab.powershell.streams import STREAMS
from secondsite.lab.powershell.syntax import (
    Command,
    Pipeline,
    Statement,
)
from secondsite.lab.powershell.text_form import to_text
from secondsite.lab.powershell.values import (
    ErrorRecord,
    ps_object,
)


class SessionStreams(SessionState):
    """Where errors and messages go: redirections, preferences, standard error."""

    def mark(self, command: Command) -> None:
        """Remember where we are, for the position of errors."""
        self._position = command

    def _locate(self, record: ErrorRecord, fallback: Command | Statement | None) -> None:
        position = self._position or fallback
        if record.line or position is None:
            return
        record.line = position.line
        if isinstance(position, Command):
            record.statement, record.column = position.line_text, position.column
        elif isinstance(position, Pipeline) and isinstance(position.elements[0], Command):
            first = position.elements[0]
            record.statement, record.column = first.line_text, first.column

    def preference(self, stream: str) -> str:
        """What a stream's preference says, lower case: the command's own, else the variable's."""
        own = self.context.preferences.get(stream)
        if own is not None:
            return own.lower()
        return to_text(self.scope.get(PREFERENCE_VARIABLES[stream], "Continue")).lower()

    def record_error(self, error: PsError) -> None:
        """Put an error at the head of `$Error`."""
        if error.record not in self.errors.items[:1]:
            self.errors.items.insert(0, error.record)
            del self.errors.items[256:]
            if error.record.fully_qualified_id == LAB_SUBSET:
                # However the script goes on: what the lab cannot do must not pass unseen.
                self._write_stderr("Error", [error.record.message])

    def report_error(self, record: ErrorRecord, *, activity: str = "") -> None:
        """A non-terminating error; ends the script if the preference says Stop."""
        self.succeeded = False
        record.activity = record.activity or activity
        self._locate(record, self._position)
        preference = self.preference("error")
        collected = self.context.collectors.get("error")
        if collected is not None:
            collected.append(record)
        if preference == "ignore":
            return
        if preference == "stop":
            raise PsError(record, ends_script=True)
        self.record_error(PsError(record))
        if preference in {"continue", "inquire"}:
            self._write_error_record(record)

    def _write_error_record(self, record: ErrorRecord) -> None:
        sink = self.context.redirects.get(STREAMS["error"])
        if sink is not None:
            sink(record)
            return
        self._write_stderr("Error", error_lines(record))

    def _write_stderr(self, stream: str, lines: list[str]) -> None:
        if not self._clixml:
            self._stderr.write("".join(f"{line}{NEWLINE}" for line in lines))
            return
        self._write_header()
        self._stderr.write(clixml(stream, lines))

    def _write_header(self) -> None:
        if not self._wrote_header:
            self._wrote_header = True
            self._stderr.write(CLIXML_HEADER)

    def _write_progress(self, activity: str) -> None:
        if self._clixml:
            self._write_header()
            self._stderr.write(clixml_progress(activity, " "))

    def write_stream(self, stream: str, text: str) -> None:
        """Write to the warning, verbose, debug, information or progress stream."""
        if stream == "progress":
            if to_text(self.scope.get("progresspreference")).lower() == "continue":
                self._write_progress(text)
            return
        preference = self.preference(stream)
        collected = self.context.collectors.get(stream)
        if collected is not None:
            collected.append(text)
        if preference == "stop":
            raise runtime_error(
                "The running command stopped because the preference variable is set to Stop: "
                f"{text}",
                "ActionPreferenceStop",
                category="OperationStopped",
                exception_type="System.Management.Automation.ActionPreferenceStopException",
            )
        if preference in {"silentlycontinue", "ignore"}:
            return
        sink = self.context.redirects.get(STREAMS[stream])
        if sink is not None:
            record = f"System.Management.Automation.{stream.capitalize()}Record"
            sink(ps_object(record, text=text, Message=text))
            return
        if self._clixml:
            self._write_stderr(stream, text.splitlines())
        else:
            self._stdout.write(f"{stream.upper()}: {text}{NEWLINE}")

    def write_host(self, text: str, *, newline: bool = True) -> None:
        """Write to the host, which is standard output."""
        sink = self.context.redirects.get(STREAMS["information"])
        if sink is not None:
            sink(text)
            return
        self._stdout.write(text + (NEWLINE if newline else ""))

    def _show(self, value: object) -> None:
        """Out-Default: what a script leaves in its output goes to standard output."""
        for line in shown_lines(value):
            self._stdout.write(line + NEWLINE)
