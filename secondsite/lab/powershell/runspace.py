"""One PowerShell session on a simulated computer."""

from __future__ import annotations

from typing import Final

from secondsite.lab.powershell import assignment
from secondsite.lab.powershell.binding_errors import Given
from secondsite.lab.powershell.conversion import as_array
from secondsite.lab.powershell.evaluate_expressions import evaluate_raw
from secondsite.lab.powershell.evaluate_statements import RUNNERS
from secondsite.lab.powershell.failures import (
    BreakSignal,
    ContinueSignal,
    ExitSignal,
    ParseFailure,
    PsError,
    ReturnSignal,
    RunspaceStopped,
    runtime_error,
)
from secondsite.lab.powershell.function_stage import FunctionStage
from secondsite.lab.powershell.parser import parse
from secondsite.lab.powershell.scopes import FunctionInfo
from secondsite.lab.powershell.session_state import ALWAYS_LOADED, NO_VALUE, CmdletHook, Timing
from secondsite.lab.powershell.session_streams import SessionStreams
from secondsite.lab.powershell.streams import NO_CONTEXT, Context, Emit
from secondsite.lab.powershell.syntax import (
    Assignment,
    Block,
    Command,
    CommandExpression,
    Expression,
    Literal,
    Pipeline,
    ScriptBlockAst,
    Statement,
)
from secondsite.lab.powershell.text_form import to_text
from secondsite.lab.powershell.values import (
    NOTHING,
    ScriptBlock,
)

__all__ = ["CmdletHook", "Runspace", "Timing"]

_CALL_DEPTH_LIMIT: Final = 45


