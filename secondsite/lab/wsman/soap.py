"""WSMan messages: what a request asks, and replies as Windows shapes them (MS-WSMV 3.1.4)."""

from __future__ import annotations

import base64
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

from secondsite.lab.wsman.refusal import Refusal, invalid_message, unsupported_action

__all__ = [
    "Request",
    "command_reply",
    "create_reply",
    "empty_reply",
    "fault_reply",
    "parse_duration_s",
    "parse_request",
    "receive_reply",
]

NAMESPACES = {
    "s": "http://www.w3.org/2003/05/soap-envelope",
    "a": "http://schemas.xmlsoap.org/ws/2004/08/addressing",
    "w": "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd",
    "rsp": "http://schemas.microsoft.com/wbem/wsman/1/windows/shell",
}
SHELL_URI = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"
CMD_URI = f"{SHELL_URI}/cmd"
TRANSFER_URI = "http://schemas.xmlsoap.org/ws/2004/09/transfer"
ACTIONS = {
    f"{TRANSFER_URI}/Create": "Create",
    f"{TRANSFER_URI}/Delete": "Delete",
    f"{SHELL_URI}/Command": "Command",
    f"{SHELL_URI}/Send": "Send",
    f"{SHELL_URI}/Receive": "Receive",
    f"{SHELL_URI}/Signal": "Signal",
}
_REPLY_ACTIONS = {name: uri + "Response" for uri, name in ACTIONS.items()}
_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One WSMan request, taken apart.

    Attributes:
        action: Create, Command, Send, Receive, Signal or Delete.
        options: WINRS_* options by name.
        body: The first element of the body, if there is one.
    """

    action: str
    message_id: str
    shell_id: str
    operation_timeout_s: float
    max_envelope_bytes: int
    options: Mapping[str, str]
    body: ElementTree.Element | None

    def text(self, path: str) -> str:
        """Text of the body's element at `path` (prefixes of `NAMESPACES`), or empty."""
        if self.body is None:
            return ""
        return (self.body.findtext(path, "", NAMESPACES) or "").strip()

    @property
    def command_id(self) -> str:
        """The command that Send, Receive or Signal is about."""
        if self.body is None:
            return ""
        if self.action == "Signal":
            return self.body.get("CommandId", "").upper()
        path = "rsp:Stream" if self.action == "Send" else "rsp:DesiredStream"
        element = self.body.find(path, NAMESPACES)
        return "" if element is None else element.get("CommandId", "").upper()


def parse_duration_s(text: str) -> float:
    """Seconds of an xs:duration (no years or months).

    Raises:
        Refusal: it is none (a bare number is not: pywinrm#377).
    """
    match = _DURATION.fullmatch(text)
    if match is None or text in ("P", "PT", ""):
        raise invalid_message(f"{text!r} is not a duration")
    days, hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def parse_request(data: bytes) -> Request:
    """The request in an envelope.

    Raises:
        Refusal: it is not one that a remote shell serves.
    """
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise invalid_message("document type definitions are not accepted")
    try:
        root = ElementTree.fromstring(data)  # noqa: S314 - no entities, see above
    except ElementTree.ParseError as exc:
        raise invalid_message(f"not XML: {exc}") from exc
    header = root.find("s:Header", NAMESPACES)
    body = root.find("s:Body", NAMESPACES)
    if header is None or body is None:
        raise invalid_message("no SOAP header or body")

    def value(path: str) -> str:
        return (header.findtext(path, "", NAMESPACES) or "").strip()

    action = ACTIONS.get(value("a:Action"))
    if action is None:
        raise unsupported_action(value("a:Action"))
    if value("w:ResourceURI") != CMD_URI:
        raise unsupported_action(f"{action} on {value('w:ResourceURI')}")
    selectors = {
        element.get("Name", ""): (element.text or "").strip()
        for element in header.iterfind("w:SelectorSet/w:Selector", NAMESPACES)
    }
    options = {
        element.get("Name", "").upper(): (element.text or "").strip()
        for element in header.iterfind("w:OptionSet/w:Option", NAMESPACES)
    }
    envelope = value("w:MaxEnvelopeSize")
    return Request(
        action=action,
        message_id=value("a:MessageID"),
        shell_id=selectors.get("ShellId", "").upper(),
        operation_timeout_s=parse_duration_s(value("w:OperationTimeout") or "PT60S"),
        max_envelope_bytes=int(envelope) if envelope.isdigit() else 153600,
        options=options,
        body=next(iter(body), None),
    )


