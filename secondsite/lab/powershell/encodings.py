"""`[System.Text.Encoding]` and its kin."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from secondsite.lab.powershell.failures import unsupported
from secondsite.lab.powershell.values import PsObject


@dataclass(frozen=True, slots=True)
class Codec:
    """How .NET's decoder turns bytes into text: what is wrong becomes U+FFFD, or `?` in ASCII."""

    name: str
    web_name: str
    type_name: str

    def decode(self, data: object) -> str:
        """GetString."""
        if not isinstance(data, bytes | list):
            raise unsupported("GetString of anything but bytes")
        raw = bytes(data) if isinstance(data, bytes) else bytes(int(str(each)) for each in data)
        text = raw.decode(self.name, errors="replace")
        return text.replace("\ufffd", "?") if self.name == "ascii" else text

    def encode(self, text: object) -> bytes:
        """GetBytes."""
        return str(text).encode(self.name, errors="replace")

    def as_object(self) -> PsObject:
        """The encoding as a value."""
        return PsObject(
            (self.type_name, "System.Text.Encoding", "System.Object"),
            {"WebName": self.web_name, "EncodingName": self.web_name},
            methods={"GetString": self.decode, "GetBytes": self.encode},
        )


_CODECS: Final[Mapping[str, Codec]] = {
    "utf8": Codec("utf-8", "utf-8", "System.Text.UTF8Encoding"),
    "unicode": Codec("utf-16-le", "utf-16", "System.Text.UnicodeEncoding"),
    "ascii": Codec("ascii", "us-ascii", "System.Text.ASCIIEncoding"),
    "default": Codec("cp1252", "Windows-1252", "System.Text.SBCSCodePageEncoding"),
}


def encoding(name: str) -> PsObject:
    """The encoding of that name: utf8, unicode, ascii, default."""
    return _CODECS[name].as_object()


def _field(name: str) -> Callable[[Any], object]:
    return lambda _runspace: encoding(name)


ENCODING_FIELDS: Final[Mapping[tuple[str, str], Callable[[Any], object]]] = {
    ("System.Text.Encoding", name): _field(name) for name in _CODECS
}
