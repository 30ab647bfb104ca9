"""A simulated cmdlet at work in a pipeline."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from secondsite.lab.powershell.binding import not_bound, table_of
from secondsite.lab.powershell.binding_errors import Bound, Given
from secondsite.lab.powershell.conversion import to_bool
from secondsite.lab.powershell.failures import (
    PsError,
    runtime_error,
)
from secondsite.lab.powershell.registry import CmdletCall, CmdletError, Registration
from secondsite.lab.powershell.streams import Context, Emit
from secondsite.lab.powershell.syntax import Command
from secondsite.lab.powershell.text_form import to_text
from secondsite.lab.powershell.values import PsObject

if TYPE_CHECKING:
    from secondsite.lab.powershell.runspace import Runspace

from secondsite.lab.powershell.stage import COMMON, Stage


class CmdletStage(Stage):
    """A simulated cmdlet."""

    def __init__(
        self,
        runspace: Runspace,
        registration: Registration,
        given: Iterable[Given],
        sink: Emit,
        redirects: Mapping[str, Emit],
        *,
        has_input: bool,
        command: Command,
    ) -> None:
        context = Context(redirects, activity=registration.name)
        super().__init__(runspace, sink, context, has_input=has_input, command=command)
        self.registration = registration
        self.table = table_of(registration.facts, registration.class_name)
        self.bound = self.table.bind(given)
        self.cmdlet = registration.make()
        if not COMMON.isdisjoint(self.bound.values):
            self.apply_common(self.bound.values, redirects)
            if "PipelineVariable" in self.bound.values:
                raise runtime_error(
                    "lab: this PowerShell construct is not in the lab's subset: -PipelineVariable",
                    "LabSubset",
                )
        self._own_set = ""

    def begin(self) -> None:
        """Load the module, settle what is settled, BeginProcessing."""
        self.runspace.ensure_module(self.registration.module)
        expects = self.has_input and self.table.takes_input(self.bound)
        self._own_set = self.table.settle(self.bound, expects_input=expects)
        self._run(self.cmdlet.begin, self._call(self.bound, self._own_set))

    def run_alone(self) -> None:
        """ProcessRecord, once."""
        self._process(self.bound, self._own_set)

    def accept(self, item: object) -> None:
        """ProcessRecord with one object bound."""
        bound = self.table.bind_input(self.bound, item)
        if bound is not None:
            self._process(bound, self.table.settle(bound))
            return
        with self.entered():
            self.runspace.report_error(
                not_bound(self.table, item).record, activity=self.registration.name
            )

    def end(self) -> None:
        """EndProcessing."""
        self._run(self.cmdlet.end, self._call(self.bound, self._own_set))

    def _call(self, bound: Bound, set_name: str) -> CmdletCall:
        return CmdletCall(
            self.registration.name,
            bound.values,
            set_name,
            self.runspace.host,
            self.runspace,
            self.has_input,
            self.give,
            self,
        )

    def _process(self, bound: Bound, set_name: str) -> None:
        if not self.registration.generic:
            self.runspace.check_stopped()
            if self._is_held_back(bound):
                return
            hook = self.runspace.on_cmdlet
            if hook is not None:
                self._guard(lambda: hook(self.registration.name, bound.values))
        self._run(self.cmdlet.process, self._call(bound, set_name))

    def _is_held_back(self, bound: Bound) -> bool:
        """-WhatIf tells instead of doing; a cmdlet that would ask cannot, without a person."""
        values = bound.values
        if "WhatIf" in self.table.parameters and to_bool(values.get("WhatIf", False)):
            self.runspace.write_host(
                f'What if: Performing the operation "{self.registration.name}" on target '
                f'"{_target_text(values)}".'
            )
            return True
        if "Confirm" not in self.table.parameters:
            return False
        asks = to_bool(values["Confirm"]) if "Confirm" in values else self._asks_by_itself()
        if asks:
            raise PsError(
                runtime_error(
                    "Windows PowerShell is in NonInteractive mode. Read and Prompt functionality "
                    "is not available.",
                    f"InvalidOperation,{self.registration.class_name}",
                    exception_type="System.Management.Automation.PSInvalidOperationException",
                ).record
            )
        return False

    def _asks_by_itself(self) -> bool:
        preference = to_text(self.runspace.scope.get("confirmpreference", "High")).lower()
        return self.registration.confirms and preference != "none"

    def _run(self, step: Callable[[CmdletCall], Iterable[object] | None], call: CmdletCall) -> None:
        with self.entered():
            try:
                output = step(call)
                if output is not None:
                    for each in output:
                        self.give(each)
            except CmdletError as error:
                raise self._terminating(error) from None

    def _guard(self, step: Callable[[], None]) -> None:
        try:
            step()
        except CmdletError as error:
            raise self._terminating(error) from None

    def _terminating(self, error: CmdletError) -> PsError:
        error.record.activity = error.record.activity or self.registration.name
        return PsError(error.record)


def _target_text(values: Mapping[str, object]) -> str:
    for name in ("Name", "VMName", "VM", "VMReplication", "VMRecoverySnapshot"):
        value = values.get(name)
        items = value if isinstance(value, list) else [value]
        if value is not None:
            return ", ".join(
                to_text(each.get("Name", each.text))
                if isinstance(each, PsObject)
                else to_text(each)
                for each in items
            )
    return ""
