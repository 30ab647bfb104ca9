"""Properties and methods of dates and time spans."""

from __future__ import annotations

import calendar
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from secondsite.lab.powershell.conversion import to_number
from secondsite.lab.powershell.failures import unsupported
from secondsite.lab.powershell.method_call import MethodFailure
from secondsite.lab.powershell.moments import (
    face,
    kind_of,
    plain,
    span_ticks,
    ticks_of,
    to_local,
    to_utc,
)
from secondsite.lab.powershell.values import Int64, PsEnum

Reader = Callable[[Any], object]
Caller = Callable[[Any, list[object], Any], object]

_DAYS: Final = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
_KINDS: Final = {"Unspecified": 0, "Utc": 1, "Local": 2}
_MILLISECOND: Final = timedelta(milliseconds=1)


def long_date(value: datetime) -> str:
    """The DateTime property: long date and time as the culture en-US has them."""
    hour = value.hour % 12 or 12
    half = "AM" if value.hour < 12 else "PM"
    day = f"{value.strftime('%A, %B')} {value.day}, {value.year}"
    return f"{day} {hour}:{value.minute:02d}:{value.second:02d} {half}"


def _day_of_week(value: datetime) -> PsEnum:
    name = _DAYS[value.weekday()]
    return PsEnum("System.DayOfWeek", name, (value.weekday() + 1) % 7)


DATE_PROPERTIES: Final[Mapping[str, Reader]] = {
    "date": lambda value: plain(value).replace(hour=0, minute=0, second=0, microsecond=0),
    "day": lambda value: value.day,
    "dayofweek": _day_of_week,
    "dayofyear": lambda value: value.timetuple().tm_yday,
    "hour": lambda value: value.hour,
    "kind": lambda value: PsEnum("System.DateTimeKind", kind_of(value), _KINDS[kind_of(value)]),
    "millisecond": lambda value: value.microsecond // 1000,
    "minute": lambda value: value.minute,
    "month": lambda value: value.month,
    "second": lambda value: value.second,
    "ticks": lambda value: Int64(ticks_of(value)),
    "timeofday": lambda value: (
        face(value) - face(value).replace(hour=0, minute=0, second=0, microsecond=0)
    ),
    "year": lambda value: value.year,
    "datetime": long_date,
}


def _add(unit: timedelta) -> Caller:
    def call(value: datetime, arguments: list[object], _: object) -> object:
        amount = arguments[0]
        count = to_number(amount)
        # .NET Framework rounds what is added to whole milliseconds.
        millis = round(float(count) * (unit / _MILLISECOND))
        try:
            return plain(value) + timedelta(milliseconds=millis)
        except OverflowError:
            raise MethodFailure(
                "System.ArgumentOutOfRangeException",
                "The added or subtracted value results in an un-representable DateTime.",
            ) from None

    return call


def _add_months(value: datetime, arguments: list[object], _: object) -> object:
    return _months_later(value, round(to_number(arguments[0])))


def _add_years(value: datetime, arguments: list[object], _: object) -> object:
    return _months_later(value, 12 * round(to_number(arguments[0])))


def _months_later(value: datetime, months: int) -> datetime:
    year, month = divmod(value.year * 12 + value.month - 1 + months, 12)
    day = min(value.day, calendar.monthrange(year, month + 1)[1])
    return plain(value).replace(year=year, month=month + 1, day=day)


def _add_span(value: datetime, arguments: list[object], _: object) -> object:
    if not isinstance(arguments[0], timedelta):
        raise unsupported("DateTime.Add with anything but a TimeSpan")
    return plain(value) + arguments[0]


def _subtract(value: datetime, arguments: list[object], _: object) -> object:
    other = arguments[0]
    if isinstance(other, datetime):
        return face(value) - face(other)
    if isinstance(other, timedelta):
        return plain(value) - other
    raise unsupported("DateTime.Subtract with anything but a date or a TimeSpan")


DATE_METHODS: Final[Mapping[str, Caller]] = {
    "add": _add_span,
    "adddays": _add(timedelta(days=1)),
    "addhours": _add(timedelta(hours=1)),
    "addminutes": _add(timedelta(minutes=1)),
    "addseconds": _add(timedelta(seconds=1)),
    "addmilliseconds": _add(timedelta(milliseconds=1)),
    "addmonths": _add_months,
    "addyears": _add_years,
    "subtract": _subtract,
    "touniversaltime": lambda value, _arguments, runspace: to_utc(value, runspace.zone),
    "tolocaltime": lambda value, _arguments, runspace: to_local(value, runspace.zone),
    "toshortdatestring": lambda value, _arguments, _runspace: (
        f"{value.month}/{value.day}/{value.year}"
    ),
}


def _field(unit: timedelta, below: int) -> Reader:
    def read(span: timedelta) -> int:
        count = abs(span) // unit % below
        return -count if span < timedelta() else count

    return read


SPAN_PROPERTIES: Final[Mapping[str, Reader]] = {
    "ticks": lambda span: Int64(span_ticks(span)),
    "days": _field(timedelta(days=1), 10**9),
    "hours": _field(timedelta(hours=1), 24),
    "milliseconds": _field(_MILLISECOND, 1000),
    "minutes": _field(timedelta(minutes=1), 60),
    "seconds": _field(timedelta(seconds=1), 60),
    "totaldays": lambda span: span / timedelta(days=1),
    "totalhours": lambda span: span / timedelta(hours=1),
    "totalmilliseconds": lambda span: span / _MILLISECOND,
    "totalminutes": lambda span: span / timedelta(minutes=1),
    "totalseconds": lambda span: span.total_seconds(),
}


def _span_argument(name: str, arguments: list[object]) -> timedelta:
    if len(arguments) != 1 or not isinstance(arguments[0], timedelta):
        raise unsupported(f"TimeSpan.{name} with anything but a TimeSpan")
    return arguments[0]


SPAN_METHODS: Final[Mapping[str, Caller]] = {
    "add": lambda span, arguments, _runspace: span + _span_argument("Add", arguments),
    "subtract": lambda span, arguments, _runspace: span - _span_argument("Subtract", arguments),
    "negate": lambda span, _arguments, _runspace: -span,
    "duration": lambda span, _arguments, _runspace: abs(span),
}
