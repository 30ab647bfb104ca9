"""What moves production is confirmed by typing the plan's name."""

from __future__ import annotations

from typing import Any

from prefect.client.schemas import State
from prefect.states import Failed

__all__ = ["refused"]


def refused(plan: str, confirm: str) -> State[Any] | None:
    """The state in which a flow run ends that was not confirmed; None if it was."""
    if confirm.strip() == plan:
        return None
    typed = f"{confirm!r} was typed" if confirm else "nothing was typed"
    return Failed(
        message=f"Not confirmed: {typed} instead of {plan!r}. Nothing was touched. Start it again, "
        "with the plan's name in the field `confirm`."
    )
