"""The simulated world: sites, VMM servers, Hyper-V hosts, machines, guests, networks.

Pure Python without I/O, threads or waiting. `HyperVHost` and `VmmServer` have one method per
cmdlet; a refusal is a `LabRefusal` in Windows' words.
"""

from __future__ import annotations

from secondsite.lab.world.clock import LabClock
from secondsite.lab.world.cluster import Cluster, move_vm
from secondsite.lab.world.host import HostFacts, HyperVHost, ReplicationServer
from secondsite.lab.world.logical_network import LogicalNetwork, NetworkSite, VmSubnet, Wire
from secondsite.lab.world.machine import (
    Checkpoint,
    Done,
    Guest,
    Replication,
    Service,
    VirtualMachine,
)
from secondsite.lab.world.network import (
    AdapterAddresses,
    AddressPool,
    FailoverAddress,
    Grant,
    Network,
    NetworkAdapter,
    VirtualSwitch,
)
from secondsite.lab.world.pace import Pace
from secondsite.lab.world.refusal import LabRefusal
from secondsite.lab.world.replicating import ReplicationMeasure
from secondsite.lab.world.vmm import Cloud, VmmMachine, VmmServer
from secondsite.lab.world.world import Site, World

__all__ = [
    "AdapterAddresses",
    "AddressPool",
    "Checkpoint",
    "Cloud",
    "Cluster",
    "Done",
    "FailoverAddress",
    "Grant",
    "Guest",
    "HostFacts",
    "HyperVHost",
    "LabClock",
    "LabRefusal",
    "LogicalNetwork",
    "Network",
    "NetworkAdapter",
    "NetworkSite",
    "Pace",
    "Replication",
    "ReplicationMeasure",
    "ReplicationServer",
    "Service",
    "Site",
    "VirtualMachine",
    "VirtualSwitch",
    "VmSubnet",
    "VmmMachine",
    "VmmServer",
    "Wire",
    "World",
    "move_vm",
]
