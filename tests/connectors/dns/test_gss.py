"""Updates signed for by Kerberos accounts, against BIND and a real KDC: tickets, keys, refusals."""

from __future__ import annotations

import os
import re
import stat
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import dns.message
import pytest
from pydantic import SecretStr

from secondsite.connectors.dns import (
    Change,
    DnsTarget,
    Edit,
    KerberosAccount,
    RecordSet,
    Severity,
    SightStatus,
    apply,
    compare_and_set,
    preflight,
    read,
    verify,
)
from secondsite.connectors.dns.kerberos import Tickets
from secondsite.connectors.dns.keys import connect
from secondsite.errors import (
    AccessDeniedError,
    ConflictError,
    CredentialError,
    NotStartedError,
    SiteError,
)
from secondsite.plan.estate import Estate
from tasks.connections import Sites
from tests.connectors.dns.conftest import run_bind, start_bind
from tests.connectors.dns.kdc import PASSWORD, REALM, end, free_port, start_kdc
from tests.connectors.dns.meddler import Meddler, echo, forge, lose, refuse, strip

if TYPE_CHECKING:
    from tests.connectors.dns.conftest import Served
    from tests.connectors.dns.kdc import Kdc
    from tests.connectors.dns.meddler import Meddling

pytestmark = pytest.mark.integration

S = 5.0
NAME = "sql.corp.example"


def a(*values: str, name: str = NAME, ttl_s: int = 300) -> RecordSet:
    return RecordSet(name=name, type="A", ttl_s=ttl_s, values=values)


OLD, NEW, THEIRS = a("10.1.0.21"), a("10.2.0.21", ttl_s=60), a("10.7.7.7")


def set_(target: DnsTarget, expected: RecordSet = OLD, desired: RecordSet = NEW) -> Change:
    return compare_and_set(target, expected=expected, desired=desired, timeout_s=S)


def now_at(target: DnsTarget, name: str = NAME) -> RecordSet | None:
    return read(target, name=name, type="A", timeout_s=S)


def keys_agreed(log: Path) -> int:
    """How many keys BIND has agreed on with anybody."""
    return len(re.findall(r"query: \S+ ANY TKEY", log.read_text()))


def refusal_of(target: DnsTarget) -> AccessDeniedError:
    """How the server says no; preflight says the same, and the record is as it was."""
    with pytest.raises(AccessDeniedError) as caught:
        set_(target)
    findings = preflight(target, timeout_s=S)
    assert [finding.severity for finding in findings] == [Severity.ERROR]
    assert findings[0].sentence == caught.value.message
    assert caught.value.next_step
    return caught.value


def test_one_key_serves_many_operations(gss_bind: Served, tmp_path: Path) -> None:
    target = gss_bind.target()

    for number in range(10):
        set_(target, a(f"10.1.0.{20 + number}") if number else OLD, a(f"10.1.0.{21 + number}"))
        set_(target, a(f"10.1.0.{21 + number}"), a(f"10.1.0.{21 + number}"))

    assert keys_agreed(tmp_path / "named.log") == 1


def test_two_operations_at_a_time_have_a_key_each(gss_bind: Served, tmp_path: Path) -> None:
    target = gss_bind.target()
    soa = dns.message.make_query(target.zone, "SOA", flags=0)
    set_(target)  # one key is there

    with connect(target, target.writable) as one, connect(target, target.writable) as other:
        answers = [connection.exchange(soa, timeout_s=S) for connection in (one, other, one)]

    assert all(answer.is_trusted for answer in answers)
    assert keys_agreed(tmp_path / "named.log") == 2


def test_a_password_does_as_well_as_a_keytab(gss_bind: Served, kdc: Kdc) -> None:
    target = gss_bind.target(key=kdc.account("dr-engine", by_password=True))

    assert set_(target).how == "answered"


def test_a_ticket_that_nearly_ended_is_replaced_before_it_is_used(kdc: Kdc) -> None:
    now_s = 0.0
    tickets = Tickets(kdc.account("dr-engine"), clock=lambda: now_s)
    before = kdc.tickets_given()

    life_s = tickets.credentials(timeout_s=S).lifetime
    now_s = life_s - 600
    tickets.credentials(timeout_s=S)
    assert kdc.tickets_given() == before + 1
    now_s = life_s - 200
    tickets.credentials(timeout_s=S)

    assert kdc.tickets_given() == before + 2


