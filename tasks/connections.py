"""Every server that a run may talk to, made from the estate; connected when first used.

A server's credential is read then, too: a site that nobody speaks to needs none.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from secondsite.connectors.dns import DnsServer, UpdateWay, WindowsWay
from secondsite.connectors.dns import DnsTarget as ZoneTarget
from secondsite.connectors.readiness import CertificateView
from secondsite.connectors.winrm import Endpoint, LaneLimits, LanePool, certificate_expiry
from secondsite.errors import CredentialError, NotFoundError
from secondsite.plan.credentials import BlockReader, Secrets
from secondsite.plan.estate import DnsTarget, Estate, Server
from tasks.absent import Absent
from tasks.sites import HostAccess, VmmAccess
from tasks.zone_keys import zone_account, zone_key
from tasks.zones import ZoneAccess

__all__ = ["Sites"]

_HYPERV = ("Hyper-V",)
_VMM = ("VirtualMachineManager",)
_DNS = ("DnsServer",)
_DNS_THREADS = 8
_UPDATES_S = 30.0
"""How long one exchange of DNS updates may take; a server answers each in milliseconds."""
_BRIEF_CONNECT_S = 3.5
"""Time for a first SYN and two more (1 s and 3 s later, RFC 6298)."""


class Sites:
    """The servers of one estate."""

    def __init__(
        self, estate: Estate, *, home: Path, block_reader: BlockReader | None = None
    ) -> None:
        self._estate = estate
        self.secrets = Secrets(estate, home=home, block_reader=block_reader)
        self._hosts = {host.name: host for site in estate.sites.values() for host in site.hosts}
        self._pool = LanePool(
            limits=LaneLimits(connect_timeout_s=estate.limits.connect_timeout.total_seconds())
        )
        self._dns_threads = ThreadPoolExecutor(_DNS_THREADS, thread_name_prefix="dns")
        self._zones: dict[tuple[str, str], ZoneAccess] = {}
        self._host_access: dict[str, HostAccess] = {}
        self._abandoned: set[str] = set()
        self._brief: set[str] = set()
        self.absent = Absent()
        self._vmm_access: dict[str, VmmAccess] = {}

    def host(self, name: str) -> HostAccess:
        """The Hyper-V host of that name, as the estate calls it.

        Raises:
            NotFoundError: the estate has no such host.
            CredentialError: its password cannot be had.
        """
        if name not in self._hosts:
            raise NotFoundError(
                f"{name} is not a Hyper-V host of the estate; nothing was done there.",
                host=name,
                next_step="Add it to its site's `hosts` in the estate.",
            )
        if name not in self._host_access:
            self._pool.add(
                self._endpoint(self._hosts[name], _HYPERV),
                connect_timeout_s=_BRIEF_CONNECT_S if name in self._brief else None,
            )
            self._host_access[name] = HostAccess(
                name=name, pool=self._pool, limits=self._estate.limits
            )
        return self._host_access[name]

    def be_brief_with(self, hosts: Iterable[str]) -> None:
        """Wait for connections to those servers no longer than a living one needs.

        It is its kernel that takes a connection, within a round trip; twice one may be lost.
        """
        self._brief.update(hosts)

    def abandon(self, host: str) -> None:
        """Do not wait for that server any more, not even to leave it in order."""
        self._abandoned.add(host)

    def vmm(self, site: str) -> VmmAccess:
        """The VMM server of the site of that name.

        Raises:
            CredentialError: its password cannot be had.
        """
        if site not in self._vmm_access:
            server = self._estate.sites[site].vmm
            self._pool.add(self._endpoint(server, _VMM))
            self._vmm_access[site] = VmmAccess(
                name=server.name, pool=self._pool, limits=self._estate.limits
            )
        return self._vmm_access[site]

    def vmm_name(self, site: str) -> str:
        """The name of that server."""
        return self._estate.sites[site].vmm.name

    async def certificate(self, server: Server) -> CertificateView | None:
        """The TLS certificate that the server's WinRM shows; None if it speaks plain http.

        Raises:
            NotStartedError: it shows none.
        """
        listener = Endpoint(
            name=server.name,
            address=server.address or server.name,
            port=server.port,
            scheme="https" if server.https else "http",
            transport="kerberos",  # nobody logs on
        )
        limit_s = self._estate.limits.connect_timeout.total_seconds()
        expires_at = await asyncio.to_thread(certificate_expiry, listener, timeout_s=limit_s)
        return CertificateView(host=server.name, expires_at=expires_at) if expires_at else None

    def zone(self, target: str, zone: str) -> ZoneAccess:
        """One zone of the DNS target of that name.

        Raises:
            CredentialError: the key's secret cannot be had.
        """
        if (target, zone) not in self._zones:
            written = next(each for each in self._estate.dns if each.name == target)
            self._zones[target, zone] = self._zone_access(written, self._zone_target(written, zone))
        return self._zones[target, zone]

    def _zone_access(self, written: DnsTarget, target: ZoneTarget) -> ZoneAccess:
        limits = self._estate.limits
        if written.winrm is None:
            return ZoneAccess(
                UpdateWay(target),
                executor=self._dns_threads,
                look_executor=self._dns_threads,
                exchange_s=_UPDATES_S,
                verify_s=limits.dns_verify_timeout.total_seconds(),
                absent=self.absent,
            )
        name = written.winrm.name
        self._pool.add(self._endpoint(written.winrm, _DNS))
        return ZoneAccess(
            WindowsWay(
                target=target,
                lane=self._pool.lane(name, "act"),
                server=target.writable.name,
                scope=written.zone_scope,
            ),
            executor=self._pool.executor(name, "act"),
            # A scope is looked at through the lane as well, and a lane takes one call at a time.
            look_executor=self._pool.executor(name, "act")
            if written.zone_scope
            else self._dns_threads,
            exchange_s=limits.request_timeout.total_seconds(),
            verify_s=limits.dns_verify_timeout.total_seconds(),
            absent=self.absent,
        )

    def _zone_target(self, target: DnsTarget, zone: str) -> ZoneTarget:
        account = zone_account(self._estate, target)
        return ZoneTarget(
            zone=zone,
            servers=tuple(
                DnsServer(
                    name=each.name,
                    address=each.address or each.name,
                    port=each.port,
                    host=account.host_of(each.name, each.host) if account else "",
                )
                for each in target.servers
            ),
            key=zone_key(self._estate, self.secrets, target),
            for_tests=target.for_tests,
        )

    @property
    def survey_timeout_s(self) -> float:
        """How long a look at a whole site may take."""
        return self._estate.limits.survey_timeout.total_seconds()

    @property
    def requests_count(self) -> int:
        """WinRM requests sent so far, to all servers."""
        return self._pool.requests_count

    async def close(self) -> None:
        """Leave every server: no shell of ours stays open."""
        await asyncio.to_thread(self._pool.close, abandoned=self._abandoned)
        self._dns_threads.shutdown(cancel_futures=True)

    def _endpoint(self, server: Server, modules: tuple[str, ...]) -> Endpoint:
        try:
            account = self.secrets.account(server.credential)
        except CredentialError as error:
            raise CredentialError(
                f"{server.name} was not asked anything: {error.message}", next_step=error.next_step
            ) from error
        return Endpoint(
            name=server.name,
            address=server.address or server.name,
            port=server.port,
            scheme="https" if server.https else "http",
            transport=server.transport,
            username=account.username,
            password=account.password,
            ca_trust_path=server.ca,
            certificate_path=server.certificate,
            certificate_key_path=server.certificate_key,
            modules=modules,
        )
