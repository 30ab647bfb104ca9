"""Dates of a simulated computer: kinds, its time zone, parsing.

A .NET date carries its kind (UTC, local, unspecified), not an offset. Comparison and subtraction
look at the clock face only, whatever the kinds: scripts that mix them are wrong on Windows, and
are wrong here.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from secondsite.lab.powershell.failures import ConversionFailure

EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - a clock face, not a moment
_YEAR_ONE: Final = datetime(1, 1, 1)  # noqa: DTZ001
_TICKS_PER_MICROSECOND: Final = 10


class LocalZone(tzinfo):
    """The time zone of the simulated computer; a date in it is of the local kind."""

    def __init__(self, zone: tzinfo) -> None:
        self.zone = zone

    def utcoffset(self, moment: datetime | None) -> timedelta:
        """Offset of the zone."""
        moment = moment.replace(tzinfo=self.zone) if moment else None
        return self.zone.utcoffset(moment) or timedelta()

    def dst(self, moment: datetime | None) -> timedelta:
        """Not told apart."""
        del moment
        return timedelta()

    def tzname(self, moment: datetime | None) -> str:
        """Local."""
        del moment
        return "Local"

    def fromutc(self, moment: datetime) -> datetime:
        """The same moment on this zone's clock."""
        return moment.replace(tzinfo=UTC).astimezone(self.zone).replace(tzinfo=self)


class ShownDate(datetime):
    """What Get-Date gives: a date with a DisplayHint, which ConvertTo-Json of 5.1 writes too."""

    @classmethod
    def of(cls, moment: datetime) -> ShownDate:
        """The same date, marked."""
        return cls.combine(moment.date(), moment.timetz())


def plain(moment: datetime) -> datetime:
    """The date without the mark of Get-Date."""
    return datetime.combine(moment.date(), moment.timetz())


def face(moment: datetime) -> datetime:
    """What the clock shows, without zone."""
    return datetime.combine(moment.date(), moment.time())


def kind_of(moment: datetime) -> str:
    """`Utc`, `Local` or `Unspecified`."""
    if moment.tzinfo is None:
        return "Unspecified"
    return "Utc" if moment.tzinfo is UTC else "Local"


def to_local(moment: datetime, zone: tzinfo) -> datetime:
    """ToLocalTime: an unspecified kind is taken for UTC."""
    if moment.tzinfo is not None and moment.tzinfo is not UTC:
        return plain(moment)
    return plain(moment).replace(tzinfo=UTC).astimezone(zone)


def to_utc(moment: datetime, zone: tzinfo) -> datetime:
    """ToUniversalTime: an unspecified kind is taken for local."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    return plain(moment).astimezone(UTC)


def ticks_of(moment: datetime) -> int:
    """100 ns units since year one, of the clock face."""
    return (face(moment) - _YEAR_ONE) // timedelta(microseconds=1) * _TICKS_PER_MICROSECOND


def from_ticks(ticks: int) -> datetime:
    """The unspecified date of that many ticks."""
    return _YEAR_ONE + timedelta(microseconds=ticks // _TICKS_PER_MICROSECOND)


def span_ticks(span: timedelta) -> int:
    """100 ns units of a time span."""
    return span // timedelta(microseconds=1) * _TICKS_PER_MICROSECOND


_ISO: Final = re.compile(
    r"(\d{4})-(\d\d?)-(\d\d?)(?:[T ](\d\d?):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?)?"
    r"\s*(Z|[+-]\d\d:?\d\d)?",
    re.IGNORECASE,
)
_INVARIANT: Final = re.compile(
    r"(\d\d?)/(\d\d?)/(\d{4})(?:\s+(\d\d?):(\d\d)(?::(\d\d))?\s*(AM|PM)?)?", re.IGNORECASE
)


def parse_date(text: str, zone: tzinfo, *, keep_zone: bool = False) -> datetime:
    """A date from text: ISO 8601, or month/day/year in the invariant culture.

    A text with `Z` or an offset becomes local, as .NET does by default; with `keep_zone`
    (DateTimeStyles.RoundtripKind) `Z` stays UTC.

    Raises:
        ConversionFailure: it is no date, or in a form that the lab does not read.
    """
    text = text.strip()
    try:
        match = _ISO.fullmatch(text)
        if match:
            return _iso_date(match, zone, keep_zone=keep_zone)
        match = _INVARIANT.fullmatch(text)
        if match:
            month, day, year, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
            if match[7]:
                hour = hour % 12 + (12 if match[7].upper() == "PM" else 0)
            return datetime(year, month, day, hour, minute, second)  # noqa: DTZ001
    except ValueError:
        pass
    raise ConversionFailure("String was not recognized as a valid DateTime.")


def _iso_date(match: re.Match[str], zone: tzinfo, *, keep_zone: bool) -> datetime:
    numbers = [int(part or 0) for part in match.groups()[:6]]
    micros = int((match[7] or "").ljust(6, "0")[:6])
    moment = datetime(*numbers, micros)  # type: ignore[arg-type,call-arg]  # noqa: DTZ001
    offset = (match[8] or "").upper()
    if not offset:
        return moment
    if offset == "Z":
        moment = moment.replace(tzinfo=UTC)
        return moment if keep_zone else moment.astimezone(zone)
    hours, minutes = int(offset[1:3]), int(offset[-2:])
    shift = timedelta(hours=hours, minutes=minutes) * (-1 if offset[0] == "-" else 1)
    return (moment - shift).replace(tzinfo=UTC).astimezone(zone)
