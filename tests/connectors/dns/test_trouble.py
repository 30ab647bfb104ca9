"""What the connector does when servers lie, lag, die or lose their answers: all on the lab."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from secondsite.connectors.dns import (
    Change,
    DnsServer,
    DnsTarget,
    Edit,
    RecordSet,
    Severity,
    SightStatus,
    TsigKey,
    apply,
    compare_and_set,
    find_holder,
    preflight,
    read,
    restore,
    verify,
)
from secondsite.errors import (
    AccessDeniedError,
    ActionFailedError,
    ConflictError,
    NotReadyError,
    NotStartedError,
    UnknownOutcomeError,
    UsageError,
    WrongStateError,
)

if TYPE_CHECKING:
    from tests.connectors.dns.conftest import Lab

S = 5.0
SHORT_S = 0.2
NAME = "sql.corp.example"


def a(*values: str, name: str = NAME, ttl_s: int = 300) -> RecordSet:
    return RecordSet(name=name, type="A", ttl_s=ttl_s, values=values)


OLD, NEW, THEIRS = a("10.1.0.21"), a("10.2.0.21", ttl_s=60), a("10.9.9.9")


def now_at(lab: Lab, name: str = NAME) -> RecordSet | None:
    return read(lab.target(), name=name, type="A", timeout_s=S)


def set_(lab: Lab, *, timeout_s: float = S) -> Change:
    return compare_and_set(lab.target(), expected=OLD, desired=NEW, timeout_s=timeout_s)


def put(lab: Lab, record_set: RecordSet) -> None:
    """Change it as somebody else would, past the connector."""
    lab.zone.put(record_set.name, record_set.type, ttl_s=record_set.ttl_s, values=record_set.values)


class SlowWorld:
    """A clock that only `sleep` moves; `at(seconds, event)` happens when it gets there."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.events: list[tuple[float, Callable[[], object]]] = []

    def clock(self) -> float:
        return self.now_s

    def at(self, seconds: float, event: Callable[[], object]) -> None:
        self.events.append((seconds, event))

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds
        due = [event for at, event in self.events if at <= self.now_s]
        self.events = [(at, event) for at, event in self.events if at > self.now_s]
        for event in due:
            event()


def test_a_reply_lost_after_applying_is_settled_by_reading(lab: Lab) -> None:
    lab.faults.once.add("dns-drops-reply")

    change = set_(lab, timeout_s=SHORT_S)

    assert (change.changed, change.how) == (True, "settled")
    assert now_at(lab) == NEW
    assert len(lab.updates()) == 1


def test_an_update_that_was_swallowed_is_sent_once_more(lab: Lab) -> None:
    # Silent for the update only: the first request is the reading.
    seen = []

    def swallow(kind: str, server: str, name: str | None) -> bool:
        if kind == "dns-silent":
            seen.append(name)
            return len(seen) == 2
        return False

    server = lab.start("ns-deaf", lab.zone)
    server._responder._has_fault = swallow

    change = compare_and_set(lab.target(server), expected=OLD, desired=NEW, timeout_s=0.6)

    assert (change.changed, change.how) == (True, "answered")
    assert [update["result"] for update in lab.updates()] == ["dropped", "NOERROR"]


def test_a_server_that_falls_silent_leaves_the_outcome_unknown(lab: Lab) -> None:
    silent_from_now = []

    def fall_silent(kind: str, server: str, name: str | None) -> bool:
        if kind == "dns-drops-reply":
            silent_from_now.append(True)
            return True
        return kind == "dns-silent" and bool(silent_from_now)

    server = lab.start("ns-dying", lab.zone)
    server._responder._has_fault = fall_silent

    with pytest.raises(UnknownOutcomeError) as caught:
        compare_and_set(lab.target(server), expected=OLD, desired=NEW, timeout_s=0.4)

    assert "ns-dying" in caught.value.message
    assert "sql.corp.example" in caught.value.message
    assert "Retrying is safe" in caught.value.next_step
    again = compare_and_set(lab.target(), expected=OLD, desired=NEW, timeout_s=S)
    assert (again.changed, again.how, again.before) == (False, "already", OLD)


def test_a_server_that_is_silent_from_the_start_was_sent_nothing(lab: Lab) -> None:
    lab.faults.on.add("dns-silent")

    with pytest.raises(NotStartedError, match="did not answer"):
        set_(lab, timeout_s=SHORT_S)

    assert lab.updates() == []


