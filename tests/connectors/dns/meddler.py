"""A way to a DNS server that meddles with answers to updates, as some servers and networks do."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable

import dns.flags
import dns.message
import dns.opcode
import dns.rcode

Meddling = Callable[[bytes, bytes], bytes | None]
"""(request, answer) → what the client gets instead; None: nothing, and the connection ends."""


class Meddler:
    """Forwards DNS over TCP.

    Attributes:
        before: What happens when an update has come, before it is forwarded; used up one by one.
        meddlings: What is done with the answers to updates; used up one by one.
        on_questions: What is done with every answer to a signed question.
        updates: How many updates were answered.
    """

    def __init__(self, port: int, address: str = "127.0.0.1") -> None:
        self.before: list[Callable[[], object]] = []
        self.meddlings: list[Meddling] = []
        self.on_questions: Meddling | None = None
        self.updates = 0
        self._aim = (address, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(timeout=10)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._forward, args=(client,))
            self._threads.append(thread)
            thread.start()

    def _forward(self, client: socket.socket) -> None:
        try:
            aim = socket.create_connection(self._aim, timeout=10)
        except OSError:
            client.close()  # the server is dead: whoever asks finds nobody
            return
        with client, aim as server:
            while request := _read(client):
                is_update = (request[2] >> 3) & 15 == dns.opcode.UPDATE
                if is_update and self.before:
                    self.before.pop(0)()
                answer: bytes | None
                try:
                    server.sendall(struct.pack("!H", len(request)) + request)
                    answer = _read(server)
                except OSError:
                    return
                if answer and is_update:
                    self.updates += 1
                    if self.meddlings:
                        answer = self.meddlings.pop(0)(request, answer)
                if answer and not is_update and self.on_questions and _is_signed(request):
                    answer = self.on_questions(request, answer)
                if not answer:
                    return
                client.sendall(struct.pack("!H", len(answer)) + answer)


def lose(request: bytes, answer: bytes) -> None:
    """The answer never arrives."""
    del request, answer


def strip(request: bytes, answer: bytes) -> bytes:
    """The answer arrives without its signature."""
    del request
    message = dns.message.from_wire(answer, keyring=False)
    message.tsig = None
    message.want_tsig_sign = False
    return message.to_wire()


def refuse(request: bytes, answer: bytes) -> bytes:
    """Nobody is told anything."""
    message = dns.message.from_wire(strip(request, answer), keyring=False)
    message.answer.clear()
    message.set_rcode(dns.rcode.REFUSED)
    return message.to_wire()


def echo(request: bytes, answer: bytes) -> bytes:
    """The answer bears the signature of the question, as Windows and Samba send it."""
    message = dns.message.from_wire(answer, keyring=False)
    message.tsig = dns.message.from_wire(request, keyring=False).tsig
    message.want_tsig_sign = False
    return message.to_wire()


def forge(request: bytes, answer: bytes) -> bytes:
    """Somebody says that all is well, and signs it with the signature of the question."""
    message = dns.message.from_wire(echo(request, answer), keyring=False)
    message.set_rcode(dns.rcode.NOERROR)
    return message.to_wire()


def _is_signed(request: bytes) -> bool:
    return dns.message.from_wire(request, keyring=False).had_tsig


def _read(connection: socket.socket) -> bytes:
    head = _exactly(connection, 2)
    return _exactly(connection, struct.unpack("!H", head)[0]) if head else b""


def _exactly(connection: socket.socket, count: int) -> bytes:
    parts = b""
    while len(parts) < count:
        try:
            part = connection.recv(count - len(parts))
        except OSError:
            return b""
        if not part:
            return b""
        parts += part
    return parts
