"""Is a service of a guest there? TCP and HTTP probes from the engine, each with an end."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from dataclasses import dataclass

import httpx

from secondsite.plan.model import HttpProbe, TcpProbe

__all__ = ["Answer", "probe"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a probe saw.

    Attributes:
        seen: In words: `tcp 1433 on 10.2.0.22: open`, `…: connection refused`.
    """

    is_ready: bool
    seen: str


async def probe(
    wanted: TcpProbe | HttpProbe, *, address: str, connect_to: str, timeout_s: float
) -> Answer:
    """Ask the service once.

    Args:
        wanted: The service to ask for.
        address: The guest's own address, for people.
        connect_to: The address under which the engine reaches the guest (a masquerade network's).
        timeout_s: After this long the answer is no.
    """
    match wanted:
        case TcpProbe(tcp=port):
            return await _probe_tcp(port, address, connect_to, timeout_s)
        case HttpProbe(http=url):
            return await _probe_http(url, address, connect_to, timeout_s)


async def _probe_tcp(port: int, address: str, connect_to: str, timeout_s: float) -> Answer:
    try:
        async with asyncio.timeout(timeout_s):
            _, writer = await asyncio.open_connection(connect_to, port)
    except TimeoutError:
        return Answer(is_ready=False, seen=f"tcp {port} on {address}: no answer in {timeout_s:g} s")
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else type(error).__name__
        return Answer(is_ready=False, seen=f"tcp {port} on {address}: {reason.lower()}")
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return Answer(is_ready=True, seen=f"tcp {port} on {address}: open")


async def _probe_http(url: str, address: str, connect_to: str, timeout_s: float) -> Answer:
    shown = url.replace("{address}", address)
    target = url.replace("{address}", f"[{connect_to}]" if ":" in connect_to else connect_to)
    try:
        # A certificate cannot name an address in a test network: what matters here is the answer.
        async with httpx.AsyncClient(
            timeout=timeout_s,
            verify=False,  # noqa: S501
            trust_env=False,
        ) as client:
            response = await client.get(target)
    except httpx.HTTPError as error:
        return Answer(is_ready=False, seen=f"{shown}: {str(error) or type(error).__name__}")
    is_ready = response.status_code < httpx.codes.BAD_REQUEST
    return Answer(is_ready=is_ready, seen=f"{shown}: status {response.status_code}")
