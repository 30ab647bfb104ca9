"""Where on loopback the guests of a lab answer: each network's subnets 1:1 in blocks of 127/8.

Two networks with the same subnets (production and its isolated copy) get different blocks, and two
labs on one machine too: a lab claims whole /16 blocks, each by holding one socket in it. The
engine reaches an isolated network of a real site in the same way, through an address-translating
router.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from ipaddress import IPv4Address, IPv4Network

from secondsite.errors import UnreachableError

__all__ = ["Masquerade", "claim_masquerade"]

_CLAIM_PORT = 46061
_FIRST_OCTET, _LAST_OCTET = 64, 254


class Masquerade:
    """Blocks by network and subnet; holds the claims until `release`."""

    def __init__(
        self,
        blocks: Mapping[str, Mapping[IPv4Network, IPv4Network]],
        claims: Sequence[socket.socket] = (),
    ) -> None:
        self.blocks = blocks
        self._claims = list(claims)

    def translate(self, network: str, address: IPv4Address) -> IPv4Address | None:
        """Where the address of that network is on loopback; None if it is in no subnet of it."""
        for subnet, block in self.blocks.get(network, {}).items():
            if address in subnet:
                offset = int(address) - int(subnet.network_address)
                return IPv4Address(int(block.network_address) + offset)
        return None

    def as_dict(self) -> dict[str, dict[str, str]]:
        """`{network: {subnet: block}}`."""
        return {
            network: {str(subnet): str(block) for subnet, block in blocks.items()}
            for network, blocks in self.blocks.items()
        }

    def release(self) -> None:
        """Let other labs have the blocks."""
        for claim in self._claims:
            claim.close()
        self._claims.clear()


def claim_masquerade(networks: Mapping[str, Iterable[object]]) -> Masquerade:
    """Blocks for the IPv4 subnets of each network (others are left out: 127/8 has only IPv4).

    No subnet may be larger than a /16; `estate_checks` sees to that.

    Raises:
        UnreachableError: this machine has not enough free blocks, or binds nothing in 127/8.
    """
    wanted = [
        (name, subnet)
        for name, subnets in networks.items()
        for subnet in subnets
        if isinstance(subnet, IPv4Network)
    ]
    wanted.sort(key=lambda item: item[1].prefixlen)  # large ones first, so that all are aligned
    blocks: dict[str, dict[IPv4Network, IPv4Network]] = {name: {} for name in networks}
    claims: list[socket.socket] = []
    free: list[tuple[int, int]] = []  # (next address, last address) of claimed ground
    octet = _FIRST_OCTET
    try:
        for name, subnet in wanted:
            size = max(subnet.num_addresses, 256)
            while not (ground := _take(free, size)):
                octet, claim = _claim_from(octet)
                claims.append(claim)
                base = int(IPv4Address(f"127.{octet}.0.0"))
                free.append((base, base + 2**16 - 1))
                octet += 1
            blocks[name][subnet] = IPv4Network((ground, subnet.prefixlen))
    except UnreachableError:
        for claim in claims:
            claim.close()
        raise
    return Masquerade(blocks, claims)


def _take(free: list[tuple[int, int]], size: int) -> int:
    for index, (first, last) in enumerate(free):
        aligned = -(-first // size) * size
        # The last 256 addresses of a claimed block stay unused: the claim itself is there.
        if aligned + size - 1 <= last - (256 if size < 2**16 else 0):
            free[index] = (aligned + size, last)
            return aligned
    return 0


def _claim_from(octet: int) -> tuple[int, socket.socket]:
    """The first octet from `octet` on that no other lab has, with the socket that holds it."""
    for candidate in range(octet, _LAST_OCTET + 1):
        claim = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        with suppress(OSError):
            claim.bind((f"127.{candidate}.255.254", _CLAIM_PORT))
            claim.listen(1)
            return candidate, claim
        claim.close()
    raise UnreachableError(
        "The lab finds no free block of loopback addresses for its guests "
        f"(127.{octet}.0.0 to 127.{_LAST_OCTET}.255.255).",
        next_step="End other labs (`secondsite lab down` in their homes), or use Linux, "
        "where all of 127.0.0.0/8 is local.",
    )
