"""The lab's WinRM: SOAP over HTTP as Windows speaks it, in front of simulated processes."""

from __future__ import annotations

from secondsite.lab.wsman.process import HostProcess, Output, ProcessFactory, ShellInfo
from secondsite.lab.wsman.quotas import Quotas
from secondsite.lab.wsman.server import AuthScheme, Certificate, WsmanServer

__all__ = [
    "AuthScheme",
    "Certificate",
    "HostProcess",
    "Output",
    "ProcessFactory",
    "Quotas",
    "ShellInfo",
    "WsmanServer",
]
