"""A folder with an estate that is right, and plans as a test writes them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

ESTATE = """\
credentials:
  operator: {username: CORP\\operator, password: {env: OPERATOR_PASSWORD}}
keys:
  - {name: dr-key, secret: {env: DR_KEY}}
  - {name: dr-test-key, secret: {env: DR_TEST_KEY}}
sites:
  tokyo:
    vmm: {name: vmm-tokyo, credential: operator}
    hosts: [{name: hv-tokyo-1, credential: operator}]
    clouds: [tokyo-gold]
    networks: [{name: tokyo-prod, switch: prod, subnets: [10.1.0.0/24]}]
  osaka:
    vmm: {name: vmm-osaka, credential: operator}
    hosts: [{name: hv-osaka-1, credential: operator}]
    clouds: [osaka-gold]
    networks:
      - {name: osaka-prod, switch: prod, subnets: [10.2.0.0/24, "2001:db8:2::/64"]}
      - {name: osaka-test, switch: test, subnets: [10.2.0.0/24], purpose: test}
dns:
  - name: production
    zones: [corp.example, 2.10.in-addr.arpa]
    servers: [{name: dns-osaka, address: 10.2.0.53}, {name: dns-tokyo, address: 10.1.0.53}]
    key: dr-key
    site: osaka
  - name: rehearsal
    zones: [dr-test.corp.example]
    servers: [{name: dns-test, address: 10.2.0.54}]
    key: dr-test-key
    for_tests: true
    stands_for: {corp.example: dr-test.corp.example}
protections:
  - name: tokyo-osaka
    primary: tokyo
    recovery: osaka
    primary_cloud: tokyo-gold
    recovery_cloud: osaka-gold
    networks: {tokyo-prod: osaka-prod}
    test_network: osaka-test
"""

PLAN = """\
name: web
protection: tokyo-osaka
groups:
  - name: databases
    vms: [sql01]
"""


class PlansFolder:
    """A folder of plans that a test fills; the current directory of the test is around it."""

    def __init__(self, root: Path) -> None:
        self.path = Path("plans")
        self.root = root
        self.path.mkdir()

    def write(self, name: str, text: str) -> Path:
        """A file of the folder; gives its path as a person would give it."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def write_estate(self, change: Callable[[str], str] = lambda text: text) -> Path:
        """The estate that is right, as changed."""
        return self.write("estate.yaml", change(ESTATE))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PlansFolder:
    """An empty folder `plans` in the current directory."""
    monkeypatch.chdir(tmp_path)
    return PlansFolder(tmp_path)


@pytest.fixture
def right_plan() -> str:
    """The text of a plan without a fault."""
    return PLAN