class Runspace(SessionStreams):
    """Runs scripts; variables, functions and imported modules last from one to the next.

    Args:
        registry: The simulated cmdlets (PowerShell's own come by themselves).
        host: The simulated computer; handed to cmdlets as it is.
        clock: Tells lab time, spends real time.
        stdin: What `[Console]::In` reads.
        stdout: Where output and `[Console]::Out` go.
        stderr: Where errors go.
        on_cmdlet: Called with name and parameters before each cmdlet of the simulated world;
            what it raises happens to the script (a `CmdletError`) or ends the process (the rest).
        timing: Import times of modules; None: no time.
        modules: Modules installed on the computer; None: all that are registered.
        computer_name: `$env:COMPUTERNAME`.
        environment: More environment variables.
        time_zone: The computer's; None: UTC.
        clixml_errors: Streams other than output go to stderr as CLIXML.
    """

    def run(self, script: str) -> int:
        """Run a script to its end; what powershell.exe would exit with."""
        try:
            ast = parse(script)
        except ParseFailure as failure:
            self._write_error_record(failure.record())
            return 1
        return self._run_ast(ast)

    def _run_ast(self, ast: ScriptBlockAst) -> int:
        info = FunctionInfo("", ast)
        try:
            stage = FunctionStage(
                self,
                info,
                (),
                self._show,
                NO_CONTEXT,
                has_input=False,
                in_place=True,
                command=Command(1, Literal(1, ""), (), ".", ()),
            )
            stage.begin()
            stage.run_alone()
            stage.end()
        except ExitSignal as signal:
            return signal.code
        except PsError as error:
            self.record_error(error)
            self._write_error_record(error.record)
            return 1
        except (BreakSignal, ContinueSignal, ReturnSignal):
            pass
        except RecursionError:
            self._write_error_record(_overflow().record)
            return 1
        return 0 if self.succeeded else 1

    def stop(self) -> None:
        """From another thread: end at the next statement; waits end at once."""
        self.interrupt.set()

    def check_stopped(self) -> None:
        """Raises RunspaceStopped if `stop` was called."""
        if self.interrupt.is_set() and not self.is_finishing:
            raise RunspaceStopped

    def sleep(self, seconds: float) -> None:
        """Wait that many real seconds; ends with RunspaceStopped when the process is stopped."""
        if seconds > 0:
            self.clock.sleep(seconds, self.interrupt)
        self.check_stopped()

    def enter_call(self) -> None:
        """One function call deeper."""
        self._depth += 1
        if self._depth > _CALL_DEPTH_LIMIT:
            raise _overflow()

    def leave_call(self) -> None:
        """One function call back."""
        self._depth -= 1

    def run_block(self, block: Block, emit: Emit) -> None:
        """Run statements in order; an error that ends only its statement lets the next one run."""
        interrupt = self.interrupt
        for statement in block.statements:
            if interrupt.is_set():
                self.check_stopped()
            self._position = statement
            try:
                RUNNERS[type(statement)](statement, self, emit)
            except PsError as error:
                self._settle(error, statement)

    def run_statement(self, statement: Statement, emit: Emit) -> None:
        """Run one statement."""
        RUNNERS[type(statement)](statement, self, emit)

    def _settle(self, error: PsError, statement: Statement) -> None:
        """Pass an error on, or report it and go on with the next statement."""
        self.succeeded = False
        self._locate(error.record, statement)
        if error.ends_script or self.try_depth:
            raise error
        preference = self.preference("error")
        if preference == "stop":
            error.ends_script = True
            raise error
        self.record_error(error)
        if preference in {"continue", "inquire"}:
            self._write_error_record(error.record)

    def statement_value(self, node: Statement) -> object:
        """What a statement gives as a value: `NOTHING`, one object, or an array."""
        if type(node) is Pipeline:
            first = node.elements[0]
            if (
                len(node.elements) == 1
                and type(first) is CommandExpression
                and not first.redirections
            ):
                self.succeeded = True
                return evaluate_raw(first.expression, self)
        elif type(node) is Assignment:
            return assignment.assign_statement(node, self)
        output: list[object] = []
        RUNNERS[type(node)](node, self, output.append)
        return self.collapse(output)

    def assign_statement(self, node: Assignment) -> None:
        """Run an assignment."""
        assignment.assign_statement(node, self)

    def assign(self, target: Expression, value: object) -> None:
        """Give what an expression names a value."""
        assignment.assign(target, value, self)

    def create_block(self, text: str) -> ScriptBlock:
        """`[scriptblock]::Create(text)`."""
        try:
            return ScriptBlock(parse(text))
        except ParseFailure as failure:
            raise PsError(failure.record()) from None

    def close_over(self, block: ScriptBlock) -> ScriptBlock:
        """GetNewClosure: the variables of the current scope, as they are now."""
        return ScriptBlock(block.ast, dict(self.scope.variables))

    def invoke(
        self, block: ScriptBlock, *arguments: object, underscore: object = NO_VALUE
    ) -> list[object]:
        """Run a script block as a cmdlet such as ForEach-Object does; its output."""
        output: list[object] = []
        self.invoke_into(block, output.append, *arguments, underscore=underscore)
        return output

    def invoke_into(
        self,
        block: ScriptBlock,
        emit: Emit,
        *arguments: object,
        underscore: object = NO_VALUE,
    ) -> None:
        """Run a script block in the current scope; its output goes to `emit` at once."""
        variables = self.scope.variables
        before = variables.get("_", NOTHING)
        if underscore is not NO_VALUE:
            variables["_"] = underscore
        try:
            ast = block.ast
            if not ast.has_param_block and ast.begin is None and ast.process is None:
                if arguments:
                    variables["args"] = list(arguments)
                try:
                    if ast.end is not None:
                        self.run_block(ast.end, emit)
                except ReturnSignal:
                    pass
            else:
                self._invoke_stage(block, emit, list(arguments), in_place=True)
        finally:
            if underscore is not NO_VALUE:
                self.restore_underscore(before)

    def _invoke_stage(
        self, block: ScriptBlock, emit: Emit, arguments: list[object], *, in_place: bool
    ) -> None:
        stage = FunctionStage(
            self,
            block,
            [Given(None, each) for each in arguments],
            emit,
            Context(self.context.redirects),
            has_input=False,
            in_place=in_place,
            command=Command(block.ast.line, Literal(1, ""), (), "&", ()),
        )
        stage.begin()
        stage.run_alone()
        stage.end()

    def invoke_method(self, block: ScriptBlock, arguments: list[object]) -> list[object]:
        """`$block.Invoke(...)`: in a scope of its own."""
        output: list[object] = []
        self._invoke_stage(block, output.append, arguments, in_place=False)
        return output

    def for_each_method(self, value: object, arguments: list[object]) -> list[object]:
        """`$values.ForEach({ ... })` or `.ForEach('Property')`."""
        from secondsite.lab.powershell.members import read_member  # noqa: PLC0415

        output: list[object] = []
        for each in as_array(value):
            if isinstance(arguments[0], ScriptBlock):
                output += self.invoke(arguments[0], *arguments[1:], underscore=each)
            else:
                output.append(read_member(each, to_text(arguments[0]), self))
        return output

    def ensure_module(self, module: str) -> None:
        """Import a module on first use, which takes its time and makes its noise."""
        if module in self.loaded or module in ALWAYS_LOADED:
            return
        self.loaded.add(module)
        if to_text(self.scope.get("progresspreference")).lower() == "continue":
            self._write_progress("Preparing modules for first use.")
        if self._timing is not None:
            self.sleep(self._timing.module_import_s.get(module, 0.0))


def _overflow() -> PsError:
    return runtime_error(
        "The script failed due to call depth overflow.",
        "CallDepthOverflow",
        exception_type="System.InsufficientExecutionStackException",
    )
