"""The estate as a frozen model: sites, servers, credentials by name, protections, DNS targets."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import IPv4Address, IPv6Address
from typing import Annotated, Literal

from pydantic import Field

from secondsite.plan.dns_rules import DnsPolicy, DnsRule
from secondsite.plan.hooks import Direction
from secondsite.plan.kerberos import KerberosAccount
from secondsite.plan.logical_network import Isolation, LogicalNetwork
from secondsite.plan.notifications import NotificationTarget
from secondsite.plan.prefect_server import PrefectServer
from secondsite.plan.quantities import AnySubnet, DnsName, Duration, Subnet
from secondsite.plan.secret_source import SecretSource
from secondsite.plan.written import FrozenDict, FrozenMapping, Written

__all__ = [
    "Approver",
    "Credential",
    "DnsTarget",
    "Estate",
    "Limits",
    "NameServer",
    "Network",
    "Protection",
    "SecretSource",
    "Server",
    "Site",
    "Subnet",
    "TsigKey",
]

Name = Annotated[str, Field(min_length=1, max_length=255)]
Port = Annotated[int, Field(ge=1, le=65535)]


class Credential(Written):
    r"""An account by name.

    Attributes:
        username: As the servers know it: `CORP\operator` or `operator@corp.example`.
        password: Where its password is kept.
    """

    username: Name
    password: SecretSource


class Server(Written):
    """A Windows server that is reached over WinRM (a VMM server or a Hyper-V host).

    Attributes:
        name: Its name, as VMM and reports use it.
        address: What to connect to; `name` if absent. An estate with `lab:` gets it from the lab.
        port: WinRM's port; 5986 with HTTPS and 5985 without, if absent.
        https: Whether WinRM is spoken over TLS.
        ca: Path of the certificate authority to trust; the system's ones if absent.
        transport: How the account proves itself.
        certificate: Path of the account's certificate (PEM), for the transport `certificate`.
        certificate_key: Path of its key (PEM).
        credential: Name of the account, from `credentials`.
    """

    name: Name
    address: Name | None = None
    port: Port | None = None
    https: bool = True
    ca: str | None = None
    transport: Literal["kerberos", "ntlm", "credssp", "certificate", "basic"] = "kerberos"
    certificate: str | None = None
    certificate_key: str | None = None
    credential: Name


class Network(Written):
    """A VM network of a site, and the virtual switch that carries it on every host of the site.

    Attributes:
        name: The VM network's name in VMM.
        isolation: What keeps it apart from others on its switch: `none`, `vlan`, or `virtual`
            (Windows Network Virtualization: only VMM can connect adapters to it). If absent, `vlan`
            says it.
        switch: Name of the virtual switch. A `virtual` network has none here: VMM finds the switch
            of each host by the logical network.
        vlan: VLAN of the adapters; untagged if absent.
        subnets: Its subnets, IPv4 and IPv6.
        gateways: Default gateways for the guests: at most one in each of `subnets`. Subnet rules
            hand them out with the addresses.
        dns: Name servers for the guests, handed out likewise; the first two of each family.
        purpose: `test` networks are isolated; `production` ones are never given to test VMs.
        masquerade: Subnets of the same sizes, in the order of `subnets`, under which the engine
            reaches the guests: for isolated networks behind an address-translating router.
        logical_network: The logical network that it is of, where `logical_networks` describes it.
    """

    name: Name
    isolation: Isolation | None = None
    switch: Annotated[str, Field(max_length=255)] = ""
    vlan: Annotated[int, Field(ge=1, le=4094)] | None = None
    subnets: tuple[AnySubnet, ...] = ()
    gateways: tuple[IPv4Address | IPv6Address, ...] = ()
    dns: tuple[IPv4Address | IPv6Address, ...] = ()
    purpose: Literal["production", "test"] = "production"
    masquerade: tuple[AnySubnet, ...] = ()
    logical_network: Name | None = None

    @property
    def is_virtual(self) -> bool:
        """Whether Windows Network Virtualization isolates it: then VMM connects adapters to it."""
        return self.isolation == "virtual"


class Site(Written):
    """One data centre.

    Attributes:
        vmm: Its VMM server.
        hosts: Its Hyper-V hosts.
        clouds: Names of its VMM clouds.
        networks: Its VM networks.
        logical_networks: Logical networks of VMM, as far as tests make networks of them.
        replica_broker: Name of the Hyper-V Replica Broker, where the hosts are a cluster: the
            server that replication is pointed at.
    """

    vmm: Server
    hosts: Annotated[tuple[Server, ...], Field(min_length=1)]
    clouds: tuple[Name, ...] = ()
    networks: tuple[Network, ...] = ()
    logical_networks: tuple[LogicalNetwork, ...] = ()
    replica_broker: Name | None = None

    def network(self, name: str) -> Network | None:
        """The network of that name, whatever its case."""
        wanted = name.casefold()
        return next((each for each in self.networks if each.name.casefold() == wanted), None)

    def logical_network(self, name: str) -> LogicalNetwork | None:
        """The logical network of that name, whatever its case."""
        wanted = name.casefold()
        return next(
            (each for each in self.logical_networks if each.name.casefold() == wanted), None
        )

    @property
    def servers(self) -> tuple[Server, ...]:
        """The VMM server and the hosts."""
        return (self.vmm, *self.hosts)


class TsigKey(Written):
    """A shared key that DNS servers know.

    Attributes:
        name: The key's name, as the servers know it.
        algorithm: Its algorithm, as the servers know it.
        secret: Where the secret (base64) is kept.
    """

    name: Name
    algorithm: Literal["hmac-sha256", "hmac-sha384", "hmac-sha512", "hmac-sha1"] = "hmac-sha256"
    secret: SecretSource


class NameServer(Written):
    """One authoritative DNS server.

    Attributes:
        name: Its name in reports.
        address: What to ask: an address, because names may be what is being repaired. An estate
            with `lab:` gets it from the lab.
        port: DNS port.
        host: Its full host name, by which Kerberos knows it; `name` in the realm if absent. It is
            never looked up.
        site: The site where it stands. An unplanned failover does without the servers of the site
            that is left, and without those that do not say, if they do not answer.
    """

    name: Name
    address: Name | None = None
    port: Port = 53
    host: DnsName | None = None
    site: str | None = None


class DnsTarget(Written):
    """Zones on a set of servers, with the key that may change them.

    Attributes:
        name: Unique among the targets; reports use it.
        zones: The zones that are written there; for PTR records also reverse zones.
        servers: The authoritative servers; the first takes the changes, all are read back.
        key: Name of the key that may change the zones, from `keys`.
        kerberos: Name of the Kerberos account that may change them, instead of a key: for zones of
            Active Directory that take secure updates only.
        winrm: The first server as a Windows server, reached over WinRM: its own cmdlets change the
            zones then, instead of DNS updates; no key is needed.
        zone_scope: With `winrm`: the zone scope that is changed, instead of the zone's own content.
        for_tests: Only such targets are written to by test failovers, and by them alone.
        stands_for: Production zone → the zone here that takes its place in test failovers. A zone
            that is not named here stands for itself.
        site: The site whose servers these are; those of the recovery site are written first.
    """

    name: Name
    zones: Annotated[tuple[DnsName, ...], Field(min_length=1)]
    servers: Annotated[tuple[NameServer, ...], Field(min_length=1)]
    key: str | None = None
    kerberos: str | None = None
    winrm: Server | None = None
    zone_scope: Name | None = None
    for_tests: bool = False
    stands_for: FrozenMapping[DnsName, DnsName] = FrozenDict()
    site: str | None = None

    def site_of(self, server: NameServer) -> str | None:
        """Where that server stands: the one that takes the changes where the target belongs."""
        if server.site is None and server.name == self.servers[0].name:
            return self.site
        return server.site


class Protection(Written):
    """A pairing of a primary cloud and a recovery cloud.

    Attributes:
        name: Unique among the protections; plans name it.
        primary: The site where the VMs run normally.
        recovery: The site to which they replicate.
        primary_cloud: Their VMM cloud in the primary site.
        recovery_cloud: Their VMM cloud in the recovery site.
        networks: VM network of the primary site → VM network of the recovery site. An adapter whose
            network is not named here is not connected over there. The first one is for VMs whose
            network nobody has ever seen, because their site was gone before the first run.
        test_network: VM network of the recovery site to which test VMs are connected, unless the
            run says otherwise.
        test_networks: VM network of the recovery site → the one that takes its place in tests, for
            those whose adapters do not belong into `test_network`.
        test_logical_network: Logical network of the recovery site of which a test makes networks
            for itself (`created`); if absent, that of the network which they take the place of.
        storage: Storage classification of the primary site → that of the recovery site.
        subnets: Subnet of the primary site → subnet of the recovery site, of the same size. An
            adapter without an address rule in the plan whose address is in the one gets a static
            address in the other, with the same host part; on the way back likewise.
        dns_rules: Names by rule for the VMs of this protection, instead of those of `dns_policy`.
        guest_credential: Name of the account inside its VMs, from `credentials`, for scripts that
            run on `guest:<vm>` and name no other.
    """

    name: Name
    primary: Name
    recovery: Name
    primary_cloud: Name
    recovery_cloud: Name
    networks: FrozenMapping[str, str] = FrozenDict()
    test_network: str | None = None
    test_networks: FrozenMapping[str, str] = FrozenDict()
    test_logical_network: str | None = None
    storage: FrozenMapping[str, str] = FrozenDict()
    subnets: FrozenMapping[str, str] = FrozenDict()
    dns_rules: tuple[DnsRule, ...] = ()
    guest_credential: str | None = None

    def site_names(self, direction: Direction) -> tuple[str, str]:
        """(source site, target site) of a failover in that direction."""
        if direction is Direction.FORWARD:
            return self.primary, self.recovery
        return self.recovery, self.primary


class Approver(Written):
    """Somebody who may decide at gates: a person, or a role that people take in turn.

    Attributes:
        name: As plans write it under `approvers`; people decide under this name.
        contact: Where to reach them: a mail address, a telephone number, a channel.
        totp: Name of the credential whose password is their secret for one-time codes (TOTP, in
            base32, as authenticator apps show it). With one, no decision under this name counts
            without a valid code.
        accounts: Names under which they start runs (`tanaka@dr-engine-1`), for gates with
            `separation`, where these differ from `name`.
    """

    name: Annotated[str, Field(min_length=1, max_length=100)]
    contact: str = ""
    totp: str | None = None
    accounts: tuple[Name, ...] = ()


class Limits(Written):
    """Bounds on what the engine asks of the sites.

    Attributes:
        connect_timeout: For one connection to a server.
        request_timeout: For one request to a server.
        survey_timeout: For a look at a whole site, before a run or in a check: whoever has not
            answered by then counts as silent.
        dns_verify_timeout: Until every DNS server shows a change.
        address_timeout: Until a booted VM shows a usable address.
        poll_interval: Between two looks at the same thing.
        source_site_timeout: Unplanned failovers: for everything that is asked of the site that is
            left, at each point where it is asked at all. After that the failover goes on without.
        copy_timeout: For the copy of one VM when its replication is reversed.
    """

    connect_timeout: Duration = timedelta(seconds=10)
    request_timeout: Duration = timedelta(minutes=5)
    survey_timeout: Duration = timedelta(minutes=2)
    dns_verify_timeout: Duration = timedelta(seconds=60)
    address_timeout: Duration = timedelta(minutes=5)
    poll_interval: Duration = timedelta(seconds=2)
    source_site_timeout: Duration = timedelta(minutes=2)
    copy_timeout: Duration = timedelta(hours=12)


class Estate(Written):
    """Everything that is managed.

    Attributes:
        lab: Name of the lab whose running simulation provides the servers' addresses; absent for
            real sites.
        credentials: Accounts by name.
        keys: Keys for DNS changes.
        kerberos: Kerberos accounts for DNS changes.
        sites: The sites by name.
        dns: Where DNS records are kept.
        dns_policy: Names by rule, and how carefully DNS is changed.
        protections: What replicates where.
        approvers: Who may decide at gates. Without any, a plan may name whom it likes.
        approver_lock: How long nobody can decide under an approver's name after five wrong
            one-time codes in a row.
        notifications: Who is told what happens to runs.
        prefect: The Prefect server that shows and schedules them.
        separation: Whether whoever started a run does not count at its gates; a gate may say
            otherwise.
        remind_every: How often people who are asked about a gate or a failed step are reminded;
            never, if absent. A gate may say otherwise.
        limits: Bounds on what the engine asks of the sites.
        addresses_from: Whose word counts about the addresses of a VM that has started: the guest's
            (through its integration services), or VMM's. Both are asked, and it is reported where
            they disagree.
        resume_by_itself: Whether a run whose engine died is taken up again without being asked, at
            most three times.
        retention: How long the journal keeps every run after its end, at the least; nothing younger
            can be removed (`secondsite runs prune`).
    """

    lab: str | None = None
    credentials: FrozenMapping[str, Credential] = FrozenDict()
    keys: tuple[TsigKey, ...] = ()
    kerberos: tuple[KerberosAccount, ...] = ()
    sites: Annotated[FrozenMapping[str, Site], Field(min_length=1)]
    dns: tuple[DnsTarget, ...] = ()
    dns_policy: DnsPolicy = DnsPolicy()
    protections: tuple[Protection, ...] = ()
    approvers: tuple[Approver, ...] = ()
    approver_lock: Duration = timedelta(minutes=15)
    notifications: tuple[NotificationTarget, ...] = ()
    prefect: PrefectServer = PrefectServer()
    separation: bool = False
    remind_every: Duration | None = None
    limits: Limits = Limits()
    addresses_from: Literal["guest", "vmm"] = "guest"
    resume_by_itself: bool = False
    retention: Duration = timedelta(days=730)

    def protection(self, name: str) -> Protection | None:
        """The protection of that name."""
        return next((each for each in self.protections if each.name == name), None)

    def approver(self, name: str) -> Approver | None:
        """The approver of that name, whatever its case."""
        wanted = name.strip().casefold()
        return next((each for each in self.approvers if each.name.casefold() == wanted), None)

    def key(self, name: str) -> TsigKey | None:
        """The DNS key of that name."""
        return next((each for each in self.keys if each.name == name), None)
