"""What `secondsite runs` does to whole runs: export them, take exports in, remove old ones."""

from __future__ import annotations

import argparse
import gzip
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, cast

from secondsite.errors import UsageError

if TYPE_CHECKING:
    from datetime import timedelta

    from secondsite.run.journal import Journal

__all__ = ["export_runs", "import_runs", "prune_runs"]

_EVERY_RUN = 1_000_000


def export_runs(journal: Journal, arguments: argparse.Namespace) -> int:
    """Write runs with all of their events into one file."""
    from secondsite.cli.which_run import find_run
    from secondsite.reports.phrasing import count_of
    from secondsite.run.archive import write_archive

    if not arguments.to:
        raise UsageError(
            "`runs export` needs a file to write.", next_step="Name one: --to journal.jsonl.gz"
        )
    if arguments.run:
        wanted = [find_run(journal, arguments.run)]
    else:
        known = journal.runs(plan=arguments.plan, limit=_EVERY_RUN)
        wanted = [each.run_id for each in reversed(known)]
    # Written beside and put in place when whole: an export that was broken off is none.
    target = Path(arguments.to).expanduser()
    beside = target.with_name(f".{target.name}.part")
    try:
        with _opened(beside, "wt", like=target) as file:
            for line in write_archive(journal.export(wanted)):
                file.write(f"{line}\n")
        beside.replace(target)
    except OSError as error:
        raise UsageError(
            f"The export cannot be written to {target}: {error.strerror}.",
            next_step="Name a file in a folder that you may write to.",
        ) from error
    finally:
        beside.unlink(missing_ok=True)
    if arguments.json:
        print(json.dumps({"file": str(target), "runs": wanted}, indent=2))
    else:
        print(f"Written: {target}, {count_of(len(wanted), 'run')}, each with its verified chain.")
    return 0


def import_runs(journal: Journal, arguments: argparse.Namespace) -> int:
    """Take the runs of an export into this journal."""
    from secondsite.reports.phrasing import count_of
    from secondsite.run.archive import read_archive

    if not arguments.run:
        raise UsageError(
            "`runs import` needs the file of an export.",
            next_step="Write one with: secondsite runs export --to FILE",
        )
    source = Path(arguments.run).expanduser()
    try:
        with _opened(source, "rt", like=source) as file:
            taken = journal.take_in(read_archive(file))
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{source} cannot be read: {getattr(error, 'strerror', None) or error}.",
            next_step="Name a file that `secondsite runs export` has written.",
        ) from error
    new = [run_id for run_id, is_new in taken.items() if is_new]
    if arguments.json:
        known = [run_id for run_id, is_new in taken.items() if not is_new]
        print(json.dumps({"taken_in": new, "known_already": known}, indent=2))
    else:
        print(
            f"{count_of(len(new), 'run')} taken in, {len(taken) - len(new)} known already; "
            "every chain was verified."
        )
    return 0


def prune_runs(journal: Journal, arguments: argparse.Namespace) -> int:
    """Remove runs that are older than the estate's retention; first shows which."""
    from secondsite.cli.start import requested_by
    from secondsite.home import plans_folder
    from secondsite.plan.loader import load_estate
    from secondsite.reports.phrasing import count_of, say_moment
    from secondsite.run.retention import refuse_too_young, removable

    retention = load_estate(plans_folder()).retention
    older_than = _age(arguments.older_than) if arguments.older_than else retention
    refuse_too_young(older_than=older_than, retention=retention)
    runs = journal.runs(limit=_EVERY_RUN)
    old = removable(runs, now=datetime.now(UTC), older_than=older_than)
    if arguments.yes:
        journal.remove([run.run_id for run in old], by=requested_by())
    if arguments.json:
        names = [run.run_id for run in old]
        print(json.dumps({"removed" if arguments.yes else "removable": names}, indent=2))
        return 0
    for run in old:
        ended = run.ended_at.isoformat() if run.ended_at else None
        print(f"{run.run_id}  {run.operation}, ended {say_moment(ended)}")
    if arguments.yes:
        print(f"Removed: {count_of(len(old), 'run')} of {len(runs)}.")
    elif old:
        print(
            f"{count_of(len(old), 'run')} of {len(runs)} may be removed; nothing was. Export "
            "them first (secondsite runs export --to FILE), then add --yes."
        )
    else:
        print("No run is old enough to be removed, or each is still needed.")
    return 0


def _age(text: str) -> timedelta:
    from secondsite.plan.quantities import parse_duration

    try:
        return parse_duration(text)
    except ValueError as error:
        raise UsageError(f"--older-than: {error}.", next_step="Write 800d, for example.") from error


@contextmanager
def _opened(path: Path, mode: str, *, like: Path) -> Iterator[TextIO]:
    """The file, packed if the name of `like` ends in .gz; only this account may read a new one."""
    if mode == "wt":
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600))
    opener = gzip.open if like.suffix == ".gz" else open
    with cast("TextIO", opener(path, mode, encoding="utf-8")) as file:
        yield file
