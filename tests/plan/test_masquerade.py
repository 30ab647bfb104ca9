from __future__ import annotations

from ipaddress import IPv4Network

from hypothesis import given
from hypothesis import strategies as st

from secondsite.plan.estate import Network
from secondsite.plan.masquerade import masqueraded

NETWORK = Network.model_validate(
    {
        "name": "bubble",
        "switch": "s",
        "subnets": ["10.2.0.0/24", "10.3.0.0/16"],
        "masquerade": ["172.31.7.0/24", "172.20.0.0/16"],
    }
)


def test_an_address_keeps_its_host_part_in_the_block_of_its_subnet() -> None:
    assert masqueraded(NETWORK, "10.2.0.22") == "172.31.7.22"
    assert masqueraded(NETWORK, "10.3.4.5") == "172.20.4.5"


def test_an_address_outside_and_a_network_without_masquerade_change_nothing() -> None:
    plain = Network(name="n", switch="s", subnets=(IPv4Network("10.2.0.0/24"),))

    assert masqueraded(NETWORK, "10.9.0.1") == "10.9.0.1"
    assert masqueraded(plain, "10.2.0.22") == "10.2.0.22"
    assert masqueraded(None, "10.2.0.22") == "10.2.0.22"
    assert masqueraded(NETWORK, "2001:db8::1") == "2001:db8::1"


@given(st.ip_addresses(v=4, network="10.3.0.0/16"), st.ip_addresses(v=4, network="10.3.0.0/16"))
def test_no_two_addresses_share_a_masquerade(one: object, other: object) -> None:
    same = masqueraded(NETWORK, str(one)) == masqueraded(NETWORK, str(other))

    assert same == (one == other)
