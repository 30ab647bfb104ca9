"""What signs the changes of a DNS target, from what the estate says."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from secondsite.connectors.dns import KerberosAccount, TsigKey
from secondsite.errors import CredentialError
from secondsite.plan.estate import Estate
from tasks.connections import Sites

pytestmark = pytest.mark.anyio


def an_estate(**account: Any) -> Estate:
    server = {"name": "s", "credential": "dns"}
    return Estate.model_validate(
        {
            "credentials": {
                "dns": {"username": "CORP\\dr-engine", "password": {"file": "{home}/dns"}}
            },
            "sites": {"here": {"vmm": server, "hosts": [server]}},
            "keys": [{"name": "dr-key", "secret": {"file": "{home}/dns"}}],
            "kerberos": [
                {"name": "corp", "realm": "CORP.EXAMPLE", "kdcs": ["10.2.0.10", "[::1]:1088"]}
                | account
            ],
            "dns": [
                {
                    "name": "production",
                    "zones": ["corp.example"],
                    "servers": [
                        {"name": "DC1", "address": "10.2.0.10"},
                        {"name": "dc2.west.example", "address": "10.2.0.11"},
                        {"name": "three", "address": "10.2.0.12", "host": "dc3.corp.example"},
                    ],
                    "kerberos": "corp",
                },
                {
                    "name": "bind",
                    "zones": ["other.example"],
                    "servers": [{"name": "ns", "address": "10.2.0.13"}],
                    "key": "dr-key",
                },
            ],
        }
    )


async def test_an_account_with_a_password_takes_its_name_from_the_credential(
    tmp_path: Path,
) -> None:
    (tmp_path / "dns").write_text("p4ss")
    sites = Sites(an_estate(credential="dns"), home=tmp_path)
    try:
        target = sites.zone("production", "corp.example").target
    finally:
        await sites.close()

    assert isinstance(target.key, KerberosAccount)
    assert (target.key.principal, target.key.keytab) == ("dr-engine", None)
    assert target.key.password is not None
    assert target.key.password.get_secret_value() == "p4ss"
    assert target.key.kdcs == (("10.2.0.10", 88), ("::1", 1088))
    assert "p4ss" not in repr(target)
    assert [server.host for server in target.servers] == [
        "dc1.corp.example",
        "dc2.west.example",
        "dc3.corp.example",
    ]


async def test_an_account_with_a_keytab_warns_if_others_may_read_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    keytab = tmp_path / "dr.keytab"
    keytab.touch(mode=0o644)
    sites = Sites(an_estate(principal="dr", keytab="{home}/dr.keytab"), home=tmp_path)
    try:
        with caplog.at_level(logging.WARNING):
            target = sites.zone("production", "corp.example").target
    finally:
        await sites.close()

    assert isinstance(target.key, KerberosAccount)
    assert (target.key.keytab, target.key.password) == (str(keytab), None)
    assert f"chmod 600 {keytab}" in caplog.text


async def test_a_password_that_is_not_there_is_told_when_the_zone_is_wanted(tmp_path: Path) -> None:
    sites = Sites(an_estate(credential="dns"), home=tmp_path)
    try:
        with pytest.raises(CredentialError, match='password of credential "dns"'):
            sites.zone("production", "corp.example")
        (tmp_path / "dns").write_text("c2VjcmV0")
        assert isinstance(sites.zone("bind", "other.example").target.key, TsigKey)
    finally:
        await sites.close()
