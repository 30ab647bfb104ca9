"""What -AsJob gives: a job that works on by itself, and can be looked at."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from secondsite.lab.powershell.registry import CmdletCall
from secondsite.lab.powershell.values import ErrorRecord, PsEnum, PsObject, ps_object

__all__ = ["failed_job", "running_job"]

_STATES: Final = {"NotStarted": 0, "Running": 1, "Completed": 2, "Failed": 3}


def _state(name: str) -> PsEnum:
    return PsEnum("System.Management.Automation.JobState", name, _STATES[name])


class _RunningJob(PsObject):
    """A job whose State changes while nobody does anything."""

    __slots__ = ("_call", "_ends_at")

    def __init__(self, call: CmdletCall, *, ends_at: datetime) -> None:
        super().__init__(
            ("Microsoft.HyperV.PowerShell.VMJob", "System.Management.Automation.Job"),
            {
                "Name": call.name,
                "Command": call.name,
                "State": _state("Running"),
                "Error": [],
                "JobStateInfo": _state_info("Running"),
            },
        )
        self._call = call
        self._ends_at = ends_at

    def get(self, name: str, default: object = None) -> object:
        """The property, as it is now."""
        if self._call.runspace.clock.now() >= self._ends_at and self.properties["State"] != _state(
            "Completed"
        ):
            self.set("State", _state("Completed"))
            self.set("JobStateInfo", _state_info("Completed"))
        return super().get(name, default)


def _state_info(state: str, reason: PsObject | None = None) -> PsObject:
    return ps_object(
        "System.Management.Automation.JobStateInfo", State=_state(state), Reason=reason
    )


def running_job(call: CmdletCall, *, seconds: float) -> PsObject:
    """A job that is done after `seconds`; the world carries its work out in any case."""
    ends_at = call.runspace.clock.now() + timedelta(seconds=seconds)
    return _RunningJob(call, ends_at=ends_at)


def failed_job(call: CmdletCall, record: ErrorRecord) -> PsObject:
    """A job that Hyper-V refused."""
    return ps_object(
        "Microsoft.HyperV.PowerShell.VMJob",
        bases=("System.Management.Automation.Job",),
        Name=call.name,
        Command=call.name,
        State=_state("Failed"),
        Error=[record],
        JobStateInfo=_state_info("Failed", _exception(record)),
    )


def _exception(record: ErrorRecord) -> PsObject:
    return ps_object(record.exception_type, bases=("System.Exception",), Message=record.message)
