"""Running of statements: conditions, loops, try, functions, assignments."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final

from secondsite.lab.powershell import operators, patterns
from secondsite.lab.powershell.conversion import enumerate_value, to_bool, to_number
from secondsite.lab.powershell.evaluate_expressions import evaluate
from secondsite.lab.powershell.failures import (
    BreakSignal,
    ContinueSignal,
    ExitSignal,
    PsError,
    ReturnSignal,
    runtime_error,
)
from secondsite.lab.powershell.pipeline import run_pipeline
from secondsite.lab.powershell.scopes import FunctionInfo
from secondsite.lab.powershell.streams import Emit
from secondsite.lab.powershell.syntax import (
    Assignment,
    CatchClause,
    DoLoop,
    Flow,
    For,
    ForEach,
    FunctionDefinition,
    If,
    Jump,
    Pipeline,
    ScriptBlockLiteral,
    Statement,
    Switch,
    Try,
    While,
)
from secondsite.lab.powershell.text_form import to_text
from secondsite.lab.powershell.type_names import exception_types, resolve
from secondsite.lab.powershell.values import (
    NOTHING,
    ErrorRecord,
    PsException,
    PsHashtable,
    ScriptBlock,
)

if TYPE_CHECKING:
    from secondsite.lab.powershell.runspace import Runspace

Run = Callable[[Any, "Runspace", Emit], None]


def _assignment(node: Assignment, runspace: Runspace, emit: Emit) -> None:
    del emit
    runspace.assign_statement(node)


def _if(node: If, runspace: Runspace, emit: Emit) -> None:
    for condition, body in node.clauses:
        if _holds(condition, runspace):
            runspace.run_block(body, emit)
            return
    if node.otherwise is not None:
        runspace.run_block(node.otherwise, emit)


def _holds(condition: Statement, runspace: Runspace) -> bool:
    return to_bool(runspace.statement_value(condition))


def _run_body(body: Callable[[], None], label: str) -> bool:
    """One turn of a loop; whether the loop goes on."""
    try:
        body()
    except ContinueSignal as signal:
        if signal.label and signal.label != label:
            raise
    except BreakSignal as signal:
        if signal.label and signal.label != label:
            raise
        return False
    return True


def _while(node: While, runspace: Runspace, emit: Emit) -> None:
    while _holds(node.condition, runspace):
        runspace.check_stopped()
        if not _run_body(lambda: runspace.run_block(node.body, emit), node.label):
            return


def _do_loop(node: DoLoop, runspace: Runspace, emit: Emit) -> None:
    while True:
        runspace.check_stopped()
        if not _run_body(lambda: runspace.run_block(node.body, emit), node.label):
            return
        if _holds(node.condition, runspace) == node.until:
            return


def _for(node: For, runspace: Runspace, emit: Emit) -> None:
    if node.start is not None:
        runspace.statement_value(node.start)
    while node.condition is None or _holds(node.condition, runspace):
        runspace.check_stopped()
        if not _run_body(lambda: runspace.run_block(node.body, emit), node.label):
            return
        if node.step is not None:
            runspace.statement_value(node.step)


def _for_each(node: ForEach, runspace: Runspace, emit: Emit) -> None:
    value = runspace.statement_value(node.values)
    if value is None or value is NOTHING:
        return
    items: Iterable[object] | None = enumerate_value(value)
    for item in [value] if items is None else list(items):
        runspace.check_stopped()
        runspace.assign(node.variable, item)
        if not _run_body(lambda: runspace.run_block(node.body, emit), node.label):
            return


# switch


def _switch(node: Switch, runspace: Runspace, emit: Emit) -> None:
    value = runspace.statement_value(node.value)
    if value is NOTHING:
        return
    items = enumerate_value(value)
    before = runspace.scope.variables.get("_", NOTHING)
    try:
        for item in [value] if items is None else list(items):
            if not _run_body(lambda: _switch_one(node, item, runspace, emit), node.label):  # noqa: B023
                return
    finally:
        runspace.restore_underscore(before)


def _switch_one(node: Switch, item: object, runspace: Runspace, emit: Emit) -> None:
    matched = False
    for pattern, body in node.clauses:
        runspace.scope.variables["_"] = item
        if _switch_matches(node, pattern, item, runspace):
            matched = True
            runspace.run_block(body, emit)
    if not matched and node.default is not None:
        runspace.scope.variables["_"] = item
        runspace.run_block(node.default, emit)


def _switch_matches(node: Switch, pattern: Any, item: object, runspace: Runspace) -> bool:
    if isinstance(pattern, ScriptBlockLiteral):
        block = ScriptBlock(pattern.ast)
        return to_bool(runspace.collapse(runspace.invoke(block, underscore=item)))
    wanted = evaluate(pattern, runspace)
    case = node.case_sensitive
    if node.mode == "wildcard":
        return bool(patterns.wildcard(to_text(wanted), case=case).fullmatch(to_text(item)))
    if node.mode == "regex":
        found = patterns.regex(to_text(wanted), case=case).search(to_text(item))
        if found:
            table = PsHashtable()
            for number in range(found.re.groups + 1):
                table[number] = found.group(number)
            for name, text in found.groupdict().items():
                table[name] = text
            runspace.scope.variables["matches"] = table
        return found is not None
    return operators.equals(item, wanted, case=case)


# try


def _try(node: Try, runspace: Runspace, emit: Emit) -> None:
    try:
        runspace.try_depth += 1
        try:
            runspace.run_block(node.body, emit)
        finally:
            runspace.try_depth -= 1
    except PsError as error:
        clause = _find_catch(node, error)
        if clause is None:
            error.ends_script = True
            raise
        _catch(clause, error, runspace, emit)
    finally:
        if node.last is not None:
            # A stopped process runs its finally blocks, as Windows' does.
            stopped, runspace.is_finishing = runspace.is_finishing, True
            try:
                runspace.run_block(node.last, emit)
            finally:
                runspace.is_finishing = stopped


def _find_catch(node: Try, error: PsError) -> CatchClause | None:
    """The clause for the most derived type; wrapped exceptions count too."""
    best: tuple[int, CatchClause] | None = None
    chain: list[PsException] = []
    exception: PsException | None = error.record.exception
    while exception is not None:
        chain.append(exception)
        exception = exception.inner
    for clause in node.catches:
        if not clause.types:
            return best[1] if best else clause
        for written in clause.types:
            full = resolve(written.name) or written.name
            for link in chain:
                names = [each.lower() for each in exception_types(link.type_name)]
                if full.lower() in names:
                    rank = names.index(full.lower())
                    if best is None or rank < best[0]:
                        best = (rank, clause)
    return best[1] if best else None


def _catch(clause: CatchClause, error: PsError, runspace: Runspace, emit: Emit) -> None:
    runspace.record_error(error)
    before = runspace.scope.variables.get("_", NOTHING)
    runspace.scope.variables["_"] = error.record
    held, runspace.caught = runspace.caught, error
    try:
        runspace.run_block(clause.body, emit)
    finally:
        runspace.caught = held
        runspace.restore_underscore(before)


# Jumps and definitions


def _flow(node: Flow, runspace: Runspace, emit: Emit) -> None:
    if node.keyword == "throw":
        raise _thrown(node, runspace)
    if node.keyword == "exit":
        value = None if node.value is None else runspace.statement_value(node.value)
        try:
            code = int(to_number(None if value is NOTHING else value))
        except PsError:
            code = 0
        raise ExitSignal(code)
    if node.value is not None:
        runspace.run_statement(node.value, emit)
    raise ReturnSignal


def _thrown(node: Flow, runspace: Runspace) -> PsError:
    if node.value is None:
        if runspace.caught is not None:
            runspace.caught.ends_script = True
            return runspace.caught
        value: object = "ScriptHalted"
    else:
        value = runspace.statement_value(node.value)
    if isinstance(value, ErrorRecord):
        return PsError(value, ends_script=True)
    if isinstance(value, PsException):
        record = ErrorRecord(
            value.type_name, value.message, value.message, "OperationStopped", exception=value
        )
        error = PsError(record, ends_script=True)
    else:
        text = to_text(value)
        error = runtime_error(text, text, category="OperationStopped", target=value)
        error.ends_script = True
    error.record.line = node.line
    return error


def _jump(node: Jump, runspace: Runspace, emit: Emit) -> None:
    del runspace, emit
    raise (BreakSignal if node.keyword == "break" else ContinueSignal)(node.label)


def _function(node: FunctionDefinition, runspace: Runspace, emit: Emit) -> None:
    del emit
    scope, colon, rest = node.name.partition(":")
    if colon:
        runspace.scope.outermost().define(FunctionInfo(rest, node.body))
        del scope
        return
    runspace.scope.define(FunctionInfo(node.name, node.body))


RUNNERS: Final[dict[type, Run]] = {
    Pipeline: run_pipeline,
    Assignment: _assignment,
    If: _if,
    While: _while,
    DoLoop: _do_loop,
    For: _for,
    ForEach: _for_each,
    Switch: _switch,
    Try: _try,
    Flow: _flow,
    Jump: _jump,
    FunctionDefinition: _function,
}
