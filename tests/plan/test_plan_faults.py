"""The table of what can be wrong in a plan: the text, and the very lines that a person sees."""

# ruff: noqa: E501 - the lines of a table are what a person sees, whole

from __future__ import annotations

from pathlib import Path

import pytest

from secondsite.plan.loader import examine
from tests.plan.conftest import PlansFolder

_HEAD = "name: web\nprotection: tokyo-osaka\n"
_GROUP = _HEAD + "groups:\n  - name: db\n"


def _vm(*lines: str) -> str:
    """A plan with one VM, sql01, in line 6, and what else is said of it from line 7 on."""
    return (
        _GROUP + "    vms:\n      - name: sql01\n" + "".join(f"        {line}\n" for line in lines)
    )


def _before(*lines: str) -> str:
    """A plan with one VM and what stands before its group, from line 6 on."""
    return (
        _GROUP
        + "    before:\n"
        + "".join(f"      {line}\n" for line in lines)
        + "    vms: [sql01]\n"
    )


WRONG = {
    # structure
    "no groups": (_HEAD, ["1: \"groups\" is missing: write groups: … (The VMs, in the order in which they start; they shut down in the reverse order.)"]),
    "empty groups": (_HEAD + "groups: []\n", ["3: groups: the list is empty: write something here, or remove the line"]),
    "name": (
        "name: my web\nprotection: tokyo-osaka\ngroups: [{name: db, vms: [a]}]\n",
        ['1: name: "my web" is no name for a plan: write up to 63 letters, digits, - and _, beginning with a letter or a digit'],
    ),
    "unknown keys are told with the nearest known one, at every level": (
        _HEAD + "grops: []\ngroups:\n  - name: db\n    vm: [x]\n    vms:\n      - {name: sql01, bootTimeout: 5m}\n",
        [
            '3: "grops" is not known here (did you mean "groups"?)',
            '6: group "db": "vm" is not known here (did you mean "vms"?)',
            '8: group "db": vm "sql01": "bootTimeout" is not known here (did you mean "boot_timeout"?)',
        ],
    ),
    "durations without a unit": (
        _vm("boot_timeout: 10", "shutdown_timeout: ten minutes"),
        [
            '7: group "db": vm "sql01": boot_timeout: a duration needs a unit: write 10s or 10m, not 10',
            '8: group "db": vm "sql01": shutdown_timeout: "ten minutes" is not a duration: write 30s, 10m, 4h, 2d or 1h30m',
        ],
    ),
    "a VM with a number for a name": (
        _GROUP + "    vms: [123]\n",
        ['5: group "db": vms 1: 123 does not fit here: write a mapping (key: value)'],
    ),
    # VMs and groups
    "a VM twice, in other letters": (
        _HEAD + "groups:\n  - name: a\n    vms: [sql01]\n  - name: b\n    vms:\n      - SQL01\n",
        ['8: group "b": vms 1: this VM is in the plan twice (first in line 5): keep one, in the group in which it must start'],
    ),
    "a group twice": (
        _HEAD + "groups:\n  - {name: db, vms: [a]}\n  - {name: DB, vms: [b]}\n",
        ['5: group "DB": another group has this name (line 4): give one of them another name'],
    ),
    "an empty group": (
        _HEAD + "groups:\n  - {name: a, vms: [x]}\n  - {name: b}\n",
        ['5: group "b": the group is empty: write its vms, or remove it'],
    ),
    "a plan without VMs": (
        _HEAD + "groups:\n  - {name: a, before: [{gate: Ask}]}\n",
        ["3: groups: the plan has no VMs: write vms in its groups"],
    ),
    # dependencies
    "an unknown dependency": (
        _GROUP + "    vms:\n      - sql01\n      - {name: sql02, depends_on: [sq01]}\n",
        ['7: group "db": vm "sql02": depends_on 1: "sq01" is not a VM of this plan (did you mean "sql01"?)'],
    ),
    "a dependency that is no list": (
        _vm("depends_on: sql00"),
        ['7: group "db": vm "sql01": depends_on: "sql00" is not a list: write [sql00]'],
    ),
    "a VM that waits for itself": (
        _vm("depends_on: [SQL01]"),
        ['7: group "db": vm "sql01": depends_on 1: sql01 waits for itself: remove this'],
    ),
    "a dependency in a later group": (
        _HEAD + "groups:\n  - name: db\n    vms:\n      - {name: sql01, depends_on: [web01]}\n  - {name: web, vms: [web01]}\n",
        ['6: group "db": vm "sql01": depends_on 1: web01 is in group "web", which starts only after group "db" is ready, so sql01 would wait for ever: move sql01 to that group or a later one, or move web01 to group "db"'],
    ),
    "a circle, with its path": (
        _GROUP
        + "    vms:\n"
        + "      - {name: a, depends_on: [c]}\n"
        + "      - {name: b, depends_on: [a]}\n"
        + "      - {name: c, depends_on: [b]}\n",
        ['6: group "db": vm "a": depends_on: these VMs wait for each other: a → c → b → a; remove one of these dependencies'],
    ),
    # hooks
    "neither script nor gate": (
        _before("- {timeout: 5m}"),
        ['6: group "db": before 1: a hook is either a script or a gate: write script: scripts/name.ps1, or gate: Name'],
    ),
    "script and gate": (
        _before("- {script: a.ps1, gate: b}"),
        ['6: group "db": before "b": a hook is either a script or a gate: write script: scripts/name.ps1, or gate: Name'],
    ),
    "a script that is not there": (
        _before("- script: scripts/pont.ps1"),
        ['6: group "db": before "scripts/pont.ps1": script: there is no file "scripts/pont.ps1" beside the plan (did you mean "scripts/point.ps1"?)'],
    ),
    "a script elsewhere": (
        _before("- script: ../point.ps1"),
        ['6: group "db": before "../point.ps1": script: "../point.ps1" is outside the folder of the plan: put the script there, and write its path from there, like scripts/point.ps1'],
    ),
    "a script that is none": (
        _before("- script: scripts/point.txt", "- script: 'scripts\\point.ps1'"),
        [
            '6: group "db": before "scripts/point.txt": script: "scripts/point.txt" is not a PowerShell script: write the path of a .ps1 file',
            '7: group "db": before "scripts\\point.ps1": script: "scripts\\point.ps1" has backslashes: write scripts/point.ps1',
        ],
    ),
    "a script in the wrong language": (
        _before("- {script: scripts/point.ps1, on: engine}", "- script: scripts/point.sh"),
        [
            '6: group "db": before "scripts/point.ps1": script: "scripts/point.ps1" is a PowerShell script, and the engine is no Windows machine: write the path of a .py or .sh file, or run it on recovery',
            '7: group "db": before "scripts/point.sh": script: "scripts/point.sh" is not a PowerShell script: write the path of a .ps1 file, or run it with on: engine',
        ],
    ),
    "a place that is none": (
        _before("- {script: scripts/point.ps1, on: secondary}"),
        ['6: group "db": before "scripts/point.ps1": on: "secondary" is no place to run a script: write primary, recovery, engine, host:<vm> or guest:<vm>'],
    ),
    "the host of a VM that is not in the plan": (
        _before("- {script: scripts/point.ps1, on: 'host:sql1'}"),
        ['6: group "db": before "scripts/point.ps1": on: "sql1" is not a VM of this plan (did you mean "sql01"?)'],
    ),
    "inside a VM that is not up yet": (
        _before("- {script: scripts/point.ps1, on: 'guest:sql01', credential: operator}"),
        ['6: group "db": before "scripts/point.ps1": on: sql01 is not up before its group has started, so nothing can run inside it: run the script later, or on host:sql01'],
    ),
    "inside a VM after the shutdown": (
        _HEAD
        + "shutdown: {after: [{script: scripts/point.ps1, on: 'guest:sql01', credential: operator}]}\n"
        + "groups: [{name: db, vms: [sql01]}]\n",
        ['3: shutdown: after "scripts/point.ps1": on: sql01 is not up after the shutdown, so nothing can run inside it: run the script later, or on host:sql01'],
    ),
    "inside a VM with no account, or one that nobody knows": (
        _HEAD
        + "groups: [{name: db, vms: [sql01]}]\n"
        + "shutdown:\n  before:\n"
        + "    - {script: scripts/point.ps1, on: 'guest:sql01'}\n"
        + "    - {script: scripts/point.ps1, on: 'guest:sql01', credential: operatr}\n"
        + "    - {script: scripts/point.ps1, on: primary, credential: operator}\n",
        [
            '6: shutdown: before "scripts/point.ps1": on: nothing says under which account the script runs inside sql01: write credential: NAME here, or guest_credential: NAME at the protection tokyo-osaka of the estate',
            '7: shutdown: before "scripts/point.ps1": credential: "operatr" is not one of the credentials of the estate (did you mean "operator"?)',
            '8: shutdown: before "scripts/point.ps1": credential: this is the account inside a VM, for on: guest:<vm> alone: elsewhere a script runs under the account of its server',
        ],
    ),
    "a kind that does not exist, and none at all": (
        _before("- {gate: Ask, kinds: [tset]}", "- {gate: Say, kinds: []}", "- {gate: X, kinds: planned}"),
        [
            '6: group "db": before "Ask": kinds 1: "tset" is not one of the possible values (did you mean "test"?): write test, planned or unplanned',
            '7: group "db": before "Say": kinds: the list is empty: write something here, or remove the line',
            '8: group "db": before "X": kinds: "planned" is not a list: write [planned]',
        ],
    ),
    "a hook that can never apply": (
        _HEAD
        + "shutdown: {before: [{gate: Ask, kinds: [test]}]}\n"
        + "groups: [{name: db, vms: [sql01]}]\n",
        ['3: shutdown: before "Ask": kinds: a test failover shuts nothing down, so this would never run: write kinds: [planned, unplanned], or put it under failover'],
    ),
    "more approvals than approvers": (
        _before("- {gate: Ask, approvers: [ann, bob], required: 3}"),
        ['6: group "db": before "Ask": required: 3 must approve, but only 2 may: write required: 2, or more approvers'],
    ),
    "an approver twice": (
        _before("- {gate: Ask, approvers: [ann, Ann]}"),
        ['6: group "db": before "Ask": approvers: somebody is written twice: keep one'],
    ),
    "an escalation to nobody, and one that never comes": (
        _before(
            "- {gate: Ask, approvers: [ann], on_timeout: escalate}",
            "- {gate: Say, approvers: [ann], escalate: {approvers: [bob]}}",
        ),
        [
            '6: group "db": before "Ask": on_timeout: to whom? write escalate: {approvers: [NAME], timeout: 1h}',
            '7: group "db": before "Say": escalate: this would never happen: write on_timeout: escalate',
        ],
    ),
    "an escalation to those who are asked already": (
        _before(
            "- {gate: Ask, approvers: [ann], on_timeout: escalate, escalate: {approvers: [Ann, ann], timeout: 0s}}",
            "- {gate: Say, on_timeout: escalate, escalate: {approvers: [bob]}}",
        ),
        [
            '6: group "db": before "Ask": escalate: approvers: somebody is written twice: keep one',
            '6: group "db": before "Ask": escalate: approvers: these are asked already: name somebody else',
            '6: group "db": before "Ask": escalate: timeout: nobody can answer in no time: write 1h',
            '7: group "db": before "Say": escalate: anybody may decide here already, so there are no others to ask: write approvers, or remove this',
        ],
    ),
    "reminders without a pause": (
        _before("- {gate: Ask, remind_every: 0s}"),
        ['6: group "db": before "Ask": remind_every: a reminder needs some time: write 30m'],
    ),
    "facts in instructions that no run knows": (
        _before(
            "- gate: Ask",
            "  instructions: |",
            "    Is {{ vms.sql01.adresses }} right?",
            "",
            "    And {{ started_bi }}, {{ vms['sql02'].host }}, {{ vm.host }}?",
            "- {gate: Say, instructions: 'Is {{ vms.sql01.minutes_lost * 60 }} s too much?'}",
            "- {gate: X, instructions: '{{ plan'}",
        ),
        [
            '8: group "db": before "Ask": instructions: "adresses" is not a fact of a VM (did you mean "addresses"?)',
            '10: group "db": before "Ask": instructions: "sql02" is not a VM of this plan (did you mean "sql01"?)',
            '10: group "db": before "Ask": instructions: "started_bi" is not a fact of a run (did you mean "started_by"?)',
            '10: group "db": before "Ask": instructions: "vm" is not a fact of a run (did you mean "vms"?)',
            """11: group "db": before "Say": instructions: this cannot be filled in while a fact is not known yet: unsupported operand type(s) for *: 'NoneType' and 'int'""",
            """12: group "db": before "X": instructions: {{ … }} is not closed, or not right inside: unexpected end of template, expected 'end of print statement'.""",
        ],
    ),
    "a VM with a dash": (
        _GROUP
        + "    vms:\n      - name: sql-a\n        before:\n"
        + "          - {gate: Ask, instructions: 'Is {{ vms.sql-a.host }} up?'}\n"
        + "          - {gate: Say, instructions: '{{ vm.hots }}'}\n",
        [
            """8: group "db": vm "sql-a": before "Ask": instructions: a dash is a minus in vms.sql-a: write vms['sql-a']""",
            '9: group "db": vm "sql-a": before "Say": instructions: "hots" is not a fact of a VM (did you mean "host"?)',
        ],
    ),
    # readiness
    "probes": (
        _vm("ready:", "  - heartbeet", "  - {tcp: 99999}", "  - {http: web01}", "  - {htp: x}"),
        [
            '8: group "db": vm "sql01": ready 1: "heartbeet" is not one of the possible values (did you mean "heartbeat"?): write heartbeat',
            '9: group "db": vm "sql01": ready 2: tcp: 99999 is out of range: write a value of at most 65535',
            '10: group "db": vm "sql01": ready 3: http: "web01" is not a web address: write one like http://{address}:8080/health ({address} stands for the VM\'s address)',
            '11: group "db": vm "sql01": ready 4: this is not a probe: write heartbeat, {tcp: 1433} or {http: "http://{address}:8080/health"}',
        ],
    ),
    # addresses
    "an address rule that is none": (
        _vm("address: statc"),
        ['7: group "db": vm "sql01": address: "statc" is not one of the possible values: write pool, dhcp or keep'],
    ),
    "an address without prefix length": (
        _vm("address: {ipv4: 10.2.0.22}"),
        ['7: group "db": vm "sql01": address: ipv4: "10.2.0.22" has no prefix length: write 10.2.0.22/24, or what is right'],
    ),
    "an address of the other family": (
        _vm("address: {ipv4: '2001:db8:2::22/64'}"),
        ['7: group "db": vm "sql01": address: ipv4: "2001:db8:2::22/64" is an IPv6 address: write it under ipv6'],
    ),
    "an address without address": (
        _vm("address: {gateway: 10.2.0.1}"),
        ['7: group "db": vm "sql01": address: a static address needs ipv4 or ipv6: write {ipv4: 10.2.0.22/24}'],
    ),
    "two rules for one adapter": (
        _vm("address: {ipv4: 10.2.0.22/24, adapter: LAN}\n        adapters: {lan: dhcp}"),
        ['7: group "db": vm "sql01": address: the adapter LAN has another rule under `adapters`: keep one of them'],
    ),
    "an adapter that is named twice": (
        _vm("adapters: {LAN: {ipv4: 10.2.0.22/24, adapter: LAN}}"),
        ['7: group "db": vm "sql01": adapters: LAN: adapter: the adapter is named already: remove adapter: LAN'],
    ),
    "a wrong address of a further adapter": (
        _vm("adapters: {LAN: {ipv4: 10.1.0.22/24}}"),
        ['7: group "db": vm "sql01": adapters: LAN: ipv4: 10.1.0.22 is in no subnet of the recovery networks (10.2.0.0/24): write an address of one of them'],
    ),
    "an address outside the recovery networks": (
        _vm("address: {ipv4: 10.1.0.22/24}"),
        ['7: group "db": vm "sql01": address: ipv4: 10.1.0.22 is in no subnet of the recovery networks (10.2.0.0/24): write an address of one of them'],
    ),
    "an address with another prefix length than the network": (
        _vm("address: {ipv4: 10.2.0.22/16}"),
        ['7: group "db": vm "sql01": address: ipv4: the subnet is 10.2.0.0/24: write 10.2.0.22/24'],
    ),
    "the address of the network itself": (
        _vm("address: {ipv4: 10.2.0.255/24}"),
        ['7: group "db": vm "sql01": address: ipv4: 10.2.0.255 is the first or the last address of 10.2.0.0/24, which no machine may have: write another one'],
    ),
    "a gateway elsewhere": (
        _vm("address: {ipv4: 10.2.0.22/24, gateway: 10.3.0.1}"),
        ['7: group "db": vm "sql01": address: gateway: 10.3.0.1 is not in 10.2.0.0/24: write a gateway of that subnet, or mend the prefix length'],
    ),
    "itself as gateway": (
        _vm("address: {ipv4: 10.2.0.22/24, gateway: 10.2.0.22}"),
        ['7: group "db": vm "sql01": address: gateway: 10.2.0.22 is the VM\'s own address: write the router\'s'],
    ),
    "a gateway of the other family": (
        _vm("address: {ipv4: 10.2.0.22/24, gateway6: '2001:db8:2::1'}"),
        ['7: group "db": vm "sql01": address: gateway6: a gateway without an address: write ipv6 too, or remove gateway6'],
    ),
    "one address for two VMs": (
        _GROUP
        + "    vms:\n"
        + "      - {name: a, address: {ipv4: 10.2.0.22/24}}\n"
        + "      - {name: b, address: {ipv4: 10.2.0.22/24}}\n",
        ['7: group "db": vm "b": address: ipv4: 10.2.0.22 is the address of a too: give one of them another'],
    ),
    # DNS
    "a name outside its zone": (
        _vm("dns: [{name: sql.corp.exmple, zone: corp.example}]"),
        ['7: group "db": vm "sql01": dns "sql.corp.exmple": name: sql.corp.exmple is not in the zone corp.example: write sql.corp.example, or the right zone'],
    ),
    "a zone that nobody serves": (
        _vm("dns: [{name: sql.corp.exmple, zone: corp.exmple}]"),
        ['7: group "db": vm "sql01": dns "sql.corp.exmple": zone: no dns target of the estate serves the zone "corp.exmple" (did you mean "corp.example"?)'],
    ),
    "a name that is none": (
        _vm("dns: [{name: sql_01.-x.corp.example, zone: corp.example}]"),
        ['7: group "db": vm "sql01": dns "sql_01.-x.corp.example": name: "sql_01.-x.corp.example" is not a DNS name ("-x" is not possible in one): write one like sql.corp.example'],
    ),
    "a name twice": (
        _vm("dns:", "  - {name: sql.corp.example, zone: corp.example}", "  - {name: SQL.corp.example., zone: corp.example}"),
        ['9: group "db": vm "sql01": dns "SQL.corp.example.": this name is written twice: keep one'],
    ),
    "a TTL of half a second": (
        _vm("dns: [{name: sql.corp.example, zone: corp.example, ttl: 500ms}]"),
        ['7: group "db": vm "sql01": dns "sql.corp.example": ttl: a TTL is in whole seconds: write 60s or 5m'],
    ),
    # estate
    "an unknown protection": (
        "name: web\nprotection: tokyo-oska\ngroups: [{name: db, vms: [a]}]\n",
        ['2: protection: "tokyo-oska" is not a protection of the estate (did you mean "tokyo-osaka"?)'],
    ),
    "faults of the structure do not hide those of the content": (
        _vm("boot_timeot: 5m", "depends_on: [sql00]"),
        [
            '7: group "db": vm "sql01": "boot_timeot" is not known here (did you mean "boot_timeout"?)',
            '8: group "db": vm "sql01": depends_on 1: "sql00" is not a VM of this plan (there are none)',
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_plan_is_told_line_by_line_with_what_to_write(
    folder: PlansFolder, text: str, expected: list[str]
) -> None:
    estate = folder.write_estate()
    folder.write("scripts/point.ps1", "Write-Output 'x'\n")
    folder.write("scripts/point.sh", "echo x\n")
    plan = folder.write("web.yaml", text)

    verdict = examine(estate, [plan])

    assert [str(fault) for fault in verdict.faults] == [
        f"plans/web.yaml:{each}" for each in expected
    ]


def test_warnings_are_told_apart_from_faults(folder: PlansFolder) -> None:
    estate = folder.write_estate(
        lambda text: text.replace("for_tests: true", "").replace(
            "    stands_for: {corp.example: dr-test.corp.example}\n", ""
        )
    )
    plan = folder.write(
        "web.yaml",
        "name: web\nprotection: tokyo-osaka\nobjectives: {rto: 5m}\ngroups:\n"
        "  - name: db\n    vms:\n      - name: sql01\n        boot_timeout: 10m\n        dns:\n"
        "          - {name: sql.corp.example, zone: corp.example, ttl: 1h}\n",
    )

    verdict = examine(estate, [plan])

    assert verdict.faults == ()
    assert [str(warning) for warning in verdict.warnings] == [
        'plans/web.yaml:8: group "db": vm "sql01": boot_timeout: it may take 10m to boot, longer '
        "than the RTO of 5m: write a shorter boot_timeout",
        'plans/web.yaml:10: group "db": vm "sql01": dns "sql.corp.example": test failovers will '
        "write no names of corp.example: no dns target for tests serves it; add one to the estate "
        "(for_tests: true)",
        'plans/web.yaml:10: group "db": vm "sql01": dns "sql.corp.example": ttl: clients may keep '
        "the old address for 1h, longer than the RTO of 5m: write a shorter ttl",
    ]


def test_a_long_circle_does_not_exhaust_the_stack(folder: PlansFolder, tmp_path: Path) -> None:
    count = 1500
    vms = "".join(
        f"      - {{name: vm{index}, depends_on: [vm{(index + 1) % count}]}}\n"
        for index in range(count)
    )
    plan = folder.write("web.yaml", _GROUP + "    vms:\n" + vms)

    verdict = examine(folder.write_estate(), [plan])

    assert len(verdict.faults) == 1
    assert "wait for each other: vm0 → vm1 → " in str(verdict.faults[0])
