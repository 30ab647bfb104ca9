"""What each WSMan message does to the shells, and what its reply says."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass

from secondsite.lab.faults import FaultKind, Faults
from secondsite.lab.wsman.process import Output
from secondsite.lab.wsman.refusal import invalid_message, operation_timeout, shell_not_found
from secondsite.lab.wsman.shells import Command, Shell, ShellStore
from secondsite.lab.wsman.soap import (
    Request,
    command_reply,
    create_reply,
    empty_reply,
    receive_reply,
)

__all__ = ["ClientGoneError", "Operations"]

RAW_SHARE = 0.7
"""Part of an envelope that output may fill before base64: the rest is headers and encoding."""


class ClientGoneError(Exception):
    """The connection ended while its request waited; nothing was taken from the process."""


@dataclass(slots=True)
class Operations:
    """Carries out requests on one computer."""

    host: str
    shells: ShellStore
    faults: Faults

    async def perform(
        self, request: Request, *, user: str, is_client_gone: Callable[[], bool]
    ) -> bytes:
        """The reply to `request`.

        Raises:
            Refusal: it is answered with a fault.
            ClientGoneError: nobody waits for the answer to a Receive any more.
        """
        if request.action == "Create":
            shell = self.shells.create(request, user=user)
            return create_reply(
                request, shell_id=shell.id, user=user, idle_timeout_s=shell.idle_timeout_s
            )
        self._drop_shell_if_told(request)
        shell = self.shells.find(request.shell_id, user=user)
        match request.action:
            case "Command":
                command = self.shells.start(shell, request)
                return command_reply(request, command_id=command.id)
            case "Send":
                self._send(request, shell)
            case "Receive":
                return await self._receive(request, shell, is_client_gone)
            case "Signal":
                code = request.text("rsp:Code").rpartition("/")[2]
                if code not in ("terminate", "ctrl_c", "Ctrl_C", "Terminate"):
                    raise invalid_message(f"the lab does not know the signal {code!r}")
                self.shells.end_command(shell, request.command_id)
            case "Delete":
                self.shells.remove(shell.id, reason="deleted")
        return empty_reply(request)

    def _drop_shell_if_told(self, request: Request) -> None:
        """Fault drop-shell: it is gone when it is next used."""
        if self._fault(FaultKind.DROP_SHELL, request):
            self.shells.remove(request.shell_id, reason="fault")

    def _fault(self, kind: FaultKind, request: Request) -> bool:
        """Whether a fault of `kind` befalls `request`."""
        found = self.faults.matches(
            kind, host=self.host, action=request.action, shell_id=request.shell_id
        )
        return found is not None

    def _send(self, request: Request, shell: Shell) -> None:
        """Write to a process."""
        command = shell.command(request.command_id)
        element = request.body[0] if request.body is not None and len(request.body) else None
        if element is None or element.get("Name") != "stdin":
            raise invalid_message("a Send carries one Stream named stdin")
        try:
            data = base64.b64decode(element.text or "", validate=True)
        except binascii.Error as exc:
            raise invalid_message("the stream is not base64") from exc
        if self._fault(FaultKind.KILL_PROCESS, request):
            command.process.terminate()
            raise shell_not_found(command.id)
        command.drain()
        if command.exit_code is not None or command.input_ended:
            raise shell_not_found(command.id)  # nobody reads its input any more
        copies = 2 if self._fault(FaultKind.DUPLICATE_INPUT, request) else 1
        end = element.get("End", "false").lower() == "true"
        command.process.write_stdin(data * copies, end=end)
        command.input_ended = end

    async def _receive(
        self, request: Request, shell: Shell, is_client_gone: Callable[[], bool]
    ) -> bytes:
        """Wait for output, at most OperationTimeout."""
        command = shell.command(request.command_id)
        loop = self.shells.loop
        wait_s = min(request.operation_timeout_s, self.shells.quotas.operation_timeout_s)
        end = loop.time() + wait_s
        shell.busy_count += 1
        try:
            while not command.drain():
                left_s = end - loop.time()
                if left_s <= 0:
                    raise operation_timeout()
                await command.wait(left_s)
                if is_client_gone():
                    raise ClientGoneError
                if shell.commands.get(command.id) is not command:
                    raise shell_not_found(command.id)
        finally:
            shell.busy_count -= 1
            shell.used_at = loop.time()
        envelope_bytes = min(request.max_envelope_bytes, self.shells.quotas.envelope_kb * 1024)
        output = command.take(int(envelope_bytes * RAW_SHARE))
        output = self._spoil(output, command, request)
        return receive_reply(
            request,
            command_id=command.id,
            stdout=output.stdout,
            stderr=output.stderr,
            exit_code=output.exit_code,
        )

    def _spoil(self, output: Output, command: Command, request: Request) -> Output:
        """`output` as the faults that befall it leave it."""
        stdout = output.stdout
        if not stdout:
            return output
        if self._fault(FaultKind.KILL_PROCESS_AFTER, request):
            command.process.terminate()
            command.stdout.clear()
            return Output()
        if self._fault(FaultKind.LOSE_OUTPUT, request):
            stdout = b""
        if self._fault(FaultKind.TRUNCATE_OUTPUT, request):
            stdout = stdout[: len(stdout) // 2]
        if self._fault(FaultKind.DUPLICATE_OUTPUT, request):
            stdout *= 2
        noise = self.faults.matches(
            FaultKind.NOISE, host=self.host, action=request.action, shell_id=request.shell_id
        )
        if noise is not None:
            stdout = (noise.text or "WARNING: injected noise").encode() + b"\r\n" + stdout
        return Output(stdout=stdout, stderr=output.stderr, exit_code=output.exit_code)