def _envelope(*, action: str, relates_to: str, body: str) -> bytes:
    """A reply envelope."""
    return (
        '<s:Envelope xml:lang="en-US"'
        ' xmlns:s="http://www.w3.org/2003/05/soap-envelope"'
        ' xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing"'
        ' xmlns:x="http://schemas.xmlsoap.org/ws/2004/09/transfer"'
        ' xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"'
        ' xmlns:rsp="http://schemas.microsoft.com/wbem/wsman/1/windows/shell"'
        ' xmlns:p="http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd">'
        f"<s:Header><a:Action>{action}</a:Action>"
        f"<a:MessageID>uuid:{str(uuid.uuid4()).upper()}</a:MessageID>"
        "<a:To>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</a:To>"
        f"<a:RelatesTo>{escape(relates_to)}</a:RelatesTo></s:Header>"
        f"<s:Body>{body}</s:Body></s:Envelope>"
    ).encode()


def create_reply(request: Request, *, shell_id: str, user: str, idle_timeout_s: float) -> bytes:
    """The new shell's id, as a resource reference and as a shell description."""
    return _envelope(
        action=_REPLY_ACTIONS["Create"],
        relates_to=request.message_id,
        body="<x:ResourceCreated><a:Address>/wsman</a:Address><a:ReferenceParameters>"
        f"<w:ResourceURI>{CMD_URI}</w:ResourceURI><w:SelectorSet>"
        f'<w:Selector Name="ShellId">{shell_id}</w:Selector></w:SelectorSet>'
        "</a:ReferenceParameters></x:ResourceCreated>"
        f"<rsp:Shell><rsp:ShellId>{shell_id}</rsp:ShellId>"
        f"<rsp:ResourceUri>{CMD_URI}</rsp:ResourceUri><rsp:Owner>{escape(user)}</rsp:Owner>"
        f"<rsp:IdleTimeOut>PT{idle_timeout_s:.3f}S</rsp:IdleTimeOut>"
        "<rsp:InputStreams>stdin</rsp:InputStreams>"
        "<rsp:OutputStreams>stdout stderr</rsp:OutputStreams></rsp:Shell>",
    )


def command_reply(request: Request, *, command_id: str) -> bytes:
    """The new command's id."""
    return _envelope(
        action=_REPLY_ACTIONS["Command"],
        relates_to=request.message_id,
        body=f"<rsp:CommandResponse><rsp:CommandId>{command_id}</rsp:CommandId>"
        "</rsp:CommandResponse>",
    )


def receive_reply(
    request: Request, *, command_id: str, stdout: bytes, stderr: bytes, exit_code: int | None
) -> bytes:
    """Output of a command; with `exit_code`, its end."""
    parts = ["<rsp:ReceiveResponse>"]
    for name, data in (("stdout", stdout), ("stderr", stderr)):
        if data:
            text = base64.b64encode(data).decode("ascii")
            parts.append(f'<rsp:Stream Name="{name}" CommandId="{command_id}">{text}</rsp:Stream>')
    state = f'<rsp:CommandState CommandId="{command_id}" State="{SHELL_URI}/CommandState/'
    if exit_code is None:
        parts.append(f'{state}Running"/>')
    else:
        for name in ("stdout", "stderr"):
            parts.append(f'<rsp:Stream Name="{name}" CommandId="{command_id}" End="true"/>')
        parts.append(f'{state}Done"><rsp:ExitCode>{exit_code}</rsp:ExitCode></rsp:CommandState>')
    parts.append("</rsp:ReceiveResponse>")
    return _envelope(
        action=_REPLY_ACTIONS["Receive"], relates_to=request.message_id, body="".join(parts)
    )


def empty_reply(request: Request) -> bytes:
    """The reply to Send, Signal and Delete."""
    body = "" if request.action == "Delete" else f"<rsp:{request.action}Response/>"
    return _envelope(
        action=_REPLY_ACTIONS[request.action], relates_to=request.message_id, body=body
    )


def fault_reply(refusal: Refusal, *, relates_to: str, machine: str) -> bytes:
    """A WSMan fault (HTTP 500)."""
    side = "s:Receiver" if refusal.is_receiver else "s:Sender"
    text = escape(refusal.text)
    return _envelope(
        action="http://schemas.dmtf.org/wbem/wsman/1/wsman/fault",
        relates_to=relates_to,
        body=f"<s:Fault><s:Code><s:Value>{side}</s:Value>"
        f"<s:Subcode><s:Value>{refusal.subcode}</s:Value></s:Subcode></s:Code>"
        f'<s:Reason><s:Text xml:lang="en-US">{text}</s:Text></s:Reason>'
        '<s:Detail><f:WSManFault xmlns:f="http://schemas.microsoft.com/wbem/wsman/1/wsmanfault"'
        f' Code="{refusal.code}" Machine={quoteattr(machine)}>'
        f"<f:Message>{text}</f:Message></f:WSManFault></s:Detail></s:Fault>",
    )
