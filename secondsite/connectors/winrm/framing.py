"""Request lines and answer frames, as bytes. Pure: no connection, no clock.

The other half of this protocol is `bootstrap.ps1`.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from secondsite.connectors.winrm.script import Json, Script

__all__ = ["Answer", "AnswerError", "Bad", "FrameReader", "Running", "encode_ask", "encode_request"]

_MARK = re.compile(rb"<<BEGIN ([0-9a-f]{1,64}) (\d{1,9})>>|<<RUN ([0-9a-f]{1,64})>>|<<BAD>>")
_LONGEST_MARK_BYTES = 96
_NOISE_KEPT_BYTES = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerError:
    """What PowerShell said about an error, as names."""

    message: str
    type: str = ""
    fqid: str = ""
    category: str = ""
    at: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer of the resident process.

    Attributes:
        phase: How far it came: unheard, import, compile, unsent, run, answer. An error in `import`,
            `compile` or `unsent` means that the script did not start; in `answer`, that it ran
            through and only its result could not be written.
        result: Everything the script wrote, in order.
    """

    id: str
    ok: bool
    phase: str
    result: Sequence[Any] = ()
    warnings: Sequence[str] = ()
    error: AnswerError | None = None
    elapsed_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class Bad:
    """A line arrived damaged and was dropped."""


@dataclass(frozen=True, slots=True)
class Running:
    """A script in a process of its own has been started."""

    id: str


def _encode_line(request: Mapping[str, Any]) -> bytes:
    """One request line. Only ASCII, so that no code page can change it.

    It begins with a line feed, which ends whatever a broken connection left of an earlier line.
    """
    text = json.dumps(request, separators=(",", ":"), allow_nan=False)
    payload = base64.b64encode(text.encode("ascii"))
    return b"\n%d %s\n" % (len(payload), payload)


def encode_request(
    request_id: str,
    *,
    modules: Sequence[str],
    script: Script | None = None,
    with_text: bool = True,
    parameters: Mapping[str, Json] | None = None,
) -> bytes:
    """The line that asks for `script`; without a script: that only imports `modules`.

    `with_text` is False when this process was sent the script's text before.

    Raises:
        ValueError: a parameter has a value that JSON does not know.
    """
    request: dict[str, Any] = {"id": request_id, "modules": list(modules)}
    if script is not None:
        request |= {"digest": script.digest, "parameters": dict(parameters or {})}
        if with_text:
            request["script"] = script.text
        if script.own_process:
            request["exits"] = True
    return _encode_line(request)


def encode_ask(request_id: str) -> bytes:
    """The line that asks for the answer to a request sent before; never runs anything."""
    return _encode_line({"id": request_id, "ask": True})


def _decode_answer(payload: bytes) -> Answer | None:
    """The answer in a frame's payload; None if it is damaged."""
    try:
        body = json.loads(base64.b64decode(payload, validate=True))
        error = body.get("error")
        return Answer(
            id=body["id"],
            ok=body["ok"] is True,
            phase=body["phase"],
            result=tuple(body.get("result") or ()),
            warnings=tuple(str(warning) for warning in body.get("warnings") or ()),
            error=None
            if error is None
            else AnswerError(**{key: str(value or "") for key, value in error.items()}),
            elapsed_ms=float(body.get("elapsed_ms") or 0),
        )
    except (binascii.Error, ValueError, KeyError, TypeError, AttributeError):
        return None


@dataclass(slots=True)
class FrameReader:
    """Finds frames in a stream that may hold anything else as well.

    A frame with a wrong length or unreadable content is dropped: whoever waits for it asks again.

    Attributes:
        noise: The last bytes that belonged to no frame, as evidence.
    """

    noise: bytes = b""
    _buffer: bytearray = field(default_factory=bytearray)

    def feed(self, data: bytes) -> Iterator[Answer | Bad | Running]:
        """What became complete with `data`."""
        self._buffer += data
        while True:
            mark = _MARK.search(self._buffer)
            if mark is None:
                self._drop(max(0, len(self._buffer) - _LONGEST_MARK_BYTES))
                return
            self._drop(mark.start())
            mark = _MARK.match(self._buffer)
            assert mark is not None  # noqa: S101 - it was just moved to the front
            if mark[1] is None:
                running, length = mark[3], mark.end()
                del self._buffer[:length]
                yield Running(running.decode("ascii")) if running else Bad()
                continue
            end = b"<<END " + mark[1] + b">>"
            frame_bytes = mark.end() + int(mark[2]) + len(end)
            restart = _MARK.search(self._buffer, mark.end())
            if restart is not None and restart.start() < frame_bytes:
                self._drop(restart.start())  # another frame begins inside: this one was cut
                continue
            if len(self._buffer) < frame_bytes:
                return
            frame = bytes(self._buffer[:frame_bytes])
            answer = _decode_answer(frame[mark.end() : -len(end)]) if frame.endswith(end) else None
            if answer is None:
                self._drop(mark.end())
            else:
                del self._buffer[:frame_bytes]
                yield answer

    def _drop(self, length: int) -> None:
        """Take `length` bytes off the front as noise."""
        if length:
            self.noise = (self.noise + bytes(self._buffer[:length]))[-_NOISE_KEPT_BYTES:]
            del self._buffer[:length]
