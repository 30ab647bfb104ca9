"""What the crash campaign tells: every operation and kind, and what came before it."""

from __future__ import annotations

from dataclasses import dataclass

from tests.campaign.plans import HOOKS
from tests.campaign.world import Case

__all__ = ["STORIES", "Story"]

_GONE = {"primary_side": "skip", "other_site_is_gone": "the campaign says so"}
_TEST = Case(operation="test")
_MADE = Case(operation="test", options={"network": "created"})
_CLEANUP = Case(operation="cleanup")
_PLANNED = Case(operation="planned")
_PREPARED = Case(operation="planned", stops="intent:failover")
_ATTEMPT = Case(operation="unplanned")
_SHUT_DOWN = Case(operation="unplanned", stops="intent:failover")
_SKIP = Case(operation="unplanned", options=_GONE)
_COMMIT = Case(operation="commit")
_UNDO = Case(operation="undo")
_CANCEL = Case(operation="cancel")


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """An operation, and what came before it.

    Attributes:
        case: The operation whose engine is killed.
        before: What was carried out before.
        then: What takes the killed run over; None: it is resumed.
        of: What tells it from another story of the same operation.
    """

    case: Case
    before: tuple[Case, ...] = ()
    then: Case | None = None
    of: str = ""

    @property
    def name(self) -> str:
        """For people."""
        name = f"{self.case.name} {self.of}".rstrip()
        return f"{name}, then {self.then.name}" if self.then else name


STORIES = (
    Story(case=_TEST),
    Story(case=_CLEANUP, before=(_TEST,)),
    Story(case=_PLANNED),
    Story(case=Case(operation="planned", direction="back"), before=(_PLANNED,)),
    Story(case=Case(operation="planned", plan=HOOKS, gates=1)),
    Story(case=_ATTEMPT),
    Story(case=_SKIP),
    Story(case=Case(operation="unplanned", direction="back"), before=(_PLANNED,)),
    Story(case=Case(operation="unplanned", direction="back", options=_GONE), before=(_PLANNED,)),
    Story(case=_UNDO, before=(_ATTEMPT,)),
    Story(case=_COMMIT, before=(_ATTEMPT,)),
    Story(case=Case(operation="reverse"), before=(_ATTEMPT, _COMMIT)),
    Story(case=_CANCEL, before=(_PREPARED,)),
    Story(case=_TEST, then=_CLEANUP),
    Story(case=_MADE),
    Story(case=_CLEANUP, before=(_MADE,), of="of networks of its own"),
    Story(case=_MADE, then=_CLEANUP),
    Story(case=_SKIP, then=_UNDO),
    Story(case=_PREPARED, then=_CANCEL),
    Story(case=_SHUT_DOWN, then=_CANCEL),
)
"""Each operation and kind, both ways; and what may take a run over that was killed."""
