"""Running a pipeline: each command is a stage that pushes its output into the next one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from secondsite.lab.powershell.binding_errors import Given
from secondsite.lab.powershell.cmdlet_stage import CmdletStage
from secondsite.lab.powershell.conversion import enumerate_value
from secondsite.lab.powershell.evaluate_expressions import evaluate, evaluate_raw
from secondsite.lab.powershell.facts import known_facts
from secondsite.lab.powershell.failures import (
    PipelineStop,
    PsError,
    runtime_error,
    unsupported,
)
from secondsite.lab.powershell.function_stage import FunctionStage
from secondsite.lab.powershell.scopes import FunctionInfo
from secondsite.lab.powershell.stage import Stage
from secondsite.lab.powershell.streams import Context, Emit, drop
from secondsite.lab.powershell.syntax import (
    Argument,
    Command,
    CommandExpression,
    Literal,
    Pipeline,
    Redirection,
    Step,
)
from secondsite.lab.powershell.text_form import to_text
from secondsite.lab.powershell.values import NOTHING, PsHashtable, PsObject, ScriptBlock
from secondsite.lab.powershell.wording import words

if TYPE_CHECKING:
    from secondsite.lab.powershell.runspace import Runspace


def emit_value(value: object, emit: Emit) -> None:
    """Feed a value to a pipeline: collections element by element, nothing for no output."""
    if value is NOTHING:
        return
    items = enumerate_value(value)
    if items is None:
        emit(value)
        return
    for each in items:
        emit(each)


def run_pipeline(node: Pipeline, runspace: Runspace, emit: Emit) -> None:
    """Run a pipeline; its output goes to `emit`."""
    first = node.elements[0]
    if len(node.elements) == 1 and isinstance(first, CommandExpression) and not first.redirections:
        if type(first.expression) is Step:
            evaluate(first.expression, runspace)
        else:
            emit_value(evaluate_raw(first.expression, runspace), emit)
        runspace.succeeded = True
        return
    stages: list[Stage] = []
    sink = emit
    commands = node.elements[1:] if isinstance(first, CommandExpression) else node.elements
    for command in reversed(commands):
        assert isinstance(command, Command)  # noqa: S101 - the parser allows no other
        runspace.mark(command)
        stage = make_stage(command, runspace, sink, has_input=command is not first)
        stages.insert(0, stage)
        sink = stage.accept
    runspace.succeeded = True
    _run_stages(first, stages, runspace, sink)


def _run_stages(
    first: Command | CommandExpression, stages: list[Stage], runspace: Runspace, sink: Emit
) -> None:
    try:
        try:
            for stage in stages:
                stage.begin()
            if isinstance(first, CommandExpression):
                _emit_redirected(first, runspace, sink)
            else:
                stages[0].run_alone()
        except PipelineStop as stop:
            if stop.owner not in stages:
                raise
            del stages[: stages.index(stop.owner)]
        while stages:
            try:
                stages[0].end()
            except PipelineStop as stop:
                if stop.owner not in stages:
                    raise
                del stages[: stages.index(stop.owner)]
                continue
            stages.pop(0).close()
    except BaseException:
        for stage in stages:
            stage.close()
        raise


def _emit_redirected(node: CommandExpression, runspace: Runspace, sink: Emit) -> None:
    if not node.redirections:
        emit_value(evaluate_raw(node.expression, runspace), sink)
        return
    context, sink = redirected(node.redirections, runspace.context, sink)
    before, runspace.context = runspace.context, context
    try:
        value = evaluate_raw(node.expression, runspace)
    finally:
        runspace.context = before
    emit_value(value, sink)


def redirected(
    redirections: tuple[Redirection, ...], context: Context, sink: Emit
) -> tuple[Context, Emit]:
    """The context and the output of a command with redirections."""
    redirects = dict(context.redirects)
    output = sink
    for each in redirections:
        if each.target == "null" and each.stream in {"1", "*"}:
            output = drop
    for each in redirections:
        streams = "23456" if each.stream == "*" else each.stream
        for stream in streams:
            if stream != "1":
                redirects[stream] = drop if each.target == "null" else output
    return Context(redirects), output


# Commands


def make_stage(command: Command, runspace: Runspace, sink: Emit, *, has_input: bool) -> Stage:
    """The stage of one command: function, script block or cmdlet."""
    context = runspace.context
    redirects = context.redirects
    if command.redirections:
        changed, sink = redirected(command.redirections, context, sink)
        redirects = changed.redirects
    target = _target(command, runspace)
    given = evaluate_arguments(command.arguments, runspace)
    if isinstance(target, ScriptBlock):
        target = FunctionInfo("", target.ast) if target.closure is None else target
    if isinstance(target, FunctionInfo | ScriptBlock):
        return FunctionStage(
            runspace,
            target,
            given,
            sink,
            Context(redirects),
            has_input=has_input,
            in_place=command.operator == ".",
            command=command,
        )
    registration = runspace.find_cmdlet(to_text(target))
    return CmdletStage(
        runspace, registration, given, sink, redirects, has_input=has_input, command=command
    )


def _target(command: Command, runspace: Runspace) -> object:
    """A function, a script block, or the name of a cmdlet."""
    name = command.name
    target = name.value if type(name) is Literal else evaluate(name, runspace)
    if isinstance(target, ScriptBlock):
        return target
    if isinstance(target, PsObject) and target.has("ScriptBlock"):
        return target.get("ScriptBlock")
    if isinstance(target, PsObject) and target.has("Name"):
        target = target.get("Name")
    if target is None or not to_text(target):
        raise runtime_error(
            "The expression after '&' in a pipeline element produced an object that was not valid. "
            "It must result in a command name, a script block, or a CommandInfo object.",
            "BadExpression",
        )
    text = to_text(target)
    return runspace.resolve_command(text)


def evaluate_arguments(arguments: tuple[Argument, ...], runspace: Runspace) -> list[Given]:
    """The arguments of a command, evaluated; splatted ones spread out."""
    given: list[Given] = []
    ended = False
    for argument in arguments:
        if argument.splat is not None:
            given += _splat(runspace.read_variable(argument.splat))
            continue
        if argument.parameter is not None and not ended:
            if argument.value is None:
                given.append(Given(argument.parameter, has_value=False))
            else:
                given.append(
                    Given(
                        argument.parameter,
                        evaluate(argument.value, runspace),
                        spelling=_spelling(argument.value),
                    )
                )
            continue
        node = argument.value
        if node is None:
            continue
        if type(node) is Literal:
            if node.value == "--" and not ended:
                ended = True
                continue
            given.append(Given(None, node.value, spelling=node.spelling))
        else:
            given.append(Given(None, evaluate(node, runspace)))
    return given


def _spelling(node: object) -> str | None:
    return node.spelling if isinstance(node, Literal) else None


def _splat(value: object) -> list[Given]:
    if isinstance(value, PsHashtable):
        return [Given(to_text(key), held) for key, held in value.items()]
    if value is None:
        return []
    items = enumerate_value(value)
    if items is None:
        raise unsupported("splatting anything but a hashtable or an array")
    return [Given(None, each) for each in items]


def command_not_found(name: str) -> PsError:
    """The error for a name that is no command; loud if Windows has one that the lab has not."""
    module = known_facts().module_of(name)
    if module is not None:
        error = unsupported(f"the cmdlet {name} of module {module} is not simulated")
        error.record.target = name
        return error
    if name.lower().removesuffix(".exe") in _PROGRAMS or "\\" in name or "/" in name:
        return unsupported(f"the program {name}")
    return runtime_error(
        f"The term '{name}' is not recognized as the name of a cmdlet, function, script file, or "
        "operable program. Check the spelling of the name, or if a path was included, verify that "
        "the path is correct and try again.",
        "CommandNotFoundException",
        category="ObjectNotFound",
        target=name,
        exception_type="System.Management.Automation.CommandNotFoundException",
    )


_PROGRAMS = frozenset(
    words(
        """
    cmd hostname ipconfig netsh ping powershell pwsh reg robocopy sc schtasks shutdown tasklist
    taskkill whoami wmic dnscmd nslookup net cscript certutil bcdedit diskpart
    """
    )
)
