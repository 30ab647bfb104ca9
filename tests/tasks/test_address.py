"""Two sources for the addresses of a VM, and when they disagree."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tasks.address import disagreement


@pytest.mark.parametrize(
    ("guest", "vmm", "quarrel"),
    [
        (["10.2.0.21"], ["10.2.0.21"], False),
        (["10.2.0.21", "2001:db8:2::21"], ["2001:db8:2::21", "10.2.0.21"], False),
        (["10.2.0.21"], [], False),  # VMM has not looked at the VM yet
        (["10.2.0.21"], "VMM did not answer.", False),
        (["10.2.0.21"], ["10.1.0.21"], True),  # stale in VMM
        (["10.2.0.21"], ["10.2.0.21", "10.1.0.21"], True),
        ([], ["10.2.0.21"], True),
    ],
)
def test_a_disagreement_is_told_and_silence_is_none(
    guest: list[str], vmm: Sequence[str] | str, quarrel: bool
) -> None:
    assert bool(disagreement(guest=guest, vmm=vmm, name="sql01", counts="guest")) is quarrel


def test_what_both_show_is_no_disagreement_though_it_does_not_count() -> None:
    def told(*vmm: str) -> str:
        stale = {"2001:db8:1::21"}
        return disagreement(guest=["10.2.0.21"], stale=stale, vmm=vmm, name="sql01", counts="guest")

    assert told("10.2.0.21", "2001:db8:1::21") == ""
    assert told("10.2.0.21", "10.1.0.21") != ""


def test_its_words_say_who_says_what_and_whose_word_counts() -> None:
    text = disagreement(guest=["10.2.0.21"], vmm=["10.1.0.21"], name="sql01", counts="vmm")

    assert text == (
        "sql01: the guest reports 10.2.0.21, and VMM shows 10.1.0.21. VMM's word counts here "
        "(`addresses_from` in the estate)."
    )
