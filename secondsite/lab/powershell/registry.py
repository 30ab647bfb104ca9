"""Simulated cmdlets: how they are registered, and what one receives when it is called.

A family of cmdlets is one `CmdletRegistry`; the lab puts the families of a computer together
with `include`. A cmdlet is a function of a `CmdletCall` that gives (or yields) its output::

    HYPER_V = CmdletRegistry()

    @HYPER_V.cmdlet("Start-VM", module="Hyper-V")
    def start_vm(call: CmdletCall) -> Iterator[object]:
        ...

The function is called once per input object with that object bound; without pipeline input,
once. Parameters were checked against Microsoft's documentation (`secondsite.lab.powershell.facts`)
and converted before; -WhatIf and -Confirm were dealt with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from secondsite.lab.powershell.facts import CmdletFacts, known_facts
from secondsite.lab.powershell.values import ErrorRecord

if TYPE_CHECKING:
    from secondsite.lab.powershell.runspace import Runspace


class CmdletError(Exception):
    """Raised by a cmdlet for an error that ends it (ThrowTerminatingError)."""

    def __init__(self, record: ErrorRecord) -> None:
        self.record = record
        super().__init__(record.message)


@dataclass(slots=True, eq=False)
class CmdletCall:
    """What a simulated cmdlet receives.

    Attributes:
        name: Canonical name, `Start-VM`.
        parameters: By canonical name, converted; a switch is True or False; absent if not given.
        parameter_set: Name of the set that Windows would choose.
        host: The simulated Windows computer, as given to the `Runspace`.
        runspace: Where the cmdlet runs.
        has_input: Whether the cmdlet is fed by a pipeline.
        emit: Gives output at once, for a cmdlet that runs script blocks.
        owner: What a `PipelineStop` of this cmdlet names.
    """

    name: str
    parameters: Mapping[str, object]
    parameter_set: str
    host: object
    runspace: Runspace
    has_input: bool
    emit: Callable[[object], None]
    owner: object

    def get(self, name: str, default: object = None) -> object:
        """Value of a parameter, `default` if it was not given."""
        return self.parameters.get(name, default)

    def switch(self, name: str) -> bool:
        """Whether a switch was given and is not `:$false`."""
        return bool(self.parameters.get(name, False))

    def write_error(self, record: ErrorRecord) -> None:
        """Report an error and go on; -ErrorAction Stop makes it end the script here."""
        self.runspace.report_error(record, activity=self.name)

    def write_warning(self, text: str) -> None:
        """Warn."""
        self.runspace.write_stream("warning", text)

    def write_verbose(self, text: str) -> None:
        """Tell what is done, where -Verbose asks for it."""
        self.runspace.write_stream("verbose", text)


CmdletFunction = Callable[[CmdletCall], Iterable[object] | None]


class PipelineCmdlet:
    """A cmdlet that must see its input as a whole; for each pipeline a new one is made.

    `call.parameters` of `begin` and `end` hold what was given on the command line.
    """

    def begin(self, call: CmdletCall) -> Iterable[object] | None:
        """Before the first input object."""

    def process(self, call: CmdletCall) -> Iterable[object] | None:
        """For each input object, or once when there is no pipeline input."""

    def end(self, call: CmdletCall) -> Iterable[object] | None:
        """After the last input object."""


class _PerObject(PipelineCmdlet):
    """Adapts a plain function."""

    def __init__(self, function: CmdletFunction) -> None:
        self.function = function

    def process(self, call: CmdletCall) -> Iterable[object] | None:
        """Call the function."""
        return self.function(call)


@dataclass(frozen=True, slots=True)
class Registration:
    """One simulated cmdlet.

    Attributes:
        name: Canonical name.
        module: Windows module that holds it.
        facts: What its documentation says of its parameters.
        make: Makes the cmdlet for one pipeline.
        confirms: ConfirmImpact is High: it asks, unless -Confirm:$false.
        class_name: .NET class, the tail of its error ids.
        generic: Belongs to PowerShell itself rather than to the simulated world.
    """

    name: str
    module: str
    facts: CmdletFacts
    make: Callable[[], PipelineCmdlet]
    confirms: bool
    class_name: str
    generic: bool


def class_name_of(module: str, name: str) -> str:
    """The tail of a cmdlet's error ids: its .NET class, or its name where it is a function."""
    joined = name.replace("-", "")
    if module.startswith("Microsoft.PowerShell."):
        return f"Microsoft.PowerShell.Commands.{joined}Command"
    if module == "Hyper-V":
        return f"Microsoft.HyperV.PowerShell.Commands.{joined}"
    if module == "VirtualMachineManager":
        return f"Microsoft.SystemCenter.VirtualMachineManager.Cmdlets.{joined}Cmdlet"
    return name


