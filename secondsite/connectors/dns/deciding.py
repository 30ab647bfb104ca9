"""What becomes of a record set when its VM moves: only what was the VM's own is replaced. Pure.

A name may be shared (round robin), lead to a machine that nobody told us of, or have an address of
a kind that the VM has not any more. What cannot be decided is a conflict, in words; a guess would
take somebody else's name away.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from secondsite.connectors.dns.model import Edit, RecordSet
from secondsite.errors import ConflictError

__all__ = ["Move", "decide", "put_back", "rebased"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One record set and the VM that moves.

    Attributes:
        name: Of the record set.
        type: Of the record set.
        server: Named in what goes wrong.
        found: What it is now.
        values: What shall lead to the VM; none where it has no address of that kind any more.
        former: What led to the VM where it was, as far as known.
        ttl_s: None keeps the one found.
        default_ttl_s: Where there is none to keep.
        was_left: Whether a value belongs to the site that is left; only the VM can have meant it.
        is_alone: Whether the name must be the VM's alone, because an alias led here.
        is_free: Whether whatever stands there may be replaced: in a zone for tests.
        fellows: Values that other VMs of the same run have put there; they stay.
    """

    name: str
    type: str
    server: str
    found: RecordSet | None
    values: tuple[str, ...]
    former: tuple[str, ...] = ()
    ttl_s: int | None = None
    default_ttl_s: int = 300
    was_left: Callable[[str], bool] = lambda _: False
    is_alone: bool = False
    is_free: bool = False
    fellows: tuple[str, ...] = ()

    def set_of(self, values: tuple[str, ...]) -> RecordSet | None:
        """A record set of these values, with the TTL that it shall have; None for no values."""
        if not values:
            return None
        ttl_s = self.ttl_s
        if ttl_s is None:
            ttl_s = self.found.ttl_s if self.found else self.default_ttl_s
        return RecordSet(name=self.name, type=self.type, ttl_s=ttl_s, values=values)


def decide(move: Move) -> RecordSet | None:
    """What the record set shall be; None for no records.

    Raises:
        ConflictError: nothing says which of its values is the VM's, or it is surely another's.
    """
    found, wanted = move.found, move.set_of(move.values)
    if found is None:
        return wanted
    former = _canonical(move, move.former)
    new = frozenset(wanted.values) if wanted else frozenset()
    others = tuple(value for value in found.values if value not in former | new)
    mine = frozenset(found.values) & (former | new)
    if not others:
        return wanted
    fellows = _canonical(move, move.fellows) & frozenset(others)
    if move.is_free and not fellows and (len(others) == 1 or not mine):
        return wanted or found
    lost = [value for value in others if move.was_left(value)]
    if not wanted and not mine and not lost:
        return found  # another kind of address, of somebody else: it never led to the VM
    if move.is_alone:
        raise _conflict(move, _SHARED, "Write `shared: true` for it in the plan, or name another.")
    if mine or fellows:
        return move.set_of((*others, *sorted(new)))
    if len(found.values) > 1:
        raise _conflict(move, _SEVERAL, _BY_HAND)
    if not lost:
        raise _conflict(move, _ELSEWHERE, _BY_HAND)
    return wanted


def rebased(edit: Edit, found: RecordSet | None) -> Edit:
    """`edit`, as it must be now that other members of the set have changed since it was planned.

    An edit that meets values that it does not know of is given back as it is, and will meet its
    conflict; so is one of the TTL alone.
    """
    before, after = edit.before, edit.after
    if found in (before, after):
        return edit
    old = frozenset(before.values) if before else frozenset()
    wanted = frozenset(after.values) if after else frozenset()
    gone, added = old - wanted, wanted - old
    now = frozenset(found.values) if found else frozenset()
    if not added and not gone:
        return edit
    if added <= now and gone.isdisjoint(now):
        # Our part is done; what others did is not what would have to be taken back.
        former = tuple(sorted((now - added) | gone))
        like = before or found
        own = (
            RecordSet(name=edit.name, type=edit.type, ttl_s=like.ttl_s, values=former)
            if like and former
            else None
        )
        return Edit(before=own, after=found)
    if found is not None and gone <= now and added.isdisjoint(now):
        values = tuple(sorted((now - gone) | added))
        ttl_s = after.ttl_s if after else found.ttl_s
        new = RecordSet(name=edit.name, type=edit.type, ttl_s=ttl_s, values=values)
        return Edit(before=found, after=new)
    return edit


