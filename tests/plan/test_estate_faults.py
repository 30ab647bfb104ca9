"""The table of what can be wrong in an estate: above all, tests that reach production."""

# ruff: noqa: E501 - the lines of a table are what a person sees, whole

from __future__ import annotations

import pytest

from secondsite.errors import PlanError
from secondsite.plan.loader import examine, load_estate, load_plan
from tests.plan.conftest import ESTATE, PlansFolder

KERBEROS = (
    "sites:\n  tokyo:",
    "kerberos:\n  - {name: corp-dns, realm: CORP.EXAMPLE, principal: dr, keytab: k, kdcs: [10.2.0.10]}\nsites:\n  tokyo:",
)

WRONG: dict[str, tuple[list[tuple[str, str]], list[str]]] = {
    "a credential that is not there": (
        [("vmm-osaka, credential: operator", "vmm-osaka, credential: operatr")],
        ['13: sites: osaka: vmm: credential: "operatr" is not one of the credentials (did you mean "operator"?)'],
    ),
    "a secret in the file": (
        [("password: {env: OPERATOR_PASSWORD}", "password: hunter2")],
        ["2: credentials: operator: password: text does not fit here: write a mapping (key: value)"],
    ),
    "a secret with two sources": (
        [("{env: OPERATOR_PASSWORD}", "{env: A, file: b}")],
        ["2: credentials: operator: password: a secret has exactly one source: write {env: NAME}, {file: PATH} or {prefect_block: NAME}"],
    ),
    "a file with an unknown place": (
        [("{env: OPERATOR_PASSWORD}", '{file: "{hme}/x"}')],
        ["2: credentials: operator: password: file: only {home} may stand in braces: write {home}/secrets/NAME or a full path"],
    ),
    "a password over the wire": (
        [("hv-osaka-1, ", "hv-osaka-1, transport: basic, https: false, ")],
        ['14: sites: osaka: host "hv-osaka-1": transport: basic without https sends the password readable: write https: true, or transport: kerberos'],
    ),
    "a certificate without its files": (
        [("hv-osaka-1, ", "hv-osaka-1, transport: certificate, ")],
        ['14: sites: osaka: host "hv-osaka-1": transport: a certificate needs its files: write certificate: PATH and certificate_key: PATH'],
    ),
    "two servers of one name": (
        [("hv-osaka-1", "HV-tokyo-1")],
        ['14: sites: osaka: host "HV-tokyo-1": name: another server is named HV-tokyo-1 (line 9): every server of the estate needs a name of its own'],
    ),
    "two networks of one name": (
        [("name: tokyo-prod", "name: osaka-prod"), ("{tokyo-prod: osaka-prod}", "{osaka-prod: osaka-prod}")],
        ['17: sites: osaka: network "osaka-prod": name: another network is named osaka-prod (line 11): every network of the estate needs a name of its own'],
    ),
    "a masquerade of another size": (
        [("purpose: test", "purpose: test, masquerade: [10.9.0.0/16]")],
        ['18: sites: osaka: network "osaka-test": masquerade: a masquerade has one subnet for each of `subnets`, of the same size: write a /24 (IPv4)'],
    ),
    "an address for a subnet": (
        [("[10.1.0.0/24]", "[10.1.0.7/24]")],
        ['11: sites: tokyo: network "tokyo-prod": subnets 1: "10.1.0.7/24" is an address inside a subnet: write 10.1.0.0/24 for the subnet'],
    ),
    "a name server in a site that is not there": (
        [("name: dns-osaka,", "name: dns-osaka, site: osakka,")],
        ['22: dns "production": server "dns-osaka": site: "osakka" is not one of the sites (did you mean "osaka"?)'],
    ),
    "a key that is not there": (
        [("key: dr-test-key", "key: dr-tst-key")],
        ['28: dns "rehearsal": key: "dr-tst-key" is not one of the keys (did you mean "dr-test-key"?)'],
    ),
    "a Kerberos account that is not there": (
        [KERBEROS, ("    key: dr-key\n", "    kerberos: corp-dsn\n")],
        ['25: dns "production": kerberos: "corp-dsn" is not one of the Kerberos accounts (did you mean "corp-dns"?)'],
    ),
    "a key and a Kerberos account": (
        [KERBEROS, ("    key: dr-key\n", "    key: dr-key\n    kerberos: corp-dns\n")],
        ['26: dns "production": kerberos: changes are signed by a key or by a Kerberos account: remove key or kerberos'],
    ),
    "a Kerberos account without a proof": (
        [KERBEROS, ("keytab: k, ", "")],
        ['7: kerberos "corp-dns": an account proves itself in one way: write keytab: PATH, or credential: NAME'],
    ),
    "a Kerberos account with two proofs": (
        [KERBEROS, ("keytab: k, ", "keytab: k, credential: operator, ")],
        ['7: kerberos "corp-dns": an account proves itself in one way: write keytab: PATH, or credential: NAME'],
    ),
    "a keytab without its principal": (
        [KERBEROS, ("principal: dr, ", "")],
        ['7: kerberos "corp-dns": a keytab may hold the keys of many: write principal: NAME, as klist -k shows it'],
    ),
    "a Kerberos account of an unknown credential": (
        [KERBEROS, ("keytab: k, ", "credential: operatr, ")],
        ['7: kerberos "corp-dns": credential: "operatr" is not one of the credentials (did you mean "operator"?)'],
    ),
    "a realm that is a domain, a KDC by name": (
        [KERBEROS, ("CORP.EXAMPLE", "corp.example"), ("[10.2.0.10]", "[dc1.corp.example]")],
        [
            '7: kerberos "corp-dns": kdcs 1: "dc1.corp.example" is a name, and names may be what is being repaired: write an address, like 10.2.0.10',
            '7: kerberos "corp-dns": realm: a realm is written in capitals: write "CORP.EXAMPLE"',
        ],
    ),
    "a principal with its realm": (
        [KERBEROS, ("principal: dr,", "principal: dr@CORP.EXAMPLE,")],
        ['7: kerberos "corp-dns": principal: the realm has a place of its own: write principal: dr'],
    ),
    "a keytab at an unknown place": (
        [KERBEROS, ("keytab: k, ", 'keytab: "{hme}/k", ')],
        ['7: kerberos "corp-dns": keytab: only {home} may stand in braces: write {home}/secrets/NAME or a full path'],
    ),
    "a server whose host name Kerberos cannot know": (
        [KERBEROS, ("    key: dr-key\n", "    kerberos: corp-dns\n"), ("name: dns-tokyo,", "name: the old one,")],
        ['24: dns "production": server "the old one": Kerberos knows servers by their full host names, and "the old one" is none: write host: dc1.corp.example'],
    ),
    "a DNS server by name": (
        [("address: 10.2.0.53", "address: dns.corp.example")],
        ['22: dns "production": server "dns-osaka": address: "dns.corp.example" is a name, and names may be what is being repaired: write its address, like 10.2.0.10'],
    ),
    "a DNS server without address": (
        [("{name: dns-osaka, address: 10.2.0.53}", "{name: dns-osaka}")],
        ['22: dns "production": server "dns-osaka": its address is missing: write address: 10.2.0.10'],
    ),
    "an unknown site of a target": (
        [("    site: osaka\n", "    site: osak\n")],
        ['24: dns "production": site: "osak" is not one of the sites (did you mean "osaka"?)'],
    ),
    "a zone that stands for none": (
        [("{corp.example: dr-test.corp.example}", "{corp.exmple: dr-test.corp.example}")],
        ['30: dns "rehearsal": stands_for: corp.exmple: "corp.exmple" is a zone of no production target (did you mean "corp.example"?)'],
    ),
    "a stand-in that the target does not have": (
        [("{corp.example: dr-test.corp.example}", "{corp.example: test.corp.example}")],
        ['30: dns "rehearsal": stands_for: corp.example: "test.corp.example" is not one of the zones of rehearsal (did you mean "dr-test.corp.example"?)'],
    ),
    "stand-ins in production": (
        [("    for_tests: true\n", "")],
        ['29: dns "rehearsal": stands_for: zones stand for others in tests only: write for_tests: true, or remove this'],
    ),
    "tests on the production zone of the same server": (
        [("address: 10.2.0.54", "address: 10.2.0.53"), ("[dr-test.corp.example]", "[dr-test.corp.example, corp.example]")],
        ['26: dns "rehearsal": zones 2: tests would change the production zone corp.example on dns-test (target production): write a zone for tests, like dr-test.corp.example, and stands_for: {corp.example: dr-test.corp.example}, or other servers'],
    ),
    "an unknown site of a protection": (
        [("recovery: osaka\n", "recovery: osaca\n")],
        ['34: protection "tokyo-osaka": recovery: "osaca" is not one of the sites (did you mean "osaka"?)'],
    ),
    "one site for both": (
        [("recovery: osaka\n", "recovery: tokyo\n"), ("recovery_cloud: osaka-gold", "recovery_cloud: tokyo-gold")],
        ['34: protection "tokyo-osaka": recovery: a protection leads from one site to another: write another site'],
    ),
    "an unknown cloud": (
        [("recovery_cloud: osaka-gold", "recovery_cloud: osaka-glod")],
        ['36: protection "tokyo-osaka": recovery_cloud: "osaka-glod" is not a cloud of osaka (did you mean "osaka-gold"?)'],
    ),
    "unknown networks": (
        [("{tokyo-prod: osaka-prod}", "{tokyo-pord: osaka-pord}"), ("test_network: osaka-test", "test_network: osaka-tst")],
        [
            '37: protection "tokyo-osaka": networks: tokyo-pord: "osaka-pord" is not a network of osaka (did you mean "osaka-prod"?)',
            '37: protection "tokyo-osaka": networks: tokyo-pord: "tokyo-pord" is not a network of tokyo (did you mean "tokyo-prod"?)',
            '38: protection "tokyo-osaka": test_network: "osaka-tst" is not a network of osaka (did you mean "osaka-test"?)',
        ],
    ),
    "tests in a production network": (
        [("test_network: osaka-test", "test_network: osaka-prod")],
        ['38: protection "tokyo-osaka": test_network: osaka-prod is a production network, and test VMs must never reach one: write an isolated network, or purpose: test at osaka-prod if it is one'],
    ),
    "production in a test network": (
        [("{tokyo-prod: osaka-prod}", "{tokyo-prod: osaka-test}")],
        ['37: protection "tokyo-osaka": networks: tokyo-prod: osaka-test is a test network: production VMs would be cut off there; write a network whose purpose is production'],
    ),
    "subnets of different sizes": (
        [("    networks: {tokyo", "    subnets: {10.1.0.0/16: 10.2.0.0/24}\n    networks: {tokyo")],
        ['37: protection "tokyo-osaka": subnets: 10.1.0.0/16: 10.1.0.0/16 and 10.2.0.0/24 differ in size, so host parts cannot be kept: write two subnets of one size'],
    ),
    "subnet rules that overlap": (
        [("    networks: {tokyo", "    subnets: {10.1.0.0/24: 10.2.0.0/24, 10.1.0.0/25: 10.2.0.0/25}\n    networks: {tokyo")],
        [
            '37: protection "tokyo-osaka": subnets: 10.1.0.0/25: 10.1.0.0/25 overlaps 10.1.0.0/24 of the rule 10.1.0.0/24: 10.2.0.0/24, so an address of tokyo would have two in the other site: write subnets that do not overlap',
            '37: protection "tokyo-osaka": subnets: 10.1.0.0/25: 10.2.0.0/25 overlaps 10.2.0.0/24 of the rule 10.1.0.0/24: 10.2.0.0/24, so an address of osaka would have two in the other site: write subnets that do not overlap',
        ],
    ),
    "subnet rules that meet no network, on either side": (
        [("    networks: {tokyo", "    subnets: {10.7.0.0/24: 10.2.0.0/24, 10.1.0.0/24: 10.8.0.0/24}\n    networks: {tokyo")],
        [
            '37: protection "tokyo-osaka": subnets: 10.1.0.0/24: 10.8.0.0/24 meets no subnet of osaka (10.2.0.0/24, 2001:db8:2::/64): write one of them, or complete `subnets` of its networks',
            '37: protection "tokyo-osaka": subnets: 10.7.0.0/24: 10.7.0.0/24 meets no subnet of tokyo (10.1.0.0/24): write one of them, or complete `subnets` of its networks',
        ],
    ),
    "a gateway of another subnet": (
        [("subnets: [10.1.0.0/24]", "subnets: [10.1.0.0/24], gateways: [10.9.0.1]")],
        ['11: sites: tokyo: network "tokyo-prod": gateways 1: 10.9.0.1 is in no subnet of tokyo-prod (10.1.0.0/24): write the router\'s address in one of them'],
    ),
    "two gateways of one subnet": (
        [("subnets: [10.1.0.0/24]", "subnets: [10.1.0.0/24], gateways: [10.1.0.1, 10.1.0.2]")],
        ['11: sites: tokyo: network "tokyo-prod": gateways 2: 10.1.0.0/24 has a gateway already (10.1.0.1), and guests get one: keep one of them'],
    ),
    "an account inside the VMs that nobody knows": (
        [("test_network: osaka-test", "guest_credential: operatr")],
        ['38: protection "tokyo-osaka": guest_credential: "operatr" is not one of the credentials (did you mean "operator"?)'],
    ),
    "test networks that are none": (
        [("test_network: osaka-test", "test_networks: {osaka-prd: osaka-test, osaka-prod: osaka-prod}")],
        [
            '38: protection "tokyo-osaka": test_networks: osaka-prd: "osaka-prd" is not a production network of osaka (did you mean "osaka-prod"?)',
            '38: protection "tokyo-osaka": test_networks: osaka-prod: osaka-prod is a production network, and test VMs must never reach one: write an isolated network, or purpose: test at osaka-prod if it is one',
        ],
    ),
    "an unknown key": (
        [("clouds: [tokyo-gold]", "cloud: [tokyo-gold]")],
        ['10: sites: tokyo: "cloud" is not known here (did you mean "clouds"?)'],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "expected"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_estate_is_told_line_by_line_with_what_to_write(
    folder: PlansFolder, changes: list[tuple[str, str]], expected: list[str]
) -> None:
    text = ESTATE
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)

    verdict = examine(folder.write("estate.yaml", text), [])

    assert [str(each) for each in verdict.faults] == [
        f"plans/estate.yaml:{each}" for each in expected
    ]
    assert verdict.estate is None or not verdict.faults


def test_the_estate_of_the_tests_is_right(folder: PlansFolder) -> None:
    verdict = examine(folder.write_estate(), [])

    assert verdict.faults == ()
    assert verdict.estate is not None


def test_an_estate_of_a_lab_needs_no_addresses(folder: PlansFolder) -> None:
    text = ESTATE.replace(", address: 10.2.0.53", "").replace("sites:", "lab: two-sites\nsites:", 1)

    assert examine(folder.write("estate.yaml", text), []).faults == ()


def test_an_approver_has_a_name_of_its_own_and_a_credential_that_is_there(
    folder: PlansFolder,
) -> None:
    approvers = """\
approvers:
  - {name: Aiko, contact: aiko@corp.example, totp: operater}
  - {name: aiko}
approver_lock: 0s
"""
    path = folder.write_estate(lambda text: text + approvers)

    with pytest.raises(PlanError) as refused:
        load_estate(path)

    told = str(refused.value)
    assert '"operater" is not one of the credentials (did you mean "operator"?)' in told
    assert "another approver is named aiko" in told
    assert "a lock lasts for a while" in told


def test_a_gate_names_approvers_of_the_estate_if_it_has_any(
    folder: PlansFolder, right_plan: str
) -> None:
    gate = "    before: [{gate: Go, approvers: [aiko, Bne]}]\n"
    plan = folder.write("web.yaml", right_plan.replace("    vms:", f"{gate}    vms:"))
    without = load_estate(folder.write_estate())
    approvers = "approvers: [{name: Aiko}, {name: Ben}]\n"
    having = load_estate(folder.write_estate(lambda text: text + approvers))

    load_plan(plan, without)
    with pytest.raises(PlanError, match=r'"Bne" is not one of the approvers .*"Ben"') as refused:
        load_plan(plan, having)

    assert len(refused.value.faults) == 1
