"""When something is to happen by itself: a cron expression in a time zone of the IANA database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError
from pydantic import AfterValidator, Field

from secondsite.plan.suggestions import did_you_mean
from secondsite.plan.written import Written

__all__ = ["Cron", "Schedule", "TimeZone", "occurrences", "shortest_pause"]

_FIELDS = 5
_SAMPLE = '"0 3 * * 6" (Saturdays at 03:00)'
_SOME_DAY = datetime(2026, 1, 1, tzinfo=UTC)


def _cron(text: str) -> str:
    words = text.split()
    if len(words) != _FIELDS:
        raise ValueError(
            f'"{text}" is no cron expression: write five fields, minute, hour, day, month and '
            f"weekday, like {_SAMPLE}"
        )
    if "W" in words[2].upper() or words[4].upper().endswith("L"):
        raise ValueError(
            f'"{text}" names last weekdays, which Prefect does not know: write L as the day for '
            "the last of the month, or 6#1 as the weekday for the first Saturday"
        )
    if "#" in words[4] and words[2] != "*":
        raise ValueError(
            f'"{text}" names a day and a certain weekday of the month, which Prefect does not put '
            "together: write * for one of them"
        )
    try:
        next(CronSim(" ".join(words), _SOME_DAY))
    except CronSimError as error:
        why = str(error)
        raise ValueError(
            f'"{text}" is no cron expression ({why[:1].lower()}{why[1:]}): write minute, hour, '
            f"day, month and weekday, like {_SAMPLE}"
        ) from None
    except StopIteration:
        raise ValueError(f'"{text}" names a day that never comes: write another one') from None
    return " ".join(words)


def _time_zone(text: str) -> str:
    known = available_timezones()
    if text not in known:
        meant = did_you_mean(text, known)
        hint = meant if "did you mean" in meant else ""
        raise ValueError(
            f'"{text}" is no time zone{hint}: write a name of the IANA database, like Asia/Tokyo '
            "or UTC"
        )
    return text


Cron = Annotated[str, AfterValidator(_cron), Field(examples=["0 3 * * 6"])]
TimeZone = Annotated[str, AfterValidator(_time_zone), Field(examples=["Asia/Tokyo"])]


class Schedule(Written):
    """When something happens by itself.

    Attributes:
        cron: Minute, hour, day, month and weekday: `0 3 * * 6` is Saturdays at 03:00.
        timezone: Time zone in which it is meant (IANA database); summer time is kept.
    """

    cron: Cron
    timezone: TimeZone = "UTC"


def occurrences(cron: str, timezone: str, *, after: datetime) -> Iterator[datetime]:
    """The times at which it happens, from the first behind `after` on, in aware UTC."""
    for at in CronSim(cron, after.astimezone(ZoneInfo(timezone))):
        yield at.astimezone(UTC)


def shortest_pause(cron: str, timezone: str, *, most: int = 60) -> timedelta:
    """The shortest time between two of the next `most` occurrences."""
    times = occurrences(cron, timezone, after=_SOME_DAY)
    found = [at for at, _ in zip(times, range(most), strict=False)]
    return min(later - earlier for earlier, later in pairwise(found))
