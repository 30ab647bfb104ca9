"""A check finds approvers who would not hear of a gate, or could not decide; nothing is sent."""

from __future__ import annotations

import re
import socket
from pathlib import Path

import pytest

from flows.looking import Outlook
from secondsite.graph import Operation
from secondsite.run.finding import Severity
from tests.campaign.test_check import PLAN, checked, env
from tests.campaign.world import World, a_world
from tests.receivers import webhook

__all__ = ["env"]

pytestmark = [
    pytest.mark.integration,
    pytest.mark.anyio,
    pytest.mark.timeout(120),
    # Apprise reads all its plugins at once; one asks Python 3.11 for a module that 3.13 has not.
    pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning"),
]


def write(world: World, text: str, **urls: str) -> None:
    """The plan with a gate, its approvers and targets in the estate, and the URLs of these."""
    (world.plans / "payroll.yaml").write_text(PLAN)
    estate = world.plans / "estate.yaml"
    estate.write_text(estate.read_text() + text)
    for name, url in urls.items():
        (world.home / name).write_text(url)
        (world.home / name).chmod(0o600)


def about_approvers(outlook: Outlook) -> list[str]:
    found = [each for each in outlook.findings if each.area == "approvers"]
    assert all(each.severity is Severity.WARNING for each in found)
    assert all(each.remedy for each in found)
    return [f"{each.sentence} -> {each.remedy}" for each in found]


async def test_approvers_whom_nobody_would_tell_are_found_with_their_targets(
    tmp_path: Path, env: pytest.MonkeyPatch
) -> None:
    with a_world(tmp_path / "world") as world, socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        write(
            world,
            "approvers:\n"
            "  - {name: tanaka, contact: Tanaka <t@corp.example>}\n"
            "  - {name: boss, contact: '1'}\n"
            "notifications:\n"
            "  - {name: mails, url: {file: '{home}/gone'}, to_approvers: true}\n"
            "  - {name: odd, url: {file: '{home}/odd'}, to_approvers: true}\n"
            "  - {name: lost, url: {file: '{home}/nowhere'}, to_approvers: true}\n"
            "  - {name: other, url: {file: '{home}/nowhere'}, plans: [storefront]}\n",
            gone=f"mailto://u:planted@127.0.0.1:{nobody.getsockname()[1]}?from=dr@a.example&to=ops@corp.example",
            odd="nonsense://planted@host",
        )

        outlook = await checked(world, env, kind=Operation.PLANNED)

    found = about_approvers(outlook)
    text = "\n".join(found)
    assert len(found) == 6, text
    assert 'the contact of tanaka, "Tanaka <t@corp.example>", is no mail address -> write' in text
    assert 'the contact of boss, "1", is too short for a telephone number' in text
    assert 'tanaka, boss would not be told that the gate "Go" waits' in text
    assert re.search(r'target "mails".* 127\.0\.0\.1:\d+ does not answer', text)
    assert "secondsite notify mails" in text
    assert re.search(r'target "odd".*none that Apprise understands', text)
    assert re.search(r'target "lost".*nowhere', text)
    assert "planted" not in text
    assert outlook.is_ready, "warnings keep nobody from it"


async def test_a_gate_of_which_no_target_wants_to_hear_is_found(
    tmp_path: Path, env: pytest.MonkeyPatch
) -> None:
    with a_world(tmp_path / "world") as world:
        write(
            world,
            "approvers: [{name: tanaka, contact: t@a.example}, {name: boss, contact: '#b'}]\n"
            "notifications: [{name: hook, url: {file: '{home}/hook'}, kinds: [unplanned]}]\n",
            hook="json://127.0.0.1:1/",
        )

        (found,) = about_approvers(await checked(world, env, kind=Operation.PLANNED))

    assert found.startswith(
        'nobody is told when the gate "Go" waits in a planned run: no notification target wants '
        "to hear of it -> write one"
    )


async def test_approvers_who_would_be_told_give_no_finding_and_are_sent_nothing(
    tmp_path: Path, env: pytest.MonkeyPatch
) -> None:
    with a_world(tmp_path / "world") as world, webhook() as hook:
        write(
            world,
            "approvers: [{name: tanaka, contact: t@a.example}, {name: boss, contact: '+81 6'}]\n"
            "notifications: [{name: hook, url: {file: '{home}/hook'}}]\n",
            hook=f"json://127.0.0.1:{hook.port}/planted",
        )

        outlook = await checked(world, env, kind=Operation.PLANNED)

        assert outlook.findings == ()
        assert hook.taken == []


async def test_a_name_under_which_nobody_could_decide_is_an_error(
    tmp_path: Path, env: pytest.MonkeyPatch
) -> None:
    with a_world(tmp_path / "world") as world:
        write(world, "approvers: [{name: tanaka, totp: codes}, {name: boss}]\n")
        estate = world.plans / "estate.yaml"
        codes = "credentials:\n  codes: {username: t, password: {file: '{home}/nowhere'}}\n"
        estate.write_text(estate.read_text().replace("credentials:\n", codes, 1))

        outlook = await checked(world, env, kind=Operation.PLANNED)

    (error,) = [each for each in outlook.findings if each.severity is Severity.ERROR]
    assert error.area == "approvers"
    assert error.sentence.startswith("nothing can be decided under the name tanaka: ")
    assert error.remedy
