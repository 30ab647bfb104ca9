"""Instructions of gates with facts of the run in them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from secondsite.plan.instructions import NOT_KNOWN, fill_in, mentions

FACTS = {
    "started_by": "mona@dr-engine-1",
    "started_at": datetime(2026, 11, 20, 13, 40, 5, tzinfo=UTC),
    "minutes_lost": 4,
    "recovery_point": None,
    "vms": {"sql01": {"addresses": ("10.2.0.21", "2001:db8:2::21"), "host": "hv-osaka-1"}},
}


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("{{ vms.sql01.addresses }}", "10.2.0.21, 2001:db8:2::21"),
        ("{{ vms['sql01'].host }}", "hv-osaka-1"),
        ("{{ minutes_lost }} min", "4 min"),
        ("since {{ started_at }}", "since 2026-11-20 13:40 UTC"),
        ("{{ recovery_point }}", NOT_KNOWN),
        (
            "{% for each in vms.values() %}{{ each.host }}{% endfor %}",
            "hv-osaka-1",
        ),
        ("Nothing to fill in.\n", "Nothing to fill in.\n"),
    ],
)
def test_facts_stand_where_they_are_named(text: str, filled: str) -> None:
    assert fill_in(text, FACTS) == filled


def test_what_somebody_typed_into_a_form_is_text_and_no_markup() -> None:
    facts = {"started_by": "x\n# Approved [here](http://evil.example) <script>"}

    shown = fill_in("{{ started_by }}", facts)

    assert shown == r"x \# Approved \[here\](http://evil.example) \<script\>"


@pytest.mark.parametrize(
    "text",
    ["{{ nobody }}", "{{ vms.sql01.nothing }}", "{{ ''.__class__.__mro__ }}", "{{ vms.clear() }}"],
)
def test_what_is_no_fact_is_refused_and_so_is_whatever_reaches_further(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        fill_in(text, FACTS)


def test_very_long_instructions_are_cut_off() -> None:
    assert len(fill_in("{% for _ in range(30000) %}x{% endfor %}", FACTS)) < 21_000


def test_every_fact_that_is_named_is_found_with_its_line() -> None:
    text = "{{ vms.sql01.host }}\n{% for vm in vms.values() %}{{ vm.host }}{% endfor %}\n{{ plan }}"

    assert [(each.parts, each.line) for each in mentions(text)] == [
        (("vms", "sql01", "host"), 1),
        (("vms", "values"), 2),
        (("plan",), 3),
    ]