class CmdletRegistry:
    """Cmdlets by name."""

    def __init__(self) -> None:
        self._by_name: dict[str, Registration] = {}

    def cmdlet(
        self,
        name: str,
        *,
        module: str,
        confirms: bool = False,
        class_name: str = "",
        facts: CmdletFacts | None = None,
        generic: bool = False,
    ) -> Callable[[CmdletFunction], CmdletFunction]:
        """Register a function.

        Args:
            name: `Start-VM`.
            module: `Hyper-V`.
            confirms: It asks for confirmation unless told `-Confirm:$false`.
            class_name: .NET class name, for error ids; guessed from module and name if empty.
            facts: Parameters, where Microsoft's documentation at hand does not have the cmdlet.
            generic: It belongs to PowerShell itself: no request log, no faults.

        Raises:
            LookupError: the documentation has no such cmdlet in that module.
        """

        def register(function: CmdletFunction) -> CmdletFunction:
            self._add(
                name,
                module,
                make=lambda: _PerObject(function),
                confirms=confirms,
                class_name=class_name,
                facts=facts,
                generic=generic,
            )
            return function

        return register

    def pipeline_cmdlet(
        self,
        name: str,
        *,
        module: str,
        confirms: bool = False,
        class_name: str = "",
        facts: CmdletFacts | None = None,
        generic: bool = False,
    ) -> Callable[[type[PipelineCmdlet]], type[PipelineCmdlet]]:
        """Register a class that sees begin, each object, and end. Arguments as of `cmdlet`."""

        def register(made: type[PipelineCmdlet]) -> type[PipelineCmdlet]:
            self._add(
                name,
                module,
                make=made,
                confirms=confirms,
                class_name=class_name,
                facts=facts,
                generic=generic,
            )
            return made

        return register

    def _add(
        self,
        name: str,
        module: str,
        *,
        make: Callable[[], PipelineCmdlet],
        confirms: bool,
        class_name: str,
        facts: CmdletFacts | None,
        generic: bool,
    ) -> None:
        facts = facts or known_facts().cmdlet(module, name)
        if name.lower() in self._by_name:
            raise ValueError(f"{name} is registered twice")
        self._by_name[name.lower()] = Registration(
            name, module, facts, make, confirms, class_name or class_name_of(module, name), generic
        )

    def include(self, other: CmdletRegistry) -> None:
        """Take over the cmdlets of another registry.

        Raises:
            ValueError: both have a cmdlet of the same name.
        """
        for key, registration in other._by_name.items():
            if key in self._by_name:
                raise ValueError(f"{registration.name} is registered twice")
            self._by_name[key] = registration

    def find(self, name: str) -> Registration | None:
        """The cmdlet of that name, whatever its case."""
        return self._by_name.get(name.lower())

    def modules(self) -> frozenset[str]:
        """Modules that at least one registered cmdlet belongs to."""
        return frozenset(registration.module for registration in self)

    def __iter__(self) -> Iterator[Registration]:
        return iter(self._by_name.values())

    def __len__(self) -> int:
        return len(self._by_name)
