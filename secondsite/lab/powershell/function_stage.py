"""A function or a script block at work in a pipeline."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from secondsite.lab.powershell.binding import not_bound
from secondsite.lab.powershell.binding_errors import Bound, Given
from secondsite.lab.powershell.conversion import to_bool
from secondsite.lab.powershell.failures import (
    ConversionFailure,
    PsError,
    ReturnSignal,
)
from secondsite.lab.powershell.functions import FunctionBinding, binding_of
from secondsite.lab.powershell.scopes import FunctionInfo, Scope
from secondsite.lab.powershell.streams import Context, Emit
from secondsite.lab.powershell.syntax import Block, Command
from secondsite.lab.powershell.text_form import to_text
from secondsite.lab.powershell.values import PsHashtable, PsObject, ScriptBlock, ps_object

if TYPE_CHECKING:
    from secondsite.lab.powershell.runspace import Runspace

from secondsite.lab.powershell.stage import COMMON, PREFERENCE_VARIABLES, Stage


class FunctionStage(Stage):
    """A function or a script block."""

    def __init__(
        self,
        runspace: Runspace,
        target: FunctionInfo | ScriptBlock,
        given: Iterable[Given],
        sink: Emit,
        context: Context,
        *,
        has_input: bool,
        in_place: bool,
        command: Command,
    ) -> None:
        super().__init__(runspace, sink, context, has_input=has_input, command=command)
        self.info = target if isinstance(target, FunctionInfo) else FunctionInfo("", target.ast)
        self.closure = target.closure if isinstance(target, ScriptBlock) else None
        self.binding: FunctionBinding = binding_of(self.info, runspace)
        self.in_place = in_place
        self.scope = runspace.scope if in_place else Scope(runspace.scope)
        self.bound = self.binding.table.bind(given)
        self.collected: list[object] = []
        if self.closure:
            self.scope.variables.update(self.closure)

    def begin(self) -> None:
        """Bind, fill in defaults, run the begin block."""
        expects = self.has_input and self.binding.table.takes_input(self.bound)
        set_name = self.binding.table.settle(self.bound, expects_input=expects)
        if self.binding.has_common and not COMMON.isdisjoint(self.bound.values):
            self._apply_preferences()
        self._enter_parameters(self.bound, set_name)
        if self.info.ast.begin is not None:
            self._run_block(self.info.ast.begin)

    def _apply_preferences(self) -> None:
        self.apply_common(self.bound.values, self.context.redirects)
        for stream, value in self.context.preferences.items():
            self.scope.variables[PREFERENCE_VARIABLES[stream]] = value
        self.context = Context(self.context.redirects, {}, self.context.collectors)

    def _enter_parameters(self, bound: Bound, set_name: str) -> None:
        variables = self.scope.variables
        given = {name: each for name, each in bound.values.items() if name in self.binding.names}
        if self.closure is None or self.binding.names:
            variables["psboundparameters"] = PsHashtable(given.items(), ordered=True)
        if not self.in_place:
            variables["args"] = bound.extra
            variables["myinvocation"] = ps_object(
                "System.Management.Automation.InvocationInfo",
                MyCommand=ps_object(
                    "System.Management.Automation.FunctionInfo", Name=self.info.name
                ),
                InvocationName=self.info.name,
                BoundParameters=PsHashtable(given.items(), ordered=True),
                ScriptLineNumber=self.command.line,
                Line=self.command.line_text,
            )
        if self.binding.is_advanced:
            variables["pscmdlet"] = self._ps_cmdlet(set_name)
        for name, value in given.items():
            self._set_parameter(name, value)
        self._fill_defaults(bound)

    def _fill_defaults(self, bound: Bound) -> None:
        for parameter in self.info.ast.parameters:
            if parameter.name in bound.values:
                continue
            before, self.runspace.scope = self.runspace.scope, self.scope
            try:
                value = self.binding.default_of(parameter.name, self.runspace)
            finally:
                self.runspace.scope = before
            self._set_parameter(parameter.name, value)

    def _set_parameter(self, name: str, value: object) -> None:
        key = name.lower()
        self.scope.variables[key] = value
        conversion = self.binding.conversion_of(name)
        if conversion is not None:
            self.scope.constrain(key, conversion)

    def _ps_cmdlet(self, set_name: str) -> PsObject:
        return ps_object(
            "System.Management.Automation.PSScriptCmdlet",
            ParameterSetName=set_name,
            methods={
                "ThrowTerminatingError": self._throw,
                "WriteError": lambda record: self.runspace.report_error(
                    record, activity=self.info.name
                ),
                "WriteWarning": lambda text: self.runspace.write_stream("warning", to_text(text)),
                "WriteVerbose": lambda text: self.runspace.write_stream("verbose", to_text(text)),
                "WriteObject": self.give,
                "ShouldProcess": lambda *_: not to_bool(self.bound.values.get("WhatIf", False)),
            },
        )

    def _throw(self, record: object) -> None:
        from secondsite.lab.powershell.values import ErrorRecord  # noqa: PLC0415

        if not isinstance(record, ErrorRecord):
            raise ConversionFailure("an ErrorRecord was expected")
        raise PsError(record)

    def accept(self, item: object) -> None:
        """Bind the object to parameters that take pipeline input, run the process block."""
        if self.binding.table.by_pipeline:
            bound = self.binding.table.bind_input(self.bound, item)
            if bound is None:
                with self.entered():
                    self.runspace.report_error(
                        not_bound(self.binding.table, item).record, activity=self.info.name
                    )
                return
            self.binding.table.settle(bound)
            for name, value in bound.values.items():
                if name not in self.bound.values:
                    self._set_parameter(name, value)
        process = self.info.ast.end if self.info.ast.is_filter else self.info.ast.process
        if process is None:
            self.collected.append(item)
            return
        self.scope.variables["_"] = item
        self._run_block(process)

    def run_alone(self) -> None:
        """The process block once, without an object."""
        process = self.info.ast.end if self.info.ast.is_filter else self.info.ast.process
        if process is not None:
            self._run_block(process)

    def end(self) -> None:
        """The end block."""
        if self.info.ast.end is not None and not self.info.ast.is_filter:
            if not self.in_place or self.collected:
                self.scope.variables["input"] = self.collected
            self._run_block(self.info.ast.end)

    def _run_block(self, block: Block) -> None:
        runspace = self.runspace
        before, runspace.scope = runspace.scope, self.scope
        runspace.enter_call()
        try:
            with self.entered():
                runspace.run_block(block, self._give_outside)
        except ReturnSignal:
            pass
        finally:
            runspace.leave_call()
            runspace.scope = before

    def _give_outside(self, value: object) -> None:
        """Output runs in the scope and context of whoever called."""
        runspace = self.runspace
        inner_scope, inner_context = runspace.scope, runspace.context
        runspace.scope = (
            self.scope.parent if not self.in_place and self.scope.parent else self.scope
        )
        try:
            self.give(value)
        finally:
            runspace.scope, runspace.context = inner_scope, inner_context