def test_a_server_that_was_started_anew_gets_a_new_key(
    gss_bind: Served, kdc: Kdc, tmp_path: Path
) -> None:
    target = gss_bind.target()
    change = set_(target)
    gss_bind.stop()
    for kept in (*tmp_path.glob("*.jnl"), *tmp_path.glob("*.tsigkeys")):
        kept.unlink()
    _, process = run_bind(
        tmp_path,
        who=f"dr-engine@{REALM}",
        who_narrow=f"narrow@{REALM}",
        options=f'tkey-gssapi-keytab "{kdc.keytab("DNS/ns-bind.corp.example")}"; querylog yes;',
        environment=kdc.environment,
        port=gss_bind.port,
    )
    try:
        (sight,) = verify(target, [change.edit], timeout_s=0)[0].sights
        assert (sight.found, sight.signed) == (OLD, True)

        assert set_(target).how == "answered"
        assert keys_agreed(tmp_path / "named.log") == 1
    finally:
        end(process)


def test_the_death_of_the_kdc_does_not_matter_once_a_key_is_agreed_on(
    kdc: Kdc, gss_bind: Served, tmp_path: Path
) -> None:
    mortal = start_kdc(tmp_path / "mortal")
    mortal.stop()
    dead = replace(
        kdc.account("dr-engine"), kdcs=(("127.0.0.1", mortal.port), ("127.0.0.1", kdc.port))
    )
    target = gss_bind.target(key=dead)

    assert set_(target).how == "answered"  # by way of the second
    started = time.monotonic()
    with pytest.raises(NotStartedError, match=f"No KDC of {REALM}.*refused") as caught:
        set_(gss_bind.target(key=replace(dead, kdcs=dead.kdcs[:1])), NEW, OLD)

    assert "kdcs" in caught.value.next_step
    assert time.monotonic() - started < S
    assert now_at(target) == NEW


def test_a_wrong_password_is_told_and_never_shown(gss_bind: Served, kdc: Kdc) -> None:
    account = replace(
        kdc.account("dr-engine", by_password=True), password=SecretStr("Falsch-geraten-9")
    )

    refusal = refusal_of(gss_bind.target(key=account))

    assert "does not accept its password" in refusal.message
    shown = repr((refusal, refusal.evidence, refusal.__cause__, account)) + str(refusal.__cause__)
    assert "Falsch-geraten-9" not in shown
    assert PASSWORD not in repr(kdc.account("dr-engine", by_password=True))


def test_an_account_that_is_not_there_is_told(gss_bind: Served, kdc: Kdc) -> None:
    account = replace(kdc.account("dr-engine", by_password=True), principal="nobody")

    assert "knows no such account" in refusal_of(gss_bind.target(key=account)).message


def test_an_account_that_is_disabled_or_whose_password_is_old_is_told(
    gss_bind: Served, kdc: Kdc
) -> None:
    kdc.add("disabled", "-allow_tix")
    kdc.add("old", "-pwexpire yesterday")

    for principal, words in (("disabled", "disabled"), ("old", "has expired")):
        account = kdc.account(principal, by_password=True)
        assert words in refusal_of(gss_bind.target(key=account)).message


def test_a_keytab_without_the_account_or_of_an_old_password_is_told(
    gss_bind: Served, kdc: Kdc
) -> None:
    kdc.add("changed")
    old = kdc.account("changed")
    kdc.admin("cpw -pw Andere-Worte-2 changed")
    other = replace(kdc.account("dr-engine"), principal="narrow")

    assert "password change" in refusal_of(gss_bind.target(key=old)).next_step
    assert "holds no keys" in refusal_of(gss_bind.target(key=other)).message


def test_a_keytab_that_is_not_there_is_told_before_anything_is_sent(
    gss_bind: Served, kdc: Kdc, tmp_path: Path
) -> None:
    account = replace(kdc.account("dr-engine"), keytab=str(tmp_path / "nowhere.keytab"))

    (finding,) = preflight(gss_bind.target(key=account), timeout_s=S)

    assert finding.severity is Severity.ERROR
    assert "nowhere.keytab" in finding.sentence
    assert keys_agreed(tmp_path / "named.log") == 0


def test_a_host_name_that_the_realm_does_not_know_is_told_with_the_remedy(
    gss_bind: Served,
) -> None:
    gss_bind.host = "typo.corp.example"

    refusal = refusal_of(gss_bind.target())

    assert "DNS/typo.corp.example" in refusal.message
    assert "host" in refusal.next_step


def test_a_server_that_is_not_the_host_of_its_name_is_told(gss_bind: Served) -> None:
    gss_bind.host = "other.corp.example"

    refusal = refusal_of(gss_bind.target())

    assert "did not take the ticket" in refusal.message
    assert "DNS/other.corp.example" in refusal.message


def test_a_server_that_knows_no_kerberos_is_told(kdc: Kdc, tmp_path: Path) -> None:
    served, process = start_bind(tmp_path)
    try:
        served.host = "ns-bind.corp.example"

        refusal = refusal_of(served.target(key=kdc.account("dr-engine")))
    finally:
        end(process)

    assert "agreed on no key" in refusal.message
    assert "GSS-TSIG" in refusal.next_step


