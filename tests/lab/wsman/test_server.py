"""The lab's WinRM as an ordinary client (pywinrm) and a plain socket see it."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from winrm.exceptions import InvalidCredentialsError, WinRMOperationTimeoutError, WSManFaultError
from winrm.protocol import Protocol

from secondsite.lab.wsman import Quotas, WsmanServer

USER, PASSWORD = "lab\\operator", "pass word"


_clients: list[Any] = []


def client(server: WsmanServer, transport: Any = "ntlm", **settings: Any) -> Any:
    settings = {
        "username": USER,
        "password": PASSWORD,
        "proxy": None,
        "ca_trust_path": None,
    } | settings
    protocol = Protocol(
        f"http://127.0.0.1:{server.port}/wsman",
        transport=transport,
        operation_timeout_sec=settings.pop("operation_timeout_sec", 5),
        read_timeout_sec=10,
        **settings,
    )
    _clients.append(protocol)
    return protocol


@pytest.fixture(autouse=True)
def _close_clients() -> Iterator[None]:
    yield
    while _clients:
        _clients.pop().transport.close_session()


async def on_thread(call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    return await asyncio.to_thread(call, *args, **kwargs)


def talk(protocol: Any, text: bytes = b"hello") -> tuple[bytes, str]:
    """Create, Command, Send, Receive; what was heard, and the shell."""
    shell = protocol.open_shell(codepage=65001, idle_timeout="PT60S")
    command = protocol.run_command(shell, "echo.exe", ["-x"], console_mode_stdin=False)
    protocol.send_command_input(shell, command, text)
    stdout, _, _, done = protocol.get_command_output_raw(shell, command)
    assert not done
    protocol.send_command_input(shell, command, b"exit 3")
    _, _, exit_code, done = protocol.get_command_output_raw(shell, command)
    assert (exit_code, done) == (3, True)
    protocol.cleanup_command(shell, command)
    return stdout, shell


@pytest.mark.parametrize("transport", ["basic", "ntlm"])
def test_all_six_messages_work(site: Any, run: Any, transport: str) -> None:
    async def scenario() -> None:
        async with site.serving() as server:
            protocol = client(server, transport)
            heard, shell = await on_thread(talk, protocol)
            assert heard == b"hello"
            assert server.shells_count == 1
            await on_thread(protocol.close_shell, shell)
            assert server.shells_count == 0

    run(scenario())
    info = site.processes[0].info
    assert (info.host, info.codepage, info.user.upper()) == ("HV-O-01", 65001, USER.upper())
    assert site.processes[0].command_line == "echo.exe -x"
    actions = [entry["action"] for entry in site.log if "action" in entry]
    assert actions == [
        *("Create", "Command", "Send", "Receive", "Send", "Receive", "Signal", "Delete"),
        "shell-gone",
    ]


def test_a_process_that_does_not_notify_is_heard_as_well(site: Any, run: Any) -> None:
    site.kind = site.kind.__mro__[1]

    async def scenario() -> None:
        async with site.serving() as server:
            heard, _ = await on_thread(talk, client(server, "basic"))
            assert heard == b"hello"

    run(scenario())


def test_messages_are_sealed_under_ntlm(site: Any, run: Any) -> None:
    """Relay the bytes through a socket of ours and look for the secret in them."""
    seen = bytearray()

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            seen.extend(data)
            writer.write(data)
        writer.close()

    async def scenario() -> None:
        async with site.serving() as server:

            async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                there, back = await asyncio.open_connection("127.0.0.1", server.port)
                await asyncio.gather(pump(reader, back), pump(there, writer))

            tap = await asyncio.start_server(relay, "127.0.0.1", 0)
            protocol = client(server)
            port = tap.sockets[0].getsockname()[1]
            protocol.transport.endpoint = f"http://127.0.0.1:{port}/wsman"
            heard, _ = await on_thread(talk, protocol, b"the secret")
            protocol.transport.close_session()
            tap.close()
            await asyncio.sleep(0.05)
            assert heard == b"the secret"

    run(scenario())
    assert b"HTTP-SPNEGO-session-encrypted" in seen
    assert b"Envelope" not in seen
    assert base64.b64encode(b"the secret") not in seen


@pytest.mark.parametrize("transport", ["basic", "ntlm"])
@pytest.mark.parametrize(
    "wrong", [{"password": "wrong"}, {"username": "lab\\stranger"}, {"username": "operator"}]
)
def test_wrong_accounts_get_401(site: Any, run: Any, transport: str, wrong: dict[str, str]) -> None:
    async def scenario() -> None:
        async with site.serving() as server:
            with pytest.raises(InvalidCredentialsError):
                await on_thread(client(server, transport, **wrong).open_shell)

    run(scenario())


def test_what_a_listener_does_not_offer_is_refused(site: Any, run: Any) -> None:
    async def scenario() -> None:
        async with site.serving(auth=("ntlm",)) as server:
            with pytest.raises(InvalidCredentialsError):
                await on_thread(client(server, "basic").open_shell)

    run(scenario())


def test_servers_in_one_process_keep_their_own_accounts(site: Any, run: Any) -> None:
    async def scenario() -> None:
        other = WsmanServer(
            name="B", credentials={USER: "other"}, process_factory=site.start_process
        )
        async with site.serving() as server:
            await other.start()
            await on_thread(talk, client(server))
            await on_thread(talk, client(other, password="other"))
            with pytest.raises(InvalidCredentialsError):
                await on_thread(client(other).open_shell)
            await other.stop()

    run(scenario())


def test_a_receive_with_nothing_to_say_ends_with_the_timeout_fault(site: Any, run: Any) -> None:
    async def scenario() -> None:
        async with site.serving() as server:
            protocol = client(server, operation_timeout_sec=1)
            shell = await on_thread(protocol.open_shell)
            command = await on_thread(protocol.run_command, shell, "echo.exe")
            begun = time.monotonic()
            with pytest.raises(WinRMOperationTimeoutError):
                await on_thread(protocol.get_command_output_raw, shell, command)
            assert 0.9 < time.monotonic() - begun < 2

    run(scenario())


def test_output_arrives_while_a_receive_waits(site: Any, run: Any) -> None:
    async def scenario() -> None:
        async with site.serving() as server:
            protocol = client(server, "basic")
            shell = await on_thread(protocol.open_shell)
            command = await on_thread(protocol.run_command, shell, "echo.exe")
            waiting = asyncio.create_task(
                on_thread(protocol.get_command_output_raw, shell, command)
            )
            await asyncio.sleep(0.05)
            begun = time.monotonic()
            site.processes[0].write_stdin(b"late", end=False)
            stdout, *_ = await waiting
            assert stdout == b"late"
            assert time.monotonic() - begun < 0.5

    run(scenario())


def test_long_output_comes_in_replies_that_fit_the_envelope(site: Any, run: Any) -> None:
    async def scenario() -> None:
        async with site.serving() as server:
            protocol = client(server, "basic")
            shell = await on_thread(protocol.open_shell)
            command = await on_thread(protocol.run_command, shell, "echo.exe")
            data = bytes(range(256)) * 1400
            site.processes[0].write_stdin(data, end=True)
            pieces, done = [], False
            while not done:
                out, _, code, done = await on_thread(
                    protocol.get_command_output_raw, shell, command
                )
                pieces.append(out)
            assert b"".join(pieces) == data
            assert code == 0
            assert max(map(len, pieces)) * 4 / 3 < 153600

    run(scenario())


def test_shells_are_of_their_user_and_of_their_server(site: Any, run: Any) -> None:
    async def scenario() -> None:
        async with site.serving() as server:
            server.set_password("other", "other")
            shell = await on_thread(client(server).open_shell)
            for protocol in (client(server, username="other", password="other"),):
                with pytest.raises(WSManFaultError) as caught:
                    await on_thread(protocol.run_command, shell, "echo.exe")
                assert caught.value.wsman_fault_code == 2150858843
                assert caught.value.fault_subcode == "w:InvalidSelectors"

    run(scenario())


@pytest.mark.parametrize("identifier", ["shell", "command"])
def test_unknown_ids_are_not_found(site: Any, run: Any, identifier: str) -> None:
    async def scenario() -> None:
        async with site.serving() as server:
            protocol = client(server)
            shell = await on_thread(protocol.open_shell)
            command = await on_thread(protocol.run_command, shell, "echo.exe")
            ids = {"shell": ("0", command), "command": (shell, "0")}[identifier]
            with pytest.raises(WSManFaultError) as caught:
                await on_thread(protocol.get_command_output_raw, *ids)
            assert caught.value.wsman_fault_code == 2150858843

    run(scenario())


def test_quotas_of_shells_and_processes_are_kept(site: Any, run: Any) -> None:
    async def scenario() -> None:
        quotas = Quotas(shells_per_user=2, processes_per_shell=1)
        async with site.serving(quotas=quotas) as server:
            protocol = client(server)
            first = await on_thread(protocol.open_shell)
            await on_thread(protocol.open_shell)
            with pytest.raises(WSManFaultError) as caught:
                await on_thread(protocol.open_shell)
            assert caught.value.wsman_fault_code == 2150859173
            assert caught.value.fault_subcode == "w:QuotaLimit"
            await on_thread(protocol.run_command, first, "echo.exe")
            with pytest.raises(WSManFaultError):
                await on_thread(protocol.run_command, first, "echo.exe")
            await on_thread(protocol.close_shell, first)
            await on_thread(protocol.open_shell)

    run(scenario())


def test_an_idle_shell_goes_and_takes_its_process_along(site: Any, run: Any) -> None:
    async def scenario() -> None:
        async with site.serving(quotas=Quotas(idle_timeout_s=0.2)) as server:
            protocol = client(server)
            shell = await on_thread(protocol.open_shell)
            await on_thread(protocol.run_command, shell, "echo.exe")
            async with asyncio.timeout(2):
                while server.shells_count:
                    await asyncio.sleep(0.02)
            assert site.processes[0].is_terminated

    run(scenario())


@pytest.mark.parametrize("idle", [60, "an hour"])
def test_an_idle_timeout_that_is_no_duration_is_refused(site: Any, run: Any, idle: Any) -> None:
    async def scenario() -> None:
        async with site.serving() as server:
            with pytest.raises(WSManFaultError) as caught:
                await on_thread(client(server).open_shell, idle_timeout=idle)
            assert caught.value.wsman_fault_code == 2150858817

    run(scenario())


@pytest.mark.parametrize(
    ("command_line", "message"),
    [("x" * 8192, b"too long"), ("nonsense.exe", b"not recognized")],
)
def test_what_cmd_cannot_start_leaves_a_message_and_exit_code_1(
    site: Any, run: Any, command_line: str, message: bytes
) -> None:
    async def scenario() -> None:
        async with site.serving() as server:
            protocol = client(server)
            shell = await on_thread(protocol.open_shell)
            command = await on_thread(protocol.run_command, shell, command_line)
            _, stderr, code, done = await on_thread(protocol.get_command_output_raw, shell, command)
            assert message in stderr
            assert (code, done) == (1, True)

    run(scenario())


@pytest.mark.parametrize(
    ("request_head", "status"),
    [
        (b"GET /wsman HTTP/1.1\r\n\r\n", b"405"),
        (b"POST /other HTTP/1.1\r\nContent-Length: 0\r\n\r\n", b"404"),
        (b"POST /wsman HTTP/1.1\r\nContent-Length: 0\r\n\r\n", b"401"),
        (b"POST /wsman HTTP/1.1\r\nContent-Length: x\r\n\r\n", b"411"),
        (b"POST /wsman HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", b"413"),
        (b"hello\r\n\r\n", b"400"),
        (b"POST /wsman HTTP/1.1\r\nAuthorization: Negotiate !!\r\n\r\n", b"401"),
        (b"POST /wsman HTTP/1.1\r\nAuthorization: Negotiate TlRMTVNTUAAD\r\n\r\n", b"401"),
        (b"POST /wsman HTTP/1.1\r\nAuthorization: Basic \xff\r\n\r\n", b"401"),
    ],
)
def test_strange_requests_are_answered_and_hurt_nobody(
    site: Any, run: Any, request_head: bytes, status: bytes
) -> None:
    async def scenario() -> None:
        async with site.serving() as server:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(request_head)
            answer = await reader.readuntil(b"\r\n")
            assert answer.split(b" ")[1] == status
            writer.close()
            await writer.wait_closed()
            await on_thread(talk, client(server))

    run(scenario())


@pytest.mark.parametrize("body", [b"<not xml", b"<a/>", b"<!DOCTYPE a><a/>"])
def test_a_body_that_is_no_request_is_a_schema_fault(site: Any, run: Any, body: bytes) -> None:
    async def scenario() -> None:
        async with site.serving() as server:
            protocol = client(server, "basic")
            with pytest.raises(WSManFaultError) as caught:
                await on_thread(protocol.send_message, body)
            assert caught.value.wsman_fault_code == 2150858817

    run(scenario())


def test_a_client_that_leaves_takes_no_output_along(site: Any, run: Any) -> None:
    async def scenario() -> None:
        async with site.serving() as server:
            leaving, staying = client(server, "basic"), client(server, "basic")
            shell = await on_thread(leaving.open_shell)
            command = await on_thread(leaving.run_command, shell, "echo.exe")
            leaving.transport.read_timeout_sec = 0.1
            with pytest.raises(Exception, match="timed out"):
                await on_thread(leaving.get_command_output_raw, shell, command)
            leaving.transport.close_session()
            await asyncio.sleep(0.02)
            site.processes[0].write_stdin(b"for whoever stays", end=False)
            stdout, *_ = await on_thread(staying.get_command_output_raw, shell, command)
            assert stdout == b"for whoever stays"

    run(scenario())


def test_a_reboot_ends_shells_and_connections_but_not_the_listener(site: Any, run: Any) -> None:
    async def scenario() -> None:
        async with site.serving() as server:
            await on_thread(talk, client(server))
            server.reboot()
            assert server.shells_count == 0
            await on_thread(talk, client(server))

    run(scenario())
    assert site.processes[0].is_terminated


def test_a_stopped_server_leaves_nothing_behind(site: Any, run: Any) -> None:
    async def scenario() -> None:
        async with site.serving() as server:
            protocol = client(server, operation_timeout_sec=5)
            shell = await on_thread(protocol.open_shell)
            command = await on_thread(protocol.run_command, shell, "echo.exe")
            waiting = asyncio.create_task(
                on_thread(protocol.get_command_output_raw, shell, command)
            )
            await asyncio.sleep(0.05)
        with pytest.raises(Exception, match="Connection"):
            await waiting
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", server.port)

    run(scenario())
    assert site.processes[0].is_terminated
