"""What becomes of a record set when its VM moves, and when that is taken back."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secondsite.connectors.dns import Edit, RecordSet
from secondsite.connectors.dns.deciding import Move, decide, put_back, rebased
from secondsite.errors import ConflictError

OLD, NEW, OTHER, THIRD = "10.1.0.1", "10.2.0.1", "10.1.0.7", "192.0.2.9"


def a(*values: str, ttl_s: int = 300, type: str = "A") -> RecordSet:
    return RecordSet(name="www.corp.example", type=type, ttl_s=ttl_s, values=values)


def move(found: RecordSet | None, **facts: Any) -> Move:
    told: dict[str, Any] = {
        "name": "www.corp.example",
        "type": "A",
        "server": "ns1",
        "found": found,
        "values": (NEW,),
        "former": (OLD,),
        "ttl_s": 60,
        "was_left": lambda value: value.startswith(("10.1.", "2001:db8:1:")),
    }
    return Move(**(told | facts))


@pytest.mark.parametrize(
    ("facts", "after"),
    [
        ({"found": None}, a(NEW, ttl_s=60)),
        ({"found": a(OLD)}, a(NEW, ttl_s=60)),
        ({"found": a(OLD), "ttl_s": None}, a(NEW, ttl_s=300)),
        ({"found": a(NEW, ttl_s=60)}, a(NEW, ttl_s=60)),
        ({"found": a(OLD, OTHER, THIRD)}, a(NEW, OTHER, THIRD, ttl_s=60)),
        ({"found": a(NEW, OTHER)}, a(NEW, OTHER, ttl_s=60)),
        ({"found": a(OTHER), "former": ()}, a(NEW, ttl_s=60)),
        ({"found": a(OLD), "values": ()}, None),
        ({"found": a(OLD, THIRD), "values": ()}, a(THIRD, ttl_s=60)),
        ({"found": a(OTHER), "values": (), "former": ()}, None),
        ({"found": a(THIRD), "values": ()}, a(THIRD)),
        ({"found": a(THIRD), "is_free": True}, a(NEW, ttl_s=60)),
        ({"found": a(THIRD), "is_free": True, "fellows": (THIRD,)}, a(NEW, THIRD, ttl_s=60)),
        ({"found": a(OLD), "is_alone": True}, a(NEW, ttl_s=60)),
    ],
)
def test_only_what_was_the_vms_own_is_replaced(
    facts: dict[str, Any], after: RecordSet | None
) -> None:
    assert decide(move(**facts)) == after


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"found": a(OTHER, THIRD)}, "nothing says which of them is this VM's"),
        ({"found": a(OTHER, "10.1.0.8"), "values": ()}, "nothing says which of them"),
        ({"found": a(THIRD)}, "leads neither to this VM nor into the site that is left"),
        ({"found": a(OLD, OTHER), "is_alone": True}, "does not belong to this VM alone"),
        ({"found": a(OTHER), "former": (), "is_alone": True}, "does not belong to this VM alone"),
    ],
)
def test_what_cannot_be_decided_is_a_conflict_that_says_why(
    facts: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConflictError, match=words) as caught:
        decide(move(**facts))

    assert str(facts["found"]) in caught.value.message
    assert caught.value.next_step


def test_a_leftover_address_of_the_other_kind_goes() -> None:
    left = RecordSet(name="www.corp.example", type="AAAA", ttl_s=9, values=("2001:db8:1::1",))

    assert decide(move(left, type="AAAA", values=(), former=())) is None


@pytest.mark.parametrize(
    ("found", "before", "after", "back"),
    [
        (a(NEW, ttl_s=60), a(OLD), a(NEW, ttl_s=60), a(OLD)),
        (a(OLD), a(OLD), a(NEW, ttl_s=60), a(OLD)),
        (None, a(OLD), None, a(OLD)),
        (a(NEW), None, a(NEW), None),
        (a(NEW, THIRD), a(OLD), a(NEW), a(OLD, THIRD)),
        (a(NEW, THIRD), None, a(NEW), a(THIRD)),
        (a(NEW, THIRD), a(OLD, OTHER), a(NEW, OTHER), a(OLD, THIRD)),
        (a(OLD, THIRD), a(OLD, OTHER), a(NEW, OTHER), a(OLD, THIRD)),
        (a(NEW, ttl_s=5), a(OLD), a(NEW, ttl_s=60), a(OLD, ttl_s=5)),
        (a(OLD, ttl_s=20), a(OLD, ttl_s=900), a(OLD, ttl_s=20), a(OLD, ttl_s=900)),
        (a(THIRD, ttl_s=20), a(OLD, ttl_s=900), a(OLD, ttl_s=20), a(THIRD, ttl_s=900)),
        (None, a(OLD, ttl_s=900), a(OLD, ttl_s=20), None),
    ],
)
def test_going_back_spares_what_others_did(
    found: RecordSet | None,
    before: RecordSet | None,
    after: RecordSet | None,
    back: RecordSet | None,
) -> None:
    assert put_back(found=found, before=before, after=after, ttl_s=None) == back


@pytest.mark.parametrize("found", [a(THIRD), None])
def test_what_somebody_has_replaced_is_not_put_back(found: RecordSet | None) -> None:
    with pytest.raises(ValueError, match="somebody"):
        put_back(found=found, before=a(OLD), after=a(NEW), ttl_s=None)


@given(st.permutations(range(3)))
def test_members_that_were_taken_out_come_in_again_in_any_order(order: list[int]) -> None:
    sets = [a(OLD, NEW, OTHER), a(NEW, OTHER), a(OTHER), None]
    changes = list(pairwise(sets))
    current = None

    for index in order:
        before, after = changes[index]
        current = put_back(
            found=current,
            before=before,
            after=after,
            ttl_s=None,
            fellows=frozenset({OLD, NEW, OTHER}),
        )

    assert current == sets[0]


@pytest.mark.parametrize(
    ("found", "before", "after"), [(None, a(OLD, NEW), a(NEW)), (a(THIRD), a(OLD), None)]
)
def test_a_member_is_not_put_into_what_somebody_else_made_of_the_set(
    found: RecordSet | None, before: RecordSet, after: RecordSet | None
) -> None:
    with pytest.raises(ValueError, match="somebody"):
        put_back(found=found, before=before, after=after, ttl_s=None)


def test_going_back_raises_a_ttl_that_had_been_lowered_before() -> None:
    back = put_back(
        found=a(NEW, ttl_s=20), before=a(OLD, ttl_s=20), after=a(NEW, ttl_s=20), ttl_s=900
    )

    assert back == a(OLD, ttl_s=900)


@given(st.permutations(range(3)), st.booleans())
def test_members_of_one_set_go_back_in_any_order(order: list[int], is_new: bool) -> None:
    """Three VMs of one name, changed one after the other: no order of undoing leaves a trace."""
    first = None if is_new else a(OTHER, *(f"10.1.0.{n}" for n in (11, 12, 13)))
    edits, current = [], first
    for number in (11, 12, 13):
        fellows = tuple(current.values) if current else ()
        after = decide(
            move(
                current,
                values=(f"10.2.0.{number}",),
                former=(f"10.1.0.{number}",),
                ttl_s=None,
                fellows=fellows,
            )
        )
        edits.append(Edit(before=current, after=after))
        current = after

    for index in order:
        edit = edits[index]
        current = put_back(found=current, before=edit.before, after=edit.after, ttl_s=None)

    assert current == first


def test_an_edit_of_one_member_follows_what_became_of_the_others() -> None:
    edit = Edit(before=a(OLD, OTHER), after=a(NEW, OTHER))

    assert rebased(edit, a(OLD, THIRD)) == Edit(before=a(OLD, THIRD), after=a(NEW, THIRD))
    assert rebased(edit, a(NEW, THIRD)) == Edit(before=a(OLD, THIRD), after=a(NEW, THIRD))
    assert rebased(edit, a(THIRD)) == edit
    assert rebased(edit, None) == edit


def test_a_member_that_is_taken_out_follows_what_became_of_the_others() -> None:
    part, whole = Edit(before=a(OLD, OTHER), after=a(OTHER)), Edit(before=a(OLD), after=None)

    assert rebased(part, a(OLD, THIRD)) == Edit(before=a(OLD, THIRD), after=a(THIRD))
    assert rebased(part, a(THIRD)) == Edit(before=a(OLD, THIRD), after=a(THIRD))
    assert rebased(part, None) == Edit(before=a(OLD), after=None)
    assert rebased(whole, a(OLD, THIRD)) == Edit(before=a(OLD, THIRD), after=a(THIRD))
    assert rebased(whole, None) == whole


@given(st.permutations(range(2)), st.booleans())
def test_an_edit_that_was_taken_up_again_goes_back_in_any_order(
    order: list[int], is_new: bool
) -> None:
    """The engine died when the first was made; the second came before the first was looked at."""
    first = None if is_new else a("10.1.0.11", "10.1.0.12")
    made = a("10.2.0.11") if is_new else a("10.1.0.12", "10.2.0.11")
    found = a("10.2.0.11", "10.2.0.12")
    edits = [
        rebased(Edit(before=first, after=made), found),
        Edit(before=made, after=found),
    ]
    current: RecordSet | None = found

    for index in order:
        edit = edits[index]
        current = put_back(found=current, before=edit.before, after=edit.after, ttl_s=None)

    assert current == first
