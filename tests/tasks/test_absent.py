"""DNS servers that went with a dead site: who is done without, and what is said of it."""

from __future__ import annotations

from typing import Any

import pytest

from secondsite.connectors.dns import Finding, Severity, Verification
from secondsite.connectors.dns.verification import Sight, SightStatus
from secondsite.plan.estate import DnsTarget, Estate
from tasks.absent import Absent


def estate(*servers: dict[str, Any], site: str | None = "osaka") -> Estate:
    target = DnsTarget.model_validate(
        {"name": "production", "zones": ["corp.example"], "servers": servers, "site": site}
    )
    host = {"name": "x", "credential": "y"}
    return Estate.model_validate(
        {"sites": {name: {"vmm": host, "hosts": [host]} for name in ("tokyo", "osaka")}}
    ).model_copy(update={"dns": (target,)})


OSAKA, TOKYO, NOWHERE = {"name": "dns-o"}, {"name": "dns-t", "site": "tokyo"}, {"name": "dns-x"}


def seen(**statuses: SightStatus) -> Verification:
    sights = tuple(
        Sight(server=name.replace("_", "-"), status=status, found=None)
        for name, status in statuses.items()
    )
    return Verification(name="sql.corp.example", type="A", desired=None, sights=sights)


def leaving(site: str, *servers: dict[str, Any], asks_nothing: bool = False) -> Absent:
    absent = Absent()
    absent.expect(estate(*servers), site=site, asks_nothing=asks_nothing)
    return absent


def test_servers_of_the_site_that_is_left_and_of_no_site_may_be_gone() -> None:
    absent = leaving("tokyo", OSAKA, TOKYO, NOWHERE)

    assert absent.expendable == {"dns-t", "dns-x"}
    assert absent.gone == set()


def test_a_site_that_is_asked_nothing_is_not_asked_for_names_either() -> None:
    absent = leaving("tokyo", OSAKA, TOKYO, NOWHERE, asks_nothing=True)

    assert absent.gone == {"dns-t"}


def test_a_server_that_does_not_answer_is_excused_and_told_once() -> None:
    absent = leaving("tokyo", OSAKA, TOKYO)

    (kept,) = absent.excuse([seen(dns_o=SightStatus.DONE, dns_t=SightStatus.UNREACHABLE)])
    absent.excuse([seen(dns_o=SightStatus.DONE, dns_t=SightStatus.UNREACHABLE)])

    assert kept.trouble() is None
    assert [text.partition(" is given up")[0] for text in absent.news()] == ["dns-t"]
    assert absent.news() == []


@pytest.mark.parametrize(
    "statuses",
    [
        {"dns_o": SightStatus.UNREACHABLE, "dns_t": SightStatus.DONE},
        {"dns_o": SightStatus.DONE, "dns_t": SightStatus.CONFLICT},
        {"dns_o": SightStatus.DONE, "dns_t": SightStatus.LAGGING},
    ],
)
def test_nothing_else_is_excused(statuses: dict[str, SightStatus]) -> None:
    absent = leaving("tokyo", OSAKA, TOKYO)

    (kept,) = absent.excuse([seen(**statuses)])

    assert kept.trouble() is not None
    assert absent.gone == set()


def test_outside_an_unplanned_failover_every_server_counts() -> None:
    (kept,) = Absent().excuse([seen(dns_o=SightStatus.DONE, dns_t=SightStatus.UNREACHABLE)])

    assert kept.trouble() is not None


@pytest.mark.parametrize(("is_away", "severity"), [(True, "warning"), (False, "error")])
def test_a_dead_server_speaks_against_nothing_and_a_refusing_one_does(
    is_away: bool, severity: str
) -> None:
    absent = leaving("tokyo", TOKYO)
    finding = Finding(
        severity=Severity.ERROR,
        zone="corp.example",
        server="dns-t",
        sentence="dns-t said something.",
        remedy="",
        is_away=is_away,
    )

    (weighed,) = absent.weigh([finding])

    assert weighed.severity == severity
    assert absent.lacks(estate(TOKYO).dns[0]) == is_away
