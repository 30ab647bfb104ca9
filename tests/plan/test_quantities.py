from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secondsite.plan.quantities import (
    format_duration,
    parse_dns_name,
    parse_duration,
    parse_subnet,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30s", 30),
        ("10 m", 600),
        ("4h", 14400),
        ("2d", 172800),
        ("500ms", 0.5),
        ("1h30m", 5400),
        ("1h 30m", 5400),
        ("1.5h", 5400),
        ("0s", 0),
        ("90M", 5400),
        (timedelta(seconds=3), 3),
    ],
)
def test_a_duration_is_read_with_its_unit(text: object, seconds: float) -> None:
    assert parse_duration(text).total_seconds() == seconds


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        (45, "write 45s or 45m"),
        (1.5, "write 1.5s or 1.5m"),
        ("45", '"45" is not a duration: write 30s'),
        ("", "is not a duration"),
        ("ten minutes", "is not a duration"),
        ("10 minutes", "is not a duration"),
        ("-5m", "is not a duration"),
        ("5m and more", "is not a duration"),
        ("5y", "is not a duration"),
        ("99999d", "longer than ten years"),
        (True, "written like 30s"),
        (None, "written like 30s"),
        ([], "written like 30s"),
    ],
)
def test_what_is_not_a_duration_is_refused_with_what_to_write(text: object, advice: str) -> None:
    with pytest.raises(ValueError, match="duration") as refused:
        parse_duration(text)

    assert advice in str(refused.value)


@given(st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=3650)))
def test_a_duration_that_is_written_is_read_back_to_the_millisecond(duration: timedelta) -> None:
    back = parse_duration(format_duration(duration))

    assert abs(back - duration) <= timedelta(milliseconds=0.5)


def test_durations_are_written_with_the_largest_units_first() -> None:
    assert format_duration(timedelta(hours=1, minutes=30)) == "1h30m"
    assert format_duration(timedelta(0)) == "0s"
    assert format_duration(timedelta(milliseconds=1500)) == "1s500ms"


@pytest.mark.parametrize("text", ["10.2.0.0/24", "2001:db8:2::/64", "0.0.0.0/0"])
def test_a_subnet_is_read(text: str) -> None:
    assert str(parse_subnet(text)) == text


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("10.2.0.5/24", "write 10.2.0.0/24 for the subnet"),
        ("10.2.0.0", "has no prefix length"),
        ("10.2.0/24", "is not a subnet"),
        ("corp", "is not a subnet"),
        (10, "not a subnet"),
    ],
)
def test_what_is_not_a_subnet_is_refused_with_what_to_write(text: object, advice: str) -> None:
    with pytest.raises(ValueError, match=r"subnet|prefix") as refused:
        parse_subnet(text)

    assert advice in str(refused.value)


def test_dns_names_lose_case_and_final_dot() -> None:
    assert parse_dns_name("SQL.Corp.Example.") == "sql.corp.example"


@pytest.mark.parametrize("text", ["", ".", "a..b", "-a.b", "a-.b", "a b.c", "x" * 64 + ".c", "a/b"])
def test_what_is_not_a_dns_name_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a DNS name"):
        parse_dns_name(text)
