"""ForEach-Object, Where-Object, Select-Object, Select-String, Get-Unique, Tee-Object."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from secondsite.lab.powershell.conversion import as_array, to_bool, to_number
from secondsite.lab.powershell.evaluate_expressions import binary
from secondsite.lab.powershell.failures import PipelineStop, runtime_error, unsupported
from secondsite.lab.powershell.generic.properties import (
    PropertySpec,
    property_specs,
    value_of,
)
from secondsite.lab.powershell.members import call_method, is_missing, read_member, read_or_missing
from secondsite.lab.powershell.operators import equals, order
from secondsite.lab.powershell.patterns import regex
from secondsite.lab.powershell.pipeline import emit_value
from secondsite.lab.powershell.registry import CmdletCall, CmdletRegistry, PipelineCmdlet
from secondsite.lab.powershell.text_form import to_text
from secondsite.lab.powershell.values import (
    CUSTOM_OBJECT,
    NOTHING,
    PsObject,
    ScriptBlock,
    ps_object,
)
from secondsite.lab.powershell.wording import words

CHOOSING: Final = CmdletRegistry()
_CORE: Final = "Microsoft.PowerShell.Core"
_UTILITY: Final = "Microsoft.PowerShell.Utility"


@CHOOSING.pipeline_cmdlet("ForEach-Object", module=_CORE, generic=True)
class ForEachObject(PipelineCmdlet):
    """Runs script blocks, or reads a member, for each object."""

    def begin(self, call: CmdletCall) -> None:
        """Sort out which block is which: two or more positional ones are begin, process, ..."""
        blocks = [each for each in as_array(call.get("Process")) if isinstance(each, ScriptBlock)]
        blocks += [
            each for each in as_array(call.get("RemainingScripts")) if isinstance(each, ScriptBlock)
        ]
        begin = call.get("Begin")
        last = call.get("End")
        if begin is None and len(blocks) > 1:
            begin = blocks.pop(0)
        if last is None and len(blocks) > 1 and call.get("Begin") is None:
            last = blocks.pop()
        self._blocks = blocks
        self._last = last
        if isinstance(begin, ScriptBlock):
            call.runspace.invoke_into(begin, call.emit)

    def process(self, call: CmdletCall) -> None:
        """Run the process blocks with `$_`, or take the member."""
        item = call.get("InputObject")
        for block in self._blocks:
            call.runspace.invoke_into(block, call.emit, underscore=item)
        name = call.get("MemberName")
        if name is not None:
            self._take_member(call, item, to_text(name))

    def _take_member(self, call: CmdletCall, item: object, name: str) -> None:
        arguments = call.get("ArgumentList")
        found = read_or_missing(item, name)
        if arguments is None and not is_missing(found):
            emit_value(found, call.emit)
            return
        if arguments is None and isinstance(item, PsObject) and name not in item.methods:
            emit_value(read_member(item, name, call.runspace), call.emit)
            return
        result = call_method(item, name, as_array(arguments), call.runspace)
        emit_value(NOTHING if result is None else result, call.emit)

    def end(self, call: CmdletCall) -> None:
        """Run the end block."""
        if isinstance(self._last, ScriptBlock):
            call.runspace.invoke_into(self._last, call.emit)


_TESTS: Final = words(
    """
    EQ NE GT GE LT LE Like NotLike Match NotMatch Contains NotContains In NotIn Is IsNot CEQ CNE
    CGT CGE CLT CLE CLike CNotLike CMatch CNotMatch CContains CNotContains CIn CNotIn
    """
)


@CHOOSING.cmdlet("Where-Object", module=_CORE, generic=True)
def where_object(call: CmdletCall) -> Iterator[object]:
    """Lets an object through if the block, or the comparison of a property, holds."""
    item = call.get("InputObject")
    block = call.get("FilterScript")
    runspace = call.runspace
    if isinstance(block, ScriptBlock):
        if runspace.is_true(runspace.collapse(runspace.invoke(block, underscore=item))):
            yield item
        return
    left = read_member(item, to_text(call.get("Property")), runspace)
    test = next((each for each in _TESTS if call.switch(each)), None)
    if test is None:
        holds = to_bool(left)
    else:
        right = call.get("Value")
        holds = to_bool(binary(f"-{test.lower()}", left, right, runspace))
    if holds:
        yield item


@CHOOSING.pipeline_cmdlet("Select-Object", module=_UTILITY, generic=True)
class SelectObject(PipelineCmdlet):
    """Takes some objects, and some of their properties."""

    def begin(self, call: CmdletCall) -> None:
        """Read what is wanted."""
        self._specs = property_specs(as_array(call.get("Property")))
        self._excluded = property_specs(as_array(call.get("ExcludeProperty")))
        self._seen = 0
        self._given = 0
        self._tail: list[object] = []
        self._unique: list[object] = []

    def process(self, call: CmdletCall) -> Iterable[object]:
        """One object; stops the pipeline once -First has its number."""
        if not call.has_input and "InputObject" not in call.parameters:
            return
        item = call.get("InputObject")
        place = self._seen
        self._seen += 1
        if "Index" in call.parameters:
            if place in {int(to_number(each)) for each in as_array(call.get("Index"))}:
                yield from self._shape(call, item)
            return
        if "Last" in call.parameters or "SkipLast" in call.parameters:
            self._tail.append(item)
            return
        if place < int(to_number(call.get("Skip", 0))):
            return
        first = call.get("First")
        if first is not None and self._given >= int(to_number(first)):
            raise PipelineStop(call.owner)
        self._given += 1
        yield from self._shape(call, item)
        if first is not None and self._given >= int(to_number(first)) and not call.switch("Wait"):
            raise PipelineStop(call.owner)

    def end(self, call: CmdletCall) -> Iterable[object]:
        """The last ones, or all but the last."""
        if "Last" in call.parameters:
            count = int(to_number(call.get("Last")))
            kept = self._tail[: len(self._tail) - int(to_number(call.get("Skip", 0)))]
            for each in kept[len(kept) - count if count < len(kept) else 0 :] if count else []:
                yield from self._shape(call, each)
        elif "SkipLast" in call.parameters:
            count = int(to_number(call.get("SkipLast")))
            for each in self._tail[: max(len(self._tail) - count, 0)]:
                yield from self._shape(call, each)

    def _shape(self, call: CmdletCall, item: object) -> Iterator[object]:
        shaped: list[object] = []
        expand = call.get("ExpandProperty")
        if expand is not None:
            self._expand(call, item, to_text(expand), shaped)
        elif self._specs or self._excluded:
            shaped.append(self._project(call, item))
        else:
            shaped.append(item)
        for each in shaped:
            if call.switch("Unique"):
                if any(_same(each, other) for other in self._unique):
                    continue
                self._unique.append(each)
            yield each

    def _expand(self, call: CmdletCall, item: object, name: str, shaped: list[object]) -> None:
        found = read_or_missing(item, name)
        if is_missing(found):
            raise_missing = runtime_error(
                f'Property "{name}" cannot be found.',
                "ExpandPropertyNotFound,Microsoft.PowerShell.Commands.SelectObjectCommand",
                category="InvalidArgument",
                target=item,
                exception_type="System.Management.Automation.PSArgumentException",
            )
            call.write_error(raise_missing.record)
            return
        if self._specs:
            raise unsupported("Select-Object -ExpandProperty together with -Property")
        emit_value(found, shaped.append)

    def _project(self, call: CmdletCall, item: object) -> PsObject:
        properties: dict[str, object] = {}
        specs = self._specs or [PropertySpec("*", None)]
        for spec in specs:
            for name in spec.names(item):
                if any(other.matches(name) for other in self._excluded):
                    continue
                properties.setdefault(name, value_of(spec, name, item, call.runspace))
        own = item.type_name if isinstance(item, PsObject) and not item.is_custom else CUSTOM_OBJECT
        names = (CUSTOM_OBJECT,) if own == CUSTOM_OBJECT else (f"Selected.{own}", CUSTOM_OBJECT)
        return PsObject(names, properties)


def _same(one: object, other: object) -> bool:
    if isinstance(one, PsObject) and isinstance(other, PsObject):
        return list(one.properties) == list(other.properties) and all(
            equals(value, other.get(name), case=True) for name, value in one.properties.items()
        )
    return equals(one, other, case=True)


@CHOOSING.pipeline_cmdlet("Get-Unique", module=_UTILITY, generic=True)
class GetUnique(PipelineCmdlet):
    """Drops an object that equals the one before it."""

    def begin(self, call: CmdletCall) -> None:
        """Nothing was seen yet."""
        del call
        self._before: object = NOTHING

    def process(self, call: CmdletCall) -> Iterable[object]:
        """Compare with the one before, case included."""
        item = call.get("InputObject")
        if self._before is NOTHING or order(to_text(self._before), to_text(item), case=True):
            yield item
        self._before = item


@CHOOSING.cmdlet("Select-String", module=_UTILITY, generic=True)
def select_string(call: CmdletCall) -> Iterator[object]:
    """Lets text through that matches; files are not read."""
    if "InputObject" not in call.parameters:
        raise unsupported("Select-String on files")
    text = to_text(call.get("InputObject"))
    case = call.switch("CaseSensitive")
    for each in as_array(call.get("Pattern")):
        pattern = to_text(each)
        expression = regex(_literal(pattern) if call.switch("SimpleMatch") else pattern, case=case)
        found = expression.search(text)
        if (found is not None) != call.switch("NotMatch"):
            yield (
                found is not None
                if call.switch("Quiet")
                else ps_object(
                    "Microsoft.PowerShell.Commands.MatchInfo", Line=text, Pattern=pattern, text=text
                )
            )
            return


def _literal(text: str) -> str:
    return "".join(
        f"\\{char}" if not char.isalnum() and not char.isspace() else char for char in text
    )


@CHOOSING.pipeline_cmdlet("Tee-Object", module=_UTILITY, generic=True)
class TeeObject(PipelineCmdlet):
    """Passes objects on and keeps them in a variable."""

    def begin(self, call: CmdletCall) -> None:
        """Only -Variable is known."""
        if "Variable" not in call.parameters:
            raise unsupported("Tee-Object to a file")
        self._kept: list[object] = []

    def process(self, call: CmdletCall) -> Iterable[object]:
        """Keep and pass on."""
        self._kept.append(call.get("InputObject"))
        yield call.get("InputObject")

    def end(self, call: CmdletCall) -> None:
        """Set the variable."""
        name = to_text(call.get("Variable")).lower()
        call.runspace.scope.set(name, call.runspace.collapse(self._kept))
