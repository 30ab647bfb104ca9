"""Static members of DateTime and TimeSpan."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from secondsite.lab.powershell.conversion import to_number
from secondsite.lab.powershell.failures import unsupported
from secondsite.lab.powershell.method_call import MethodFailure, expect_count, text, whole
from secondsite.lab.powershell.moments import parse_date, plain, to_local, to_utc
from secondsite.lab.powershell.text_form import to_text

Static = Callable[[list[object], Any], object]
_DATE: Final = "System.DateTime"
_SPAN: Final = "System.TimeSpan"


def _parse(arguments: list[object], runspace: Any) -> object:
    expect_count("Parse", arguments, 1, 2, 3)
    styles = to_text(arguments[2]).lower() if len(arguments) == 3 else "none"
    given = text(arguments, 0)
    if styles == "roundtripkind":
        return parse_date(given, runspace.zone, keep_zone=True)
    moment = parse_date(given, runspace.zone)
    if styles == "none":
        return moment
    options = {each.strip() for each in styles.split(",")}
    if options <= {"adjusttouniversal", "assumeuniversal"}:
        if moment.tzinfo is None and "assumeuniversal" in options:
            moment = moment.replace(tzinfo=UTC)
            return moment if "adjusttouniversal" in options else to_local(moment, runspace.zone)
        return to_utc(moment, runspace.zone) if "adjusttouniversal" in options else moment
    raise unsupported(f"DateTime.Parse with the styles {styles}")


_EXACT_FIELDS: Final = {
    "yyyy": r"(?P<year>\d{4})",
    "MM": r"(?P<month>\d\d)",
    "dd": r"(?P<day>\d\d)",
    "HH": r"(?P<hour>\d\d)",
    "mm": r"(?P<minute>\d\d)",
    "ss": r"(?P<second>\d\d)",
}


def _parse_exact(arguments: list[object], runspace: Any) -> object:
    pattern = text(arguments, 1)
    if pattern in {"o", "O"}:
        return parse_date(text(arguments, 0), runspace.zone, keep_zone=len(arguments) > 3)
    parts = re.findall(r"yyyy|MM|dd|HH|mm|ss|'[^']*'|.", pattern)
    if any(each.isalpha() and each not in _EXACT_FIELDS and each != "T" for each in parts):
        raise unsupported(f"DateTime.ParseExact with the format {pattern}")
    expression = "".join(_EXACT_FIELDS.get(each) or re.escape(each.strip("'")) for each in parts)
    match = re.fullmatch(expression, text(arguments, 0))
    if not match:
        raise MethodFailure(
            "System.FormatException", "String was not recognized as a valid DateTime."
        )
    found = {name: int(value) for name, value in match.groupdict().items()}
    return datetime(  # noqa: DTZ001 - of unspecified kind
        found.get("year", 1),
        found.get("month", 1),
        found.get("day", 1),
        found.get("hour", 0),
        found.get("minute", 0),
        found.get("second", 0),
    )


def _specify_kind(arguments: list[object], runspace: Any) -> object:
    moment = arguments[0]
    if not isinstance(moment, datetime):
        raise unsupported("DateTime.SpecifyKind of anything but a date")
    kind = to_text(arguments[1]).lower()
    zone = {"utc": UTC, "local": runspace.zone, "unspecified": None}.get(kind)
    return plain(moment).replace(tzinfo=zone)


def _from(unit: timedelta) -> Static:
    def call(arguments: list[object], _: object) -> object:
        # .NET Framework rounds to whole milliseconds.
        millis = float(to_number(arguments[0])) * (unit / timedelta(milliseconds=1))
        return timedelta(milliseconds=round(millis))

    return call


def _from_ticks(arguments: list[object], _: object) -> object:
    return timedelta(microseconds=whole(arguments, 0) // 10)


def _now(runspace: Any) -> datetime:
    moment: datetime = runspace.local_now()
    return moment


TIME_STATICS: Final[Mapping[tuple[str, str], Static]] = {
    (_DATE, "parse"): _parse,
    (_DATE, "parseexact"): _parse_exact,
    (_DATE, "specifykind"): _specify_kind,
    (_SPAN, "fromdays"): _from(timedelta(days=1)),
    (_SPAN, "fromhours"): _from(timedelta(hours=1)),
    (_SPAN, "fromminutes"): _from(timedelta(minutes=1)),
    (_SPAN, "fromseconds"): _from(timedelta(seconds=1)),
    (_SPAN, "frommilliseconds"): _from(timedelta(milliseconds=1)),
    (_SPAN, "fromticks"): _from_ticks,
}
TIME_FIELDS: Final[Mapping[tuple[str, str], Callable[[Any], object]]] = {
    (_DATE, "utcnow"): lambda runspace: plain(runspace.clock.now()).astimezone(UTC),
    (_DATE, "now"): _now,
    (_DATE, "today"): lambda runspace: _now(runspace).replace(
        hour=0, minute=0, second=0, microsecond=0
    ),
    (_DATE, "minvalue"): lambda _: datetime(1, 1, 1),  # noqa: DTZ001
    (_DATE, "maxvalue"): lambda _: datetime(9999, 12, 31, 23, 59, 59, 999999),  # noqa: DTZ001
    (_SPAN, "zero"): lambda _: timedelta(),
    (_SPAN, "maxvalue"): lambda _: timedelta(days=10675199),
}