def test_an_answer_with_our_own_signature_is_settled_by_reading(lab: Lab) -> None:
    lab.faults.on.add("dns-echoes-mac")

    change = set_(lab)

    assert (change.changed, change.how) == (True, "settled")
    assert now_at(lab) == NEW


def test_a_refusal_with_our_own_signature_is_a_refusal(lab: Lab) -> None:
    lab.faults.on |= {"dns-echoes-mac", "dns-refuses"}

    with pytest.raises(AccessDeniedError, match="badly signed, but the records are unchanged"):
        set_(lab)

    assert now_at(lab) == OLD
    assert len(lab.updates()) == 1


def test_a_lost_prerequisite_with_our_own_signature_is_a_conflict(lab: Lab) -> None:
    lab.faults.on.add("dns-echoes-mac")
    _change_between_reading_and_writing(lab, THEIRS)

    with pytest.raises(ConflictError, match=r"10\.9\.9\.9"):
        set_(lab)

    assert now_at(lab) == THEIRS


def test_a_person_who_changes_it_between_reading_and_writing_wins(lab: Lab) -> None:
    _change_between_reading_and_writing(lab, THEIRS)

    with pytest.raises(ConflictError, match="found 10.9.9.9 .* was not written"):  # noqa: RUF043
        set_(lab)

    assert now_at(lab) == THEIRS
    assert [update["result"] for update in lab.updates()] == ["NXRRSET"]


def test_a_machine_that_registers_the_same_in_between_has_done_our_work(lab: Lab) -> None:
    _change_between_reading_and_writing(lab, NEW)

    change = set_(lab)

    assert (change.changed, change.how, change.before) == (False, "already", OLD)


def test_an_alias_that_appears_in_between_is_told(lab: Lab) -> None:
    def become_alias() -> None:
        lab.zone.put("new.corp.example", "CNAME", ttl_s=60, values=["www.corp.example."])

    _before_next_update(lab, become_alias)

    with pytest.raises(WrongStateError, match="alias"):
        compare_and_set(
            lab.target(), expected=None, desired=a("10.2.0.1", name="new.corp.example"), timeout_s=S
        )


def test_an_update_that_is_accepted_and_not_done_is_no_success(lab: Lab) -> None:
    # RFC 2136 §3.4.2.4: the last NS of a zone stays, and the server says NOERROR.
    apex = read(lab.target(), name="corp.example", type="NS", timeout_s=S)

    with pytest.raises(ActionFailedError, match="accepted the update .* did nothing"):  # noqa: RUF043
        compare_and_set(lab.target(), expected=apex, desired=None, timeout_s=S)


def test_a_server_that_cannot_write_is_told_as_such(lab: Lab) -> None:
    lab.faults.on.add("dns-breaks-disk")

    with pytest.raises(ActionFailedError, match="SERVFAIL") as caught:
        set_(lab)

    assert not isinstance(caught.value, AccessDeniedError)
    assert "log" in caught.value.next_step
    assert now_at(lab) == OLD


def test_a_refused_update_is_never_repeated(lab: Lab) -> None:
    lab.faults.on.add("dns-refuses")

    with pytest.raises(AccessDeniedError, match="does not let key dr-key change") as caught:
        set_(lab)

    assert caught.value.host == "ns-lab"
    assert len(lab.updates()) == 1


def test_a_secondary_refuses_and_the_words_say_what_to_do(lab: Lab) -> None:
    secondary = lab.start_secondary("ns-second")

    with pytest.raises(AccessDeniedError) as caught:
        compare_and_set(lab.target(secondary), expected=OLD, desired=NEW, timeout_s=S)

    assert "primary first" in caught.value.next_step


@pytest.mark.parametrize("ahead_s", [3600.0, -3600.0])
def test_a_wrong_clock_is_told_with_its_direction(lab: Lab, ahead_s: float) -> None:
    lab.clock_ahead_s = ahead_s

    with pytest.raises(AccessDeniedError) as caught:
        set_(lab)

    assert f"{'ahead of' if ahead_s > 0 else 'behind'} this machine" in caught.value.message
    assert caught.value.evidence["server_ahead_s"] == pytest.approx(ahead_s, abs=5)
    (finding,) = preflight(lab.target(), timeout_s=S)
    assert "clock" in finding.sentence


def test_a_name_outside_the_zone_is_not_even_sent(lab: Lab) -> None:
    with pytest.raises(UsageError, match="not in zone"):
        compare_and_set(
            lab.target(), expected=None, desired=a("10.0.0.1", name="www.other"), timeout_s=S
        )

    assert lab.requests == []


