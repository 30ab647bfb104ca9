from __future__ import annotations

import itertools

import pytest

from secondsite.plan.yaml_text import read_text


def test_words_stay_words_and_numbers_are_decimal_as_in_yaml_1_2() -> None:
    read = read_text("on: yes\nno: off\nmode: 010\nat: 2026-03-01\ntime: 10:30\nhex: 0x10\n")

    assert read.data == {
        "on": "yes",
        "no": "off",
        "mode": 10,
        "at": "2026-03-01",
        "time": "10:30",
        "hex": 16,
    }
    assert not read.faults


def test_every_value_knows_its_line() -> None:
    read = read_text("a:\n  - x\n  - k: 1\n    l:\n      - y\nb: {c: 2}\n")

    lines = read.lines
    assert [lines.of("a"), lines.of("a", 0), lines.of("a", 1, "k")] == [1, 2, 3]
    assert [lines.of("a", 1, "l", 0), lines.of("b", "c")] == [5, 6]
    assert lines.of("a", 1, "missing", "deeper") == 3  # the nearest thing around it
    assert ("a", 0) in lines
    assert ("a", 7) not in lines


def test_a_key_that_is_written_twice_is_a_fault_with_both_lines() -> None:
    read = read_text("a: 1\nb: 2\na: 3\n")

    assert read.data == {"a": 1, "b": 2}
    assert read.faults == ((3, '"a" is written twice (first in line 1): keep one'),)


def test_aliases_and_merges_give_their_values_with_the_lines_where_they_are_written() -> None:
    read = read_text("base: &b\n  x: 1\n  y: 2\nown:\n  <<: *b\n  x: 5\nlist: [*b]\n")

    assert read.data["own"] == {"x": 5, "y": 2}
    assert read.data["list"] == [{"x": 1, "y": 2}]
    assert read.lines.of("own", "x") == 6
    assert read.lines.of("own", "y") == 3
    assert not read.faults


@pytest.mark.parametrize(
    ("text", "line", "advice"),
    [
        ("a: b: c\n", 1, "put the text in quotes"),
        ("a:\n\t- b\n", 2, "indent with spaces"),
        ("a: @x\n", 1, "in quotes"),
        ("a: [1, 2\nb: 3\n", 1, "is not closed"),
        ("a: [1, 2\n", 1, "is not closed"),
        ("a: {x: [1\nb: 2", 1, "is not closed"),
        ("a: 'x\nb: 1\n", 1, "never closed"),
        ("a: *x\n", 1, "needs quotes"),
        ("---\na: 1\n---\nb: 2\n", 3, "one document"),
        ("- a\nb: c\n", 2, "indentation"),
        ("ok: 1\nbad: \x07\n", 2, "remove it"),
        ("a: &r [*r]\n", 1, "contains itself"),
    ],
)
def test_broken_syntax_is_one_fault_with_line_and_advice(text: str, line: int, advice: str) -> None:
    read = read_text(text)

    assert not read.is_readable
    assert [where for where, _ in read.faults] == [line]
    assert advice in read.faults[0][1]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: !!python/object:os.system x\n", "means nothing here"),
        ("a: !!int x\n", "is not a whole number"),
        ("? [1, 2]\n: x\n", "a key is a word"),
        ("a:\n  <<: 5\n", "`<<:` takes a mapping"),
    ],
)
def test_odd_yaml_is_a_fault_and_the_rest_is_still_read(text: str, words: str) -> None:
    read = read_text(text + "z: 1\n")

    assert read.is_readable
    assert read.data["z"] == 1
    assert words in read.faults[0][1]


def test_a_file_that_grows_without_end_is_refused_quickly() -> None:
    letters = "abcdefghij"
    text = "a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + "".join(
        f"{new}: &{new} [{', '.join([f'*{old}'] * 10)}]\n"
        for old, new in itertools.pairwise(letters)
    )

    read = read_text(text)

    assert not read.is_readable
    assert "far too much" in read.faults[0][1]