def put_back(
    *,
    found: RecordSet | None,
    before: RecordSet | None,
    after: RecordSet | None,
    ttl_s: int | None,
    fellows: frozenset[str] = frozenset(),
) -> RecordSet | None:
    """What `found` becomes when our change from `before` to `after` is taken back.

    Members that others added or removed since stay as they made them, and so does a TTL that they
    changed.

    Args:
        found: The record set now.
        before: As it was before our change.
        after: As we made it.
        ttl_s: The TTL that it had of its own, if that is not `before`'s.
        fellows: Values of others that come and go for the same reason as ours.

    Raises:
        ValueError: it is neither ours any more nor as it was: somebody changed it since.
    """
    if before is not None and ttl_s is not None:
        before = before.with_ttl(ttl_s)
    if found in (after, before):
        return before
    if found is None and before is not None and after is not None and before.values == after.values:
        return None  # a TTL was changed, of what is gone meanwhile
    ours = frozenset(after.values if after else ()) - frozenset(before.values if before else ())
    theirs = frozenset(before.values if before else ()) - frozenset(after.values if after else ())
    now = frozenset(found.values if found else ())
    if now.isdisjoint(ours) and (ours or theirs) and theirs <= now:
        return found  # put back already, whatever else there is
    kept = frozenset(after.values if after else ())
    is_out = (found is None or after is None) and not ours
    if is_out and before is not None and theirs and (now | kept) <= fellows:
        # The VM was taken out of it, and so were others. It comes in again.
        return RecordSet(
            name=before.name,
            type=before.type,
            ttl_s=before.ttl_s,
            values=tuple(sorted(now | theirs)),
        )
    if found is None or after is None or not ours <= now or not theirs.isdisjoint(now):
        raise ValueError("somebody changed it since")
    values = (now - ours) | theirs
    if not values:
        return None
    is_own_ttl = found.ttl_s == after.ttl_s
    kept_ttl_s = before.ttl_s if is_own_ttl and before is not None else found.ttl_s
    return RecordSet(
        name=found.name, type=found.type, ttl_s=kept_ttl_s, values=tuple(sorted(values))
    )


_SHARED = "an alias leads to it, and it does not belong to this VM alone"
_SEVERAL = "it has several values, and nothing says which of them is this VM's"
_ELSEWHERE = "it leads neither to this VM nor into the site that is left"
_BY_HAND = (
    "Find out whose it is. Set it to what it shall be and retry: then it counts as done. Or skip "
    "this step."
)


def _conflict(move: Move, why: str, next_step: str) -> ConflictError:
    wanted = ", ".join(move.values) or "nothing"
    former = ", ".join(move.former) or "not known"
    return ConflictError(
        f"{move.name} {move.type} on {move.server} is {move.found}, and shall be {wanted}: {why} "
        f"(its former address: {former}). Nothing was changed.",
        host=move.server,
        next_step=next_step,
        evidence={
            "name": move.name,
            "type": move.type,
            "found": move.found and move.found.as_dict(),
            "wanted": list(move.values),
            "former": list(move.former),
        },
    )


def _canonical(move: Move, values: tuple[str, ...]) -> frozenset[str]:
    if not values:
        return frozenset()
    return frozenset(RecordSet(name=move.name, type=move.type, ttl_s=0, values=values).values)