def test_a_host_that_accepts_and_says_nothing_ends_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        server = DnsServer(name="mute", address="127.0.0.1", port=mute.getsockname()[1])
        target = DnsTarget(zone="corp.example", servers=(server,))

        with pytest.raises(NotStartedError, match="mute .*no answer within"):  # noqa: RUF043
            compare_and_set(target, expected=OLD, desired=NEW, timeout_s=0.2)


def test_a_batch_whose_reply_is_lost_is_settled_by_reading(lab: Lab) -> None:
    lab.faults.once.add("dns-drops-reply")
    edits = [_new(number) for number in range(20)]

    results = apply(lab.target(), edits, timeout_s=2)

    assert {each.how for each in results.values() if isinstance(each, Change)} == {"settled"}
    assert len(results) == 20
    assert len(lab.updates()) == 1


def test_a_batch_goes_in_bounded_messages(lab: Lab) -> None:
    edits = [_new(number) for number in range(520)]

    results = apply(lab.target(), edits, timeout_s=60)

    assert all(isinstance(each, Change) for each in results.values())
    assert [len(update["names"]) for update in lab.updates()] == [500, 20]


def test_a_change_made_while_a_batch_is_under_way_costs_only_its_own_edit(lab: Lab) -> None:
    _change_between_reading_and_writing(lab, THEIRS)
    edits = [Edit(before=OLD, after=NEW), *(_new(number) for number in range(5))]

    results = apply(lab.target(), edits, timeout_s=S)

    assert isinstance(results[NAME, "A"], ConflictError)
    assert sum(isinstance(each, Change) for each in results.values()) == 5
    assert now_at(lab) == THEIRS


def test_a_batch_at_a_server_that_falls_silent_is_unknown_for_every_name(lab: Lab) -> None:
    silent_from_now = []

    def fall_silent(kind: str, server: str, name: str | None) -> bool:
        if kind == "dns-drops-reply":
            silent_from_now.append(True)
        return bool(silent_from_now)

    server = lab.start("ns-dying", lab.zone)
    server._responder._has_fault = fall_silent

    results = apply(lab.target(server), [_new(1), _new(2)], timeout_s=0.4)

    assert {type(each) for each in results.values()} == {UnknownOutcomeError}


def test_a_bad_key_is_tried_once_for_a_whole_batch(
    lab: Lab, make_key: Callable[..., TsigKey]
) -> None:
    key = make_key("dr-key", secret="c2VjcmV0c2VjcmV0c2VjcmV0")

    results = apply(lab.target(key=key), [_new(1), _new(2), _new(3)], timeout_s=S)

    assert {type(each) for each in results.values()} == {AccessDeniedError}
    assert len(lab.requests) == 1


def test_when_the_server_as_a_whole_says_no_the_rest_of_a_batch_is_not_tried(lab: Lab) -> None:
    def go_wrong() -> None:
        put(lab, THEIRS)  # the message is refused, so its edits are made one by one
        lab.clock_ahead_s = 3600.0

    _before_next_update(lab, go_wrong)
    edits = [Edit(before=OLD, after=NEW), *(_new(number) for number in range(5))]

    results = apply(lab.target(), edits, timeout_s=S)

    assert {type(each) for each in results.values()} == {AccessDeniedError}
    assert len(lab.requests) == len(edits) + 1 + 1


def test_a_batch_in_doubt_stays_in_doubt_when_the_server_dies_later(lab: Lab) -> None:
    asked = []

    def die(kind: str, server: str, name: str | None) -> bool:
        if kind == "dns-silent":
            asked.append(name)
        # Two readings, the update (swallowed), two readings back; then nothing more.
        return kind == "dns-silent" and (len(asked) == 3 or len(asked) > 5)

    server = lab.start("ns-dying", lab.zone)
    server._responder._has_fault = die

    results = apply(lab.target(server), [_new(1), _new(2)], timeout_s=1.2)

    assert {type(each) for each in results.values()} == {UnknownOutcomeError}


def test_the_trial_of_preflight_changes_nothing(lab: Lab) -> None:
    serial = lab.zone.serial
    preflight(lab.target(), timeout_s=S)
    preflight(lab.target(), records=[(NAME, "A"), (NAME, "MX")], timeout_s=S)

    assert [update["result"] for update in lab.updates()] == ["NXDOMAIN", "NOERROR"]
    assert now_at(lab) == OLD
    assert lab.zone.serial == serial


