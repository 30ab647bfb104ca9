from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secondsite.reports.spans import Span, merged, subtract
from secondsite.reports.timescale import BREAK_FRACTION, make_scale

spans = st.lists(
    st.tuples(st.floats(0, 10_000), st.floats(0, 10_000)).map(lambda pair: (min(pair), max(pair))),
    max_size=8,
)


@given(spans, spans, st.lists(st.floats(0, 10_000), min_size=2, max_size=20))
def test_time_never_runs_backwards_on_the_axis(
    working: list[Span], waiting: list[Span], moments: list[float]
) -> None:
    end_s = max([1.0, *(end for _, end in working + waiting)])

    scale = make_scale(end_s=end_s, working=working, waiting=waiting)

    places = [scale.place(moment) for moment in sorted(moments)]
    assert all(0.0 <= place <= 1.0 + 1e-9 for place in places)
    assert all(first <= second + 1e-9 for first, second in itertools.pairwise(places))
    assert scale.place(0.0) == 0.0
    assert scale.place(end_s) == pytest.approx(1.0)


def test_a_run_without_gates_is_drawn_in_proportion() -> None:
    scale = make_scale(end_s=100.0, working=[(0.0, 100.0)], waiting=[])

    assert [scale.place(at_s) for at_s in (0, 25, 50, 100)] == [0.0, 0.25, 0.5, 1.0]


def test_hours_of_waiting_for_people_are_drawn_short() -> None:
    scale = make_scale(
        end_s=14_500.0, working=[(0.0, 60.0), (14_460.0, 14_500.0)], waiting=[(60.0, 14_460.0)]
    )

    wait = scale.place(14_460.0) - scale.place(60.0)
    assert wait < BREAK_FRACTION * 1.1
    assert [(each.start_s, each.end_s) for each in scale.breaks] == [(60.0, 14_460.0)]


def test_time_in_which_work_went_on_beside_a_gate_is_not_shortened() -> None:
    scale = make_scale(end_s=100.0, working=[(0.0, 100.0)], waiting=[(10.0, 90.0)])

    assert scale.breaks == ()


@given(spans, spans)
def test_no_tick_lies_inside_a_break(working: list[Span], waiting: list[Span]) -> None:
    scale = make_scale(end_s=10_000.0, working=working, waiting=waiting)

    for tick in scale.ticks():
        assert not any(each.start_s < tick.at_s < each.end_s for each in scale.breaks)


@given(spans, spans)
def test_taking_time_out_leaves_the_rest_and_only_that(some: list[Span], holes: list[Span]) -> None:
    whole, gone = merged(some), merged(holes)

    left = subtract(whole, gone)

    def length(parts: list[Span]) -> float:
        return sum(end - start for start, end in parts)

    both = length(merged([*whole, *gone]))
    assert length(left) == pytest.approx(both - length(gone), abs=1e-6)
    assert not any(
        start < hole_end and hole_start < end
        for start, end in left
        for hole_start, hole_end in gone
    )


def test_ticks_are_round_and_few() -> None:
    scale = make_scale(end_s=155.0, working=[(0.0, 155.0)], waiting=[])

    assert [tick.label for tick in scale.ticks()] == [
        *("0:00", "0:30", "1:00", "1:30", "2:00", "2:30")
    ]
