from __future__ import annotations

import io
import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from secondsite.cli.main import main
from secondsite.lab.builder import build_world
from secondsite.lab.cmdlets import host_registry
from secondsite.lab.estate_loader import load_lab_estate
from secondsite.lab.powershell.runspace import Runspace
from secondsite.lab.world import HyperVHost, LabClock, VmmServer, World
from secondsite.lab.world.values import VmState
from secondsite.plan.dns_intent import DnsChange
from secondsite.plan.estate import DnsTarget
from secondsite.plan.hooks import Hooks, ScriptHook
from secondsite.plan.loader import load_estate, load_plan
from secondsite.plan.model import Direction
from secondsite.reports import by_hand
from secondsite.reports.by_hand import Block
from secondsite.reports.runbook import Part, Runbook, write_runbook
from secondsite.reports.runbook_pages import runbook_html, runbook_markdown
from tests.campaign.virtual import virtual_estate, virtual_lab
from tests.connectors.conftest import Hours

REPOSITORY = Path(__file__).parents[2]
PLANS = REPOSITORY / "plans"
PRINTED = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
NETWORK_S = 3600.0


def a_book(direction: Direction = Direction.FORWARD, *, plans: Path = PLANS) -> Runbook:
    estate = load_estate(plans)
    plan = load_plan(plans / "storefront.yaml", estate)
    return write_runbook(
        plan,
        estate,
        digest="ab" * 32,
        printed_at=PRINTED,
        direction=direction,
        hosts={"sql01": "hv-osaka-1"},
        scripts={"scripts/x.ps1": "'hello'"},
    )


@pytest.fixture
def book() -> Runbook:
    return a_book()


class Hands:
    """Types what stands in a runbook, on every host that it names."""

    def __init__(self, lab: Path = REPOSITORY / "lab" / "two-sites.yaml") -> None:
        self.hours = Hours()
        estate = load_lab_estate(lab)
        self.world: World = build_world(
            estate, clock=LabClock(now=self.hours.now), record=lambda _: None
        )

    def hosts(self, site: str) -> Iterator[HyperVHost]:
        yield from self.world.sites[site].hosts.values()

    def type(self, block: Block) -> None:
        site = block.where.rpartition(" ")[2]
        if "VMM server" in block.where:
            (vmm,) = (each.vmm for each in self.world.sites.values() if each.vmm.name == site)
            self._run(vmm, block.text)
        for host in self.hosts(site) if site in self.world.sites else ():
            text = block.text.replace("HOST-IN-tokyo", self._home_of(host))
            self._run(host, text)
        self.hours.pass_by(NETWORK_S)

    def type_all(self, part: Part) -> None:
        for chapter in part.chapters:
            for block in chapter.by_hand:
                if block.language == "powershell":
                    self.type(block)

    def standing(self, site: str, names: set[str]) -> dict[str, tuple[VmState, str, str]]:
        with self.world.settled():
            pass
        return {
            vm.name: (vm.state, relation.mode.label, relation.state.name)
            for host in self.hosts(site)
            for vm, relation in host.get_vm_replication()
            if vm.name in names
        }

    def _home_of(self, host: HyperVHost) -> str:
        ((_, relation), *_) = host.get_vm_replication()
        return relation.primary_server

    def _run(self, host: HyperVHost | VmmServer, text: str) -> None:
        out, err = io.StringIO(), io.StringIO()
        is_vmm = isinstance(host, VmmServer)
        runspace = Runspace(
            host_registry("vmm" if is_vmm else "hyper-v"),
            host,
            self.hours,
            _NoInput(),
            out,
            err,
            computer_name=host.name.upper(),
        )
        module = "VirtualMachineManager" if is_vmm else "Hyper-V"
        runspace.run(f"Import-Module {module}\n{text}")
        assert not err.getvalue(), (text, err.getvalue())


class _NoInput:
    def read_line(self, interrupt: object) -> str | None:
        del interrupt
        return None


def names_of(book: Runbook) -> set[str]:
    return {vm.name for vm in book.vms}


def test_what_stands_in_the_planned_part_fails_over_by_hand(book: Runbook) -> None:
    hands = Hands()

    hands.type_all(book.parts[1])

    standing = hands.standing("osaka", names_of(book))
    assert set(standing.values()) == {(VmState.Running, "Primary", "Replicating")}
    assert len(standing) == len(book.vms)


def test_virtual_networks_are_connected_by_hand_in_vmm(tmp_path: Path) -> None:
    lab, plans = tmp_path / "two-sites.yaml", tmp_path / "plans"
    lab.write_text(virtual_lab((REPOSITORY / "lab" / "two-sites.yaml").read_text()))
    shutil.copytree(PLANS, plans)
    virtual_estate(plans)
    book, hands = a_book(plans=plans), Hands(lab)

    hands.type_all(book.parts[1])

    networks = {
        (network.name if (network := host.network_of(adapter)) else None)
        for host in hands.hosts("osaka")
        for vm in host.get_vm()
        if vm.name in names_of(book)
        for adapter in vm.adapters
    }
    assert networks == {"osaka-prod"}