@pytest.mark.parametrize("answer", ["other id", "junk", "nothing"])
def test_what_is_no_answer_to_our_question_is_none(answer: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_answer_wrongly, args=(listener, answer))
        thread.start()
        server = DnsServer(name="odd", address="127.0.0.1", port=listener.getsockname()[1])

        with pytest.raises(NotStartedError, match="odd"):
            compare_and_set(
                DnsTarget(zone="corp.example", servers=(server,)),
                expected=OLD,
                desired=NEW,
                timeout_s=S,
            )

        thread.join()


def _answer_wrongly(listener: socket.socket, answer: str) -> None:
    connection, _ = listener.accept()
    with connection:
        query = connection.recv(65535)[2:]
        reply = {
            "other id": bytes([query[0] ^ 1, query[1], query[2] | 0x80]) + query[3:],
            "junk": b"HTTP/1.1 400 Bad Request",
            "nothing": b"",
        }[answer]
        if reply:
            connection.sendall(len(reply).to_bytes(2, "big") + reply)


def test_one_record_edited_twice_is_refused_before_anything_is_sent(lab: Lab) -> None:
    with pytest.raises(UsageError, match="twice"):
        apply(lab.target(), [_new(1), _new(1)], timeout_s=S)

    assert lab.requests == []


def test_restoring_one_member_spares_what_others_did_to_the_set(lab: Lab) -> None:
    before = now_at(lab, "www.corp.example")
    assert before is not None
    ours = before.with_member(old="10.1.0.1", new="10.2.0.1")
    compare_and_set(lab.target(), expected=before, desired=ours, timeout_s=S)
    put(lab, ours.with_member(old="10.1.0.2", new="10.5.5.5"))

    with pytest.raises(ConflictError):
        restore(lab.target(), before=before, after=ours, timeout_s=S)


def test_verifying_waits_for_a_lagging_secondary(lab: Lab) -> None:
    secondary = lab.start_secondary("ns-second", delay_s=0.0)
    lab.faults.on.add("dns-stale")
    target, world = lab.target(lab.primary, secondary), SlowWorld()
    edit = compare_and_set(target, expected=OLD, desired=NEW, timeout_s=S).edit
    world.at(3.0, lambda: lab.replicas[0].secondary.copy_from(lab.zone))

    (verification,) = verify(target, [edit], timeout_s=60, clock=world.clock, sleep=world.sleep)

    assert verification.status is SightStatus.DONE
    assert 3.0 <= world.now_s < 6.0


def test_verifying_names_a_stale_secondary_when_time_is_up(lab: Lab) -> None:
    secondary = lab.start_secondary("ns-second")
    lab.faults.on.add("dns-stale")
    target, world = lab.target(lab.primary, secondary), SlowWorld()
    edit = compare_and_set(target, expected=OLD, desired=NEW, timeout_s=S).edit

    (verification,) = verify(target, [edit], timeout_s=60, clock=world.clock, sleep=world.sleep)

    assert world.now_s == 60
    first, second = verification.sights
    assert (first.status, second.status) == (SightStatus.DONE, SightStatus.LAGGING)
    assert second.found == OLD
    assert second.serial is not None
    assert first.serial is not None
    assert second.serial < first.serial
    trouble = verification.trouble()
    assert isinstance(trouble, NotReadyError)
    assert trouble.host == "ns-second"
    (finding,) = preflight(target, timeout_s=S)
    assert (finding.severity, finding.server) == (Severity.WARNING, "ns-second")


def test_an_older_copy_with_yet_another_value_lags_and_is_no_conflict(lab: Lab) -> None:
    secondary = lab.start_secondary("ns-second")
    lab.faults.on.add("dns-stale")
    target, world = lab.target(lab.primary, secondary), SlowWorld()
    put(lab, THEIRS)
    edit = compare_and_set(target, expected=THEIRS, desired=NEW, timeout_s=S).edit

    (verification,) = verify(target, [edit], timeout_s=1, clock=world.clock, sleep=world.sleep)

    assert verification.sights[1].found == OLD
    assert verification.status is SightStatus.LAGGING
    assert "behind" in verification.sights[1].detail


def test_a_secondary_with_a_newer_serial_and_another_value_is_a_conflict(lab: Lab) -> None:
    secondary = lab.start_secondary("ns-second")
    lab.faults.on.add("dns-stale")
    target, world = lab.target(lab.primary, secondary), SlowWorld()
    edit = compare_and_set(target, expected=OLD, desired=NEW, timeout_s=S).edit
    copy = lab.replicas[0].secondary
    for last in range(5):
        copy.put(NAME, "A", ttl_s=300, values=[f"10.9.9.{last}"])

    (verification,) = verify(target, [edit], timeout_s=1, clock=world.clock, sleep=world.sleep)

    assert verification.status is SightStatus.CONFLICT
    assert isinstance(verification.trouble(), ConflictError)