def test_a_wrong_clock_is_told(gss_bind: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    # The clock that signs messages: Kerberos itself has the right one.
    monkeypatch.setattr(dns.message, "time", SimpleNamespace(time=lambda: time.time() - 3600))

    refusal = refusal_of(gss_bind.target())

    assert "clock" in refusal.message
    assert "NTP" in refusal.next_step


def test_without_the_library_the_run_is_refused_with_the_packages_name(
    gss_bind: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "gssapi", None)  # what Python keeps for "not installed"

    (finding,) = preflight(gss_bind.target(), timeout_s=S)

    assert finding.severity is Severity.ERROR
    assert "gssapi" in finding.sentence
    assert "libkrb5-dev" in finding.remedy
    assert "make kerberos" in finding.remedy
    with pytest.raises(CredentialError, match="gssapi"):
        set_(gss_bind.target())


def test_nothing_global_is_touched_and_nothing_secret_is_on_disk(gss_bind: Served) -> None:
    set_(gss_bind.target())

    private, system = os.environ["KRB5_CONFIG"].split(":", 1)
    assert system == "/etc/krb5.conf"
    folder = Path(private).parent
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for file in folder.iterdir():
        text = file.read_text()
        assert PASSWORD not in text
        assert "libdefaults" not in text  # so that WinRM keeps the system's settings
    assert not Path(tempfile.gettempdir(), f"krb5cc_{os.getuid()}").exists()
    assert PASSWORD not in Path("/proc/self/cmdline").read_text()


def test_the_right_to_change_this_very_record_is_asked_for_beforehand(gss_bind: Served) -> None:
    target = gss_bind.target(key=gss_bind.narrow_key)

    assert preflight(target, records=[(NAME, "A")], timeout_s=S) == []
    (finding,) = preflight(target, records=[(NAME, "A"), ("www.corp.example", "A")], timeout_s=S)

    assert finding.severity is Severity.ERROR
    assert f"account narrow@{REALM}" in finding.sentence
    assert "www.corp.example" in finding.sentence
    assert "DnsAdmins" in finding.remedy


@pytest.fixture
def meddler(gss_bind: Served) -> Iterator[Meddler]:
    meddler = Meddler(gss_bind.port)
    gss_bind.port = meddler.port
    yield meddler
    meddler.close()


@pytest.mark.parametrize("meddling", [lose, strip, echo])
def test_an_update_that_was_applied_is_settled_by_reading_whatever_the_answer_was(
    gss_bind: Served, meddler: Meddler, meddling: Meddling
) -> None:
    meddler.meddlings.append(meddling)

    change = set_(gss_bind.target())

    assert (change.changed, change.how) == (True, "settled")
    assert meddler.updates == 1
    assert now_at(gss_bind.target()) == NEW


@pytest.mark.parametrize("meddling", [lose, strip, echo])
def test_a_batch_that_was_applied_is_settled_by_reading_too(
    gss_bind: Served, meddler: Meddler, meddling: Meddling
) -> None:
    meddler.meddlings.append(meddling)
    edits = [
        Edit(before=None, after=a(f"10.2.1.{number}", name=f"vm{number}.corp.example"))
        for number in range(1, 6)
    ]

    results = apply(gss_bind.target(), edits, timeout_s=S)

    assert {each.how for each in results.values() if isinstance(each, Change)} == {"settled"}
    assert len(results) == 5
    assert meddler.updates == 1


@pytest.mark.parametrize("meddling", [echo, strip])
def test_a_refusal_with_a_wrong_signature_is_a_refusal_when_the_record_shows_it(
    gss_bind: Served, meddler: Meddler, meddling: Meddling
) -> None:
    meddler.meddlings.append(meddling)
    other = a("10.2.0.99", name="new.corp.example")

    with pytest.raises(AccessDeniedError, match="does not let account narrow") as caught:
        compare_and_set(
            gss_bind.target(key=gss_bind.narrow_key), expected=None, desired=other, timeout_s=S
        )

    assert "the records are unchanged" in caught.value.message
    assert now_at(gss_bind.target(), "new.corp.example") is None


@pytest.mark.parametrize("meddling", [strip, echo, refuse])
def test_a_server_that_signs_updates_only_is_read_unsigned_and_that_is_told(
    gss_bind: Served, meddler: Meddler, meddling: Meddling
) -> None:
    target = gss_bind.target()
    meddler.on_questions = meddling

    (finding,) = preflight(target, records=[(NAME, "A")], timeout_s=S)
    change = set_(target)
    (verification,) = verify(target, [change.edit], timeout_s=S)

    assert finding.severity is Severity.WARNING
    assert "does not sign its answers to questions" in finding.sentence
    assert (change.changed, change.how) == (True, "answered")
    assert (verification.status, verification.sights[0].signed) == (SightStatus.DONE, False)


def test_a_success_that_nobody_can_vouch_for_is_none(gss_bind: Served, meddler: Meddler) -> None:
    meddler.meddlings += [forge, forge]
    other = a("10.2.0.99", name="new.corp.example")

    with pytest.raises(SiteError):
        compare_and_set(
            gss_bind.target(key=gss_bind.narrow_key), expected=None, desired=other, timeout_s=S
        )

    assert now_at(gss_bind.target(), "new.corp.example") is None


def test_a_change_of_somebody_else_behind_a_wrong_signature_is_a_conflict(
    gss_bind: Served, meddler: Meddler
) -> None:
    target = gss_bind.target()

    def change_it_first(request: bytes, answer: bytes) -> None:
        del request, answer  # ours was applied; they overwrite it, and we hear nothing
        set_(DnsTarget(zone=target.zone, servers=(direct,), key=target.key), NEW, THEIRS)

    direct = replace(target.servers[0], port=meddler._aim[1])
    meddler.meddlings.append(change_it_first)

    with pytest.raises(ConflictError):
        set_(target)

    assert now_at(target) == THEIRS


def test_each_server_is_read_back_by_value_and_the_serials_of_two_masters_prove_nothing(
    gss_bind: Served, kdc: Kdc, tmp_path: Path
) -> None:
    # Domain controllers each count on their own: the second has a far older serial, and the value.
    (tmp_path / "second").mkdir()
    second, process = run_bind(
        tmp_path / "second",
        who=f"dr-engine@{REALM}",
        who_narrow=f"narrow@{REALM}",
        options=f'tkey-gssapi-keytab "{kdc.keytab("DNS/other.corp.example")}";',
        environment=kdc.environment,
    )
    try:
        other = replace(second.server, name="ns-second", host="other.corp.example")
        both = DnsTarget(
            zone="corp.example", servers=(gss_bind.server, other), key=gss_bind.target().key
        )
        change = set_(both)
        theirs = DnsTarget(zone="corp.example", servers=(other,), key=both.key)
        set_(theirs, OLD, NEW)

        (done,) = verify(both, [change.edit], timeout_s=S)
        set_(theirs, NEW, THEIRS)
        set_(both, NEW, OLD)
        set_(both, OLD, NEW)
        (conflict,) = verify(both, [change.edit], timeout_s=0.05)
    finally:
        end(process)

    assert done.status is SightStatus.DONE
    assert [sight.signed for sight in done.sights] == [True, True]
    assert conflict.sights[1].status is SightStatus.CONFLICT
    assert "10.7.7.7" in str(conflict.sights[1].found)


def test_the_kdc_of_another_realm_can_be_added_in_one_process(gss_bind: Served, kdc: Kdc) -> None:
    port = free_port()
    elsewhere = KerberosAccount(
        name="elsewhere",
        realm="ELSEWHERE.EXAMPLE",
        principal="dr",
        kdcs=(("127.0.0.1", port),),
        password=SecretStr("x"),
    )
    set_(gss_bind.target())

    with pytest.raises(NotStartedError, match=r"ELSEWHERE\.EXAMPLE"):
        set_(gss_bind.target(key=elsewhere))

    by_password = gss_bind.target(key=kdc.account("dr-engine", by_password=True))
    assert set_(by_password, NEW, OLD).how == "answered"


@pytest.mark.anyio
async def test_what_the_estate_says_reaches_the_server(
    gss_bind: Served, kdc: Kdc, tmp_path: Path
) -> None:
    server, secret = {"name": "unused", "credential": "dns"}, {"file": "{home}/p"}
    estate = Estate.model_validate(
        {
            "credentials": {"dns": {"username": "CORP\\dr-engine", "password": secret}},
            "sites": {"here": {"vmm": server, "hosts": [server]}},
            "kerberos": [
                {
                    "name": "corp",
                    "realm": REALM,
                    "credential": "dns",
                    "kdcs": [f"127.0.0.1:{kdc.port}"],
                }
            ],
            "dns": [
                {
                    "name": "production",
                    "zones": ["corp.example"],
                    "kerberos": "corp",
                    "servers": [{"name": "NS-bind", "address": "127.0.0.1", "port": gss_bind.port}],
                }
            ],
        }
    )
    (tmp_path / "p").write_text(PASSWORD)
    sites = Sites(estate, home=tmp_path)
    try:
        zone = sites.zone("production", "corp.example")

        assert await zone.preflight([(NAME, "A")]) == []
        change = await zone.change(Edit(before=OLD, after=NEW))
        (verification,) = await zone.verify([change.edit])
    finally:
        await sites.close()

    assert (change.changed, change.how) == (True, "answered")
    assert verification.sights[0].signed
    assert now_at(gss_bind.target()) == NEW