def test_what_stands_in_the_unplanned_part_brings_up_a_lost_site_and_replicates_back(
    book: Runbook,
) -> None:
    hands = Hands()
    unplanned = book.parts[0]
    lost = [
        block
        for chapter in unplanned.chapters
        for block in chapter.by_hand
        if block.language == "powershell" and "tokyo" not in block.where
    ]
    afterwards = unplanned.chapters[-1].by_hand

    for block in lost:
        if block not in afterwards:
            hands.type(block)
    standing = hands.standing("osaka", names_of(book))
    assert set(standing.values()) == {(VmState.Running, "Replica", "FailedOverWaitingCompletion")}

    for block in afterwards:
        hands.type(block)
    standing = hands.standing("osaka", names_of(book))
    assert set(standing.values()) == {(VmState.Running, "Primary", "Replicating")}
    at_home = hands.standing("tokyo", names_of(book))
    assert set(at_home.values()) == {(VmState.Off, "Replica", "Replicating")}


def test_every_vm_gate_script_and_name_of_the_plan_is_in_it(book: Runbook) -> None:
    for page in (runbook_html(book), runbook_markdown(book)):
        for vm in names_of(book):
            assert vm in page
        assert "Storage released" in page
        assert "Shop closed" in page
        assert "announce-databases.ps1" in page
        assert "sql.corp.example" in page
        assert "10.2.0.22" in page
        assert "ab" * 32 in page
    assert "hello" in runbook_markdown(book)


def test_groups_are_told_in_their_order_and_shut_down_in_reverse(book: Runbook) -> None:
    planned = book.parts[1]

    starts = [each.title for each in planned.chapters if each.title.startswith("Start")]
    down = next(each for each in planned.chapters if each.title.startswith("Shut down"))

    assert [title.rpartition(" ")[2] for title in starts] == [
        "directory",
        "databases",
        "apps",
        "web",
    ]
    typed = re.findall(r"'(\w+)'", down.by_hand[0].text)
    assert typed.index("web01") < typed.index("app01") < typed.index("sql02") < typed.index("sql01")
    assert typed.index("sql01") < typed.index("dc01")


def test_the_way_back_is_told_with_the_addresses_at_home() -> None:
    back = a_book(Direction.BACK)

    assert (back.source_site, back.target_site) == ("osaka", "tokyo")
    assert "10.1.0.22" in runbook_markdown(back)
    assert "--direction back" in runbook_markdown(back)


def test_a_name_with_a_quote_stays_a_name() -> None:
    block = by_hand.start("osaka", ["it's; Remove-VM 'x'"])

    assert "'it''s; Remove-VM ''x'''" in block.text


def a_change(**target: object) -> DnsChange:
    servers = [{"name": "dc-osaka", "address": "10.2.0.10"}]
    found = {"name": "ad", "zones": ["corp.example"], "servers": servers, **target}
    return DnsChange(
        target=DnsTarget.model_validate(found),
        zone="corp.example",
        name="sql.corp.example",
        type="A",
        ttl_s=60,
        values=("10.2.0.22",),
    )


def test_names_are_changed_by_hand_in_the_way_in_which_their_target_is_changed() -> None:
    server = {"name": "dc-osaka", "credential": "osaka-operator"}

    (signed,) = by_hand.update_dns([a_change(key="dr-key")])
    (kerberos,) = by_hand.update_dns([a_change(kerberos="dns-writer")])
    (windows,) = by_hand.update_dns([a_change(winrm=server, zone_scope="inside")])

    assert "the key dr-key" in signed.where
    assert signed.lines[0] == "server 10.2.0.10"
    assert "nsupdate -g, after kinit as dns-writer" in kerberos.where
    assert windows.language == "powershell"
    assert windows.lines[-1] == (
        "Add-DnsServerResourceRecord -ZoneName 'corp.example' -ZoneScope 'inside' -Name 'sql' "
        "-A -IPv4Address 10.2.0.22 -TimeToLive 0:01:00"
    )


def test_the_command_writes_a_page_and_contacts_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SECONDSITE_HOME", str(tmp_path))
    monkeypatch.setenv("SECONDSITE_PLANS", str(PLANS))
    page = tmp_path / "runbook.html"

    assert main(["runbook", "storefront", "--html", str(page)]) == 0
    assert main(["runbook", "storefront", "--direction", "back"]) == 0

    assert "<script" not in page.read_text("utf-8")
    assert capsys.readouterr().out.startswith(f"Written: {page}\n# Runbook: storefront, osaka")
    assert not (tmp_path / "journal.db").exists()


def test_a_script_inside_a_vm_is_typed_on_its_host_with_the_account_and_no_password() -> None:
    estate = load_estate(PLANS)
    plan = load_plan(PLANS / "payroll.yaml", estate)
    hook = ScriptHook.model_validate(
        {"script": "scripts/stop.ps1", "on": "guest:pay01", "arguments": {"Word": "it's"}}
    )
    plan = plan.model_copy(update={"shutdown": Hooks(before=(hook,))})

    book = write_runbook(plan, estate, digest="ab" * 32, printed_at=PRINTED)

    planned = next(part for part in book.parts if "--kind planned" in part.command)
    down = next(each for each in planned.chapters if each.title == "Shut down in tokyo")
    inside, shut_down = down.by_hand
    assert (
        "    Invoke-Command -VMId $vm.Id -Credential (Get-Credential 'guest-admin') "
        "-FilePath 'stop.ps1' -ArgumentList 'it''s'"
    ) in inside.lines
    assert "$names = 'pay01'" in inside.lines
    assert "must begin with Word" in inside.note
    assert "Stop-VM" in shut_down.text
    assert any("SCRIPT scripts/stop.ps1 on guest:pay01" in each for each in down.happens)