def test_verifying_does_not_wait_for_what_somebody_has_overwritten(lab: Lab) -> None:
    edit = set_(lab).edit
    put(lab, THEIRS)
    world = SlowWorld()

    (verification,) = verify(
        lab.target(), [edit], timeout_s=60, clock=world.clock, sleep=world.sleep
    )

    assert world.now_s == 0
    assert verification.status is SightStatus.CONFLICT
    assert verification.as_dict()["servers"][0]["found"] == THEIRS.as_dict()


def test_a_secondary_that_does_not_know_the_key_is_asked_unsigned(lab: Lab) -> None:
    secondary = lab.start_secondary("ns-second", knows_key=False)
    target = lab.target(lab.primary, secondary)
    lab.replicas[0].delay_s = 0.0
    edit = compare_and_set(target, expected=OLD, desired=NEW, timeout_s=S).edit

    (verification,) = verify(target, [edit], timeout_s=S)

    assert [sight.signed for sight in verification.sights] == [True, False]
    assert verification.status is SightStatus.DONE


def test_many_names_are_verified_on_each_server(lab: Lab) -> None:
    secondary = lab.start_secondary("ns-second")
    target = lab.target(lab.primary, secondary)
    edits = [_new(number) for number in range(60)]
    apply(target, edits, timeout_s=S)

    verifications = verify(target, edits, timeout_s=S)

    assert len(verifications) == 60
    assert {each.status for each in verifications} == {SightStatus.DONE}


def test_the_update_server_need_not_be_the_first(lab: Lab) -> None:
    secondary = lab.start_secondary("ns-second")
    servers = tuple(lab.address_of(each) for each in (secondary, lab.primary))
    target = DnsTarget(
        zone="corp.example", servers=servers, key=lab.target().key, update_server="ns-lab"
    )

    assert compare_and_set(target, expected=OLD, desired=NEW, timeout_s=S).server == "ns-lab"


def test_a_dead_secondary_is_a_warning_and_a_dead_primary_an_error(lab: Lab) -> None:
    secondary = lab.start_secondary("ns-second")
    lab.stop_server(secondary)

    (warning,) = preflight(lab.target(lab.primary, secondary), timeout_s=S)
    (error,) = preflight(lab.target(secondary, lab.primary), timeout_s=S)

    assert (warning.severity, warning.server) == (Severity.WARNING, "ns-second")
    assert error.severity is Severity.ERROR


def test_an_alias_is_followed_to_the_record_that_holds_the_address(lab: Lab) -> None:
    lab.zone.put("a.corp.example", "CNAME", ttl_s=60, values=["db.corp.example."])
    lab.zone.put("x.corp.example", "CNAME", ttl_s=60, values=["y.corp.example."])
    lab.zone.put("y.corp.example", "CNAME", ttl_s=60, values=["x.corp.example."])
    lab.zone.put("out.corp.example", "CNAME", ttl_s=60, values=["www.elsewhere.example."])

    assert find_holder(lab.target(), name="a.corp.example", timeout_s=S) == NAME
    assert find_holder(lab.target(), name=NAME, timeout_s=S) == NAME
    with pytest.raises(WrongStateError, match="circle"):
        find_holder(lab.target(), name="x.corp.example", timeout_s=S)
    with pytest.raises(WrongStateError, match="out of zone"):
        find_holder(lab.target(), name="out.corp.example", timeout_s=S)


def _new(number: int) -> Edit:
    name = f"vm{number}.corp.example"
    return Edit(before=None, after=a(f"10.2.{number // 250}.{number % 250 + 1}", name=name))


def _before_next_update(lab: Lab, event: Callable[[], None]) -> None:
    """Have `event` happen when the next update has arrived, before it is carried out."""
    others = lab.faults

    def ask(kind: str, server: str, name: str | None) -> bool:
        if kind == "dns-refuses" and event in pending:
            pending.remove(event)
            event()
        return others(kind, server, name)

    pending = [event]
    lab.primary._responder._has_fault = ask


def _change_between_reading_and_writing(lab: Lab, record_set: RecordSet) -> None:
    _before_next_update(lab, lambda: put(lab, record_set))
