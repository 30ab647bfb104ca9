"""A check finds what is planted in the lab, says what to do, and changes nothing."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from flows.looking import CheckRequest, Outlook, look_at_plan
from secondsite.errors import PlanError
from secondsite.graph import Operation
from secondsite.home import journal_url
from secondsite.run.finding import Severity
from secondsite.run.history import record_of
from secondsite.run.journal import Journal
from secondsite.run.proof import lag_seen
from tests.campaign.world import Case, World, a_world

pytestmark = [pytest.mark.integration, pytest.mark.anyio, pytest.mark.timeout(120)]

PLAN = """\
name: payroll
protection: tokyo-osaka
objectives: {rpo: 15m}
groups:
  - name: payroll
    before: [{gate: Go, approvers: [tanaka, boss], kinds: [planned]}]
    vms: [pay01, pay02]
"""


def with_defects(text: str) -> str:
    """The lab as a careless year leaves it."""
    changes = {
        "transports: [ntlm]": "transports: [ntlm]\nhttps: true",
        "- name: hv-osaka-1": "- {name: hv-osaka-1, disk_free: 1GiB, certificate_valid: 5d}",
        "- name: hv-osaka-2": "- {name: hv-osaka-2, memory: 4GiB}",
        "- name: hv-tokyo-1": "- {name: hv-tokyo-1, certificate_valid: 0s}",
        "clouds: [osaka-gold]": "clouds: [osaka-gold]\n    storage: [GOLD-DR]",
        "    replica: hv-osaka-1\n    services: [{port: 8080, name: payroll": (
            "    replica: hv-osaka-1\n"
            "    replication: {frequency: 5m, lag: 30d}\n"
            "    guest: {boot: 40s, integration_services: false}\n"
            "    services: [{port: 8080, name: payroll"
        ),
    }
    for old, new in changes.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


@pytest.fixture
def env(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.delenv("SECONDSITE_JOURNAL", raising=False)
    return monkeypatch


async def checked(
    world: World, env: pytest.MonkeyPatch, *, kind: Operation = Operation.TEST
) -> Outlook:
    env.setenv("SECONDSITE_HOME", str(world.home))
    env.setenv("SECONDSITE_PLANS", str(world.plans))
    with closing(Journal.open(journal_url())) as journal:
        return await look_at_plan(CheckRequest(plan="payroll", operation=kind), journal)


async def test_everything_that_is_planted_is_found_at_once_with_its_remedy(
    tmp_path: Path, env: pytest.MonkeyPatch
) -> None:
    with a_world(tmp_path / "world", change_lab=with_defects) as world:
        (world.plans / "payroll.yaml").write_text(PLAN)
        estate = world.plans / "estate.yaml"
        text = estate.read_text()
        text += "approvers: [{name: tanaka, contact: tanaka@corp.example}, {name: boss}]\n"
        estate.write_text(
            text.replace(
                "test_network: osaka-test",
                "test_network: osaka-test\n    storage: {GOLD: GOLD-DR}",
            )
        )
        before = world.state()

        outlook = await checked(world, env)

        found = {(each.severity, each.area, each.vm or each.host) for each in outlook.findings}
        assert found == {
            (Severity.BLOCKER, "certificates", "hv-tokyo-1"),
            (Severity.BLOCKER, "memory", "hv-osaka-2"),
            (Severity.ERROR, "servers", "hv-tokyo-1"),
            (Severity.ERROR, "space", "hv-osaka-1"),
            (Severity.ERROR, "replication", "pay02"),
            (Severity.ERROR, "integration services", "pay02"),
            (Severity.ERROR, "mapping", "vmm-tokyo"),
            (Severity.WARNING, "certificates", "hv-osaka-1"),
            (Severity.WARNING, "approvers", ""),
            (Severity.WARNING, "addresses", ""),  # nobody in tokyo tells which networks are meant
        }
        assert all(each.remedy for each in outlook.findings)
        assert [each.severity for each in outlook.findings] == sorted(
            (each.severity for each in outlook.findings), key=list(Severity).index
        )
        words = "\n".join(map(str, outlook.findings))
        assert "more than the RPO of 15m" in words
        assert "hv-osaka-2 has 2048 MiB of memory free" in words
        assert "how to reach boss" in words
        assert not outlook.is_ready
        assert outlook.proof.state == "failing"
        assert outlook.proof.run_id == outlook.run_id
        assert world.state() == before
        assert not [event for event in world.log() if event["kind"] == "change"]


@pytest.mark.parametrize("kind", [Operation.TEST, Operation.PLANNED, Operation.UNPLANNED])
async def test_a_sound_estate_gives_no_finding_for_any_kind(
    kind: Operation, tmp_path: Path, env: pytest.MonkeyPatch
) -> None:
    with a_world(tmp_path / "world") as world:
        outlook = await checked(world, env, kind=kind)

        assert outlook.findings == ()
        assert outlook.words == "Ready: nothing was found that speaks against it."
        with closing(Journal.open(journal_url())) as journal:
            seen = lag_seen(record_of(journal, outlook.run_id))
        assert set(seen) == {"pay01", "pay02"}
        assert all(0 <= lag_s < 900 for lag_s in seen.values())
        assert outlook.proof.state == "draft"


async def test_a_site_that_accepts_and_never_answers_does_not_hold_a_check_up(
    tmp_path: Path, env: pytest.MonkeyPatch
) -> None:
    with a_world(tmp_path / "world") as world:
        estate = world.plans / "estate.yaml"
        estate.write_text(
            estate.read_text().replace("limits:\n", "limits:\n  survey_timeout: 6s\n")
        )
        world.arm(kind="partition", site="tokyo")

        outlook = await checked(world, env, kind=Operation.PLANNED)

        silent = {each.host for each in outlook.findings if each.area == "servers"}
        assert silent >= {"hv-tokyo-1", "hv-tokyo-2", "vmm-tokyo"}
        assert not outlook.is_ready


async def test_a_credential_that_the_servers_refuse_is_found_by_using_it(
    tmp_path: Path, env: pytest.MonkeyPatch
) -> None:
    with a_world(tmp_path / "world") as world:
        (world.home / "lab" / "secrets" / "tokyo-operator").write_text("not the password")

        outlook = await checked(world, env)

        assert {(each.area, each.severity) for each in outlook.findings} == {
            ("credentials", Severity.ERROR),
            ("addresses", Severity.WARNING),  # the VMs' networks at home are not known
        }
        assert {each.host for each in outlook.findings if each.area == "credentials"} == {
            "vmm-tokyo",
            "hv-tokyo-1",
            "hv-tokyo-2",
        }


@pytest.mark.parametrize("is_right", [True, False])
async def test_the_account_inside_a_vm_is_tried_by_logging_on_while_the_vm_runs_at_home(
    is_right: bool, tmp_path: Path, env: pytest.MonkeyPatch
) -> None:
    with a_world(tmp_path / "world") as world:
        inside = "    after: [{script: scripts/inside.ps1, on: 'guest:pay01'}]\n"
        (world.plans / "payroll.yaml").write_text(PLAN + inside)
        (world.plans / "scripts" / "inside.ps1").write_text("'never run by a check'")
        if not is_right:
            (world.home / "lab" / "secrets" / "guest-admin").write_text("not the password")

        outlook = await checked(world, env)

        found = [each for each in outlook.findings if each.area == "credentials"]
        log = [each for each in world.log() if each.get("cmdlet") == "(guest)"]
        entered = [each["vm"] for each in log if each["detail"]["event"] == "powershell"]
        if is_right:
            assert found == []
            assert set(entered) == {"pay01"}
        else:
            assert [(each.severity, each.host) for each in found] == [
                (Severity.ERROR, "hv-tokyo-1")
            ]
            assert "pay01 on hv-tokyo-1 refused the account 'guest-admin'" in found[0].sentence
            assert entered == []
        assert not world.done()


async def test_a_check_is_kept_in_the_journal_and_claims_nothing(
    tmp_path: Path, env: pytest.MonkeyPatch
) -> None:
    with a_world(tmp_path / "world") as world:
        outlook = await checked(world, env)
        with closing(Journal.open(journal_url())) as journal:
            (summary,) = journal.runs(plan="payroll")
            lease = journal.lease(outlook.run_id)

        assert (summary.run_id, summary.operation, summary.state) == (
            outlook.run_id,
            "check",
            "done",
        )
        assert lease is None


async def test_a_pool_that_is_too_small_for_all_vms_at_once_is_found(
    tmp_path: Path, env: pytest.MonkeyPatch
) -> None:
    def one_address(text: str) -> str:
        wide = "first: 10.2.0.200, last: 10.2.0.239"
        assert wide in text
        return text.replace(wide, "first: 10.2.0.99, last: 10.2.0.99")

    with a_world(tmp_path / "world", change_lab=one_address) as world:
        vms = (
            "[{name: pay01, adapters: {Backup: keep}, address: pool}, {name: pay02, address: pool}]"
        )
        (world.plans / "payroll.yaml").write_text(PLAN.replace("[pay01, pay02]", vms))

        outlook = await checked(world, env, kind=Operation.UNPLANNED)

    (found,) = [each for each in outlook.findings if "pool" in each.sentence]
    assert (found.severity, found.area) == (Severity.BLOCKER, "addresses")
    assert "osaka-prod have 1 IPv4 addresses free, and 2 adapters want one" in found.sentence
    assert found.remedy == "enlarge a pool in VMM"


async def test_a_dns_key_that_the_servers_refuse_is_found_before_any_name_is_changed(
    tmp_path: Path, env: pytest.MonkeyPatch
) -> None:
    with a_world(tmp_path / "world") as world:
        (world.home / "lab" / "secrets" / "dr-key").write_text("bm90IHRoZSBrZXkgb2YgdGhlIGxhYg==")

        outlook = await checked(world, env, kind=Operation.UNPLANNED)

        assert not [event for event in world.log() if event["kind"] == "change"]
    found = [each for each in outlook.findings if each.area == "dns"]
    assert found
    assert not outlook.is_ready
    assert all(each.sentence and each.remedy for each in found)


async def test_a_script_that_was_changed_since_the_rehearsal_is_found_and_one_that_is_gone_refused(
    tmp_path: Path, env: pytest.MonkeyPatch
) -> None:
    scripts = (
        "{script: scripts/hello.ps1, on: recovery}",
        "{script: scripts/hello.sh, on: engine}",
    )
    hooked = f"{PLAN}    after:\n" + "".join(f"      - {each}\n" for each in scripts)
    with a_world(tmp_path / "world") as world:
        (world.plans / "payroll.yaml").write_text(hooked)
        file = world.plans / "scripts" / "hello.ps1"
        file.parent.mkdir(exist_ok=True)
        file.write_text("'hello'\n")
        local = file.with_suffix(".sh")
        local.write_text("echo hello\n")
        tested = world.carry_out(Case(operation="test", options={"clean_up": True}))
        file.write_text("'good bye'\n")
        local.write_text("echo good bye\n")

        outlook = await checked(world, env)
        file.unlink()
        with pytest.raises(PlanError) as refused:
            await checked(world, env)

    assert tested.state == "COMPLETED", tested.message
    found = [each for each in outlook.findings if each.area == "scripts"]
    assert [each.sentence for each in found] == [
        "scripts/hello.ps1 was changed since the plan was last verified",
        "scripts/hello.sh was changed since the plan was last verified",
    ]
    assert {each.severity for each in found} == {Severity.WARNING}
    assert all("secondsite rehearse" in each.remedy for each in found)
    assert outlook.proof.state == "stale"
    assert "scripts/hello.ps1" in str(refused.value)


async def test_networks_that_a_rehearsal_cannot_make_are_found(
    tmp_path: Path, env: pytest.MonkeyPatch
) -> None:
    with a_world(tmp_path / "world") as world:
        plan, estate = world.plans / "payroll.yaml", world.plans / "estate.yaml"
        plan.write_text(f"{plan.read_text()}\nrehearse: {{network: created}}\n")
        right = await checked(world, env)
        estate.write_text(estate.read_text().replace("    test_logical_network: drill\n", ""))

        wrong = await checked(world, env)

        assert right.findings == ()
        assert {(each.severity, each.area) for each in wrong.findings} == {
            (Severity.BLOCKER, "addresses")
        }
        words = "\n".join(map(str, wrong.findings))
        assert "osaka-prod is of the logical network production, whose VLANs" in words
        assert "osaka-backup is of the logical network backup, whose VLANs" in words
        assert not [event for event in world.log() if event["kind"] == "change"]
