"""Which run an operator means: an id, the beginning or end of one, a plan's name, or `latest`."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from secondsite.errors import UsageError
from secondsite.run.journal import Journal, RunSummary
from secondsite.run.proof import CHECK

__all__ = ["find_run"]

_MOST_RUNS = 100_000
_LISTED = 8


def find_run(journal: Journal, wanted: str) -> str:
    """The id of the run that `wanted` names.

    Raises:
        UsageError: none, or several; the message names them.
    """
    runs = journal.runs(limit=_MOST_RUNS)
    if not runs:
        raise UsageError(
            "The journal has no runs yet"
            f"{'' if wanted == 'latest' else f', and none that is called {wanted!r}'}.",
            next_step="Start one: secondsite run PLAN --kind test (or see SECONDSITE_JOURNAL).",
        )
    if any(run.run_id == wanted for run in runs):
        return wanted
    # As in the list of runs: a check that looked at the plan since hides no failover.
    fitting = [run for run in runs if wanted in {"latest", run.plan}]
    if fitting:
        return next((run for run in fitting if run.operation != CHECK), fitting[0]).run_id
    return _only_one(wanted, runs)


def _only_one(wanted: str, runs: Sequence[RunSummary]) -> str:
    ids = [run.run_id for run in runs]
    for fitting in (
        [run_id for run_id in ids if run_id.startswith(wanted)],
        [run_id for run_id in ids if run_id.endswith(wanted)],
    ):
        if len(fitting) == 1:
            return fitting[0]
        if fitting:
            raise UsageError(
                f"{wanted!r} may be any of {len(fitting)} runs: {_listed(fitting)}.",
                next_step="Write more of it.",
            )
    near = difflib.get_close_matches(wanted, {*ids, *(run.plan for run in runs)}, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise UsageError(
        f"No run and no plan with runs is called {wanted!r}.{hint}",
        next_step="`secondsite runs` lists them.",
    )


def _listed(ids: Sequence[str]) -> str:
    more = ", …" if len(ids) > _LISTED else ""
    return ", ".join(ids[:_LISTED]) + more
