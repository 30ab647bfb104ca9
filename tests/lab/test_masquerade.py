from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_network

import pytest

from secondsite.lab.masquerade import claim_masquerade

_NETWORKS: dict[str, list[IPv4Network | IPv6Network]] = {
    "tokyo-prod": [IPv4Network("10.1.0.0/24"), IPv6Network("2001:db8:1::/64")],
    "osaka-prod": [IPv4Network("10.2.0.0/24")],
    "osaka-test": [IPv4Network("10.2.0.0/24"), IPv4Network("10.9.0.0/20")],
}


def test_each_network_has_its_own_block_and_the_host_part_is_kept() -> None:
    masquerade = claim_masquerade(_NETWORKS)

    inside = IPv4Address("10.2.0.22")
    production = masquerade.translate("osaka-prod", inside)
    test = masquerade.translate("osaka-test", inside)
    masquerade.release()

    assert production != test
    assert str(production).endswith(".22")
    assert str(test).endswith(".22")
    assert production in IPv4Network("127.0.0.0/8")


def test_blocks_never_overlap_and_have_the_size_of_their_subnets() -> None:
    masquerade = claim_masquerade(_NETWORKS)
    masquerade.release()

    pairs = [pair for blocks in masquerade.blocks.values() for pair in blocks.items()]
    blocks = [block for _, block in pairs]
    assert all(subnet.prefixlen == block.prefixlen for subnet, block in pairs)
    assert not any(
        one.overlaps(other) for index, one in enumerate(blocks) for other in blocks[index + 1 :]
    )


def test_two_labs_at_once_get_different_blocks_and_release_gives_them_back() -> None:
    one = claim_masquerade(_NETWORKS)
    other = claim_masquerade(_NETWORKS)

    first, second = (each.blocks["osaka-prod"][IPv4Network("10.2.0.0/24")] for each in (one, other))
    one.release()
    again = claim_masquerade(_NETWORKS)
    other.release()
    again.release()

    assert not first.supernet(new_prefix=16).overlaps(second.supernet(new_prefix=16))
    assert again.blocks["osaka-prod"][IPv4Network("10.2.0.0/24")] == first


@pytest.mark.parametrize("count", [1, 3])
def test_a_whole_sixteen_takes_a_claim_of_its_own(count: int) -> None:
    networks = {f"net-{index}": [IPv4Network("10.0.0.0/16")] for index in range(count)}

    masquerade = claim_masquerade(networks)
    masquerade.release()

    blocks = {block for each in masquerade.blocks.values() for block in each.values()}
    assert len(blocks) == count
    assert {block.prefixlen for block in blocks} == {16}


def test_addresses_outside_every_subnet_are_nowhere() -> None:
    masquerade = claim_masquerade(_NETWORKS)
    masquerade.release()

    assert masquerade.translate("osaka-prod", IPv4Address("10.1.0.22")) is None
    assert masquerade.translate("nara-prod", IPv4Address("10.2.0.22")) is None


def test_what_the_engine_reads_names_subnet_and_block() -> None:
    masquerade = claim_masquerade(_NETWORKS)
    masquerade.release()

    told = masquerade.as_dict()

    assert set(told) == set(_NETWORKS)
    assert list(told["tokyo-prod"]) == ["10.1.0.0/24"]
    assert ip_network(told["tokyo-prod"]["10.1.0.0/24"]).prefixlen == 24
