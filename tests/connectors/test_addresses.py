from __future__ import annotations

import pytest

from secondsite.connectors.addresses import usable_addresses


@pytest.mark.parametrize(
    ("reported", "usable"),
    [
        ([], ()),
        (["10.2.0.22"], ("10.2.0.22",)),
        (["fe80::215:5dff:fe00:1", "10.2.0.22"], ("10.2.0.22",)),
        (["169.254.7.9"], ()),
        (["2001:DB8:0:0::22", "10.2.0.22"], ("10.2.0.22", "2001:db8::22")),
        (["10.2.0.22", "10.2.0.9"], ("10.2.0.9", "10.2.0.22")),
        (["10.2.0.22", "10.2.0.22"], ("10.2.0.22",)),
        (["127.0.0.1", "::1", "0.0.0.0", "::", "224.0.0.251", "ff02::1"], ()),
        (["", None, "not an address", 7.5], ()),
        (["fe80::1%12", "2001:db8::5%12"], ("2001:db8::5",)),
    ],
)
def test_only_addresses_that_lead_somewhere_are_kept(
    reported: list[object], usable: tuple[str, ...]
) -> None:
    assert usable_addresses(reported) == usable
