"""Random but valid things: plans, and ways for a run to go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from secondsite.plan.model import Plan

__all__ = ["detailed_plans", "plans"]

_WORD = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=6)
_NAME = st.one_of(
    _WORD,
    _WORD.map(lambda word: f"{word} app"),
    st.sampled_from(
        ["failover", "shutdown", "begin", "before", "a/b", "a%2Fb", "cleanup", "DC 01"]
    ),
)
_KINDS = st.lists(
    st.sampled_from(["test", "planned", "unplanned"]), min_size=1, max_size=3, unique=True
)
_DIRECTIONS = st.lists(st.sampled_from(["forward", "back"]), min_size=1, max_size=2, unique=True)


def _hooks(places: Sequence[str]) -> st.SearchStrategy[list[dict[str, Any]]]:
    limits = {"kinds": _KINDS, "directions": _DIRECTIONS}
    script = st.fixed_dictionaries(
        {"script": _WORD.map("scripts/{}.ps1".format), "on": st.sampled_from(places)},
        optional={**limits, "on_error": st.sampled_from(["stop", "continue", "ask"])},
    )
    gate = st.fixed_dictionaries({"gate": _WORD}, optional=limits)
    return st.lists(st.one_of(script, gate), max_size=2)


@st.composite
def plans(draw: st.DrawFn, *, max_vms: int = 12) -> Plan:
    """A valid plan: VMs depend on VMs of their own or an earlier group, never in a circle."""
    names = draw(st.lists(_NAME, unique_by=str.casefold, max_size=max_vms))
    group_names = draw(st.lists(_NAME, unique_by=str.casefold, min_size=1, max_size=4))
    group_of = {name: draw(st.sampled_from(range(len(group_names)))) for name in names}
    hooks = _hooks(["primary", "recovery", "engine"])
    groups: list[dict[str, Any]] = []
    before: list[str] = []
    for index, group in enumerate(group_names):
        vms = []
        for name in (name for name in names if group_of[name] == index):
            depends_on = (
                draw(st.lists(st.sampled_from(before), unique=True, max_size=2)) if before else []
            )
            vm: dict[str, Any] = {"name": name, "depends_on": depends_on}
            if draw(st.booleans()):
                vm["dns"] = [{"name": f"vm{len(before)}.corp.example", "zone": "corp.example"}]
            if draw(st.integers(0, 4)) == 0:
                vm |= {"before": draw(hooks), "after": draw(hooks)}
            vms.append(vm)
            before.append(name)
        # The order in which a person lists the VMs of a group says nothing about who needs whom.
        groups.append(
            {
                "name": group,
                "before": draw(hooks),
                "vms": draw(st.permutations(vms)),
                "after": draw(hooks),
            }
        )
    return Plan.model_validate(
        {
            "name": "random",
            "protection": "tokyo-osaka",
            "shutdown": {"before": draw(hooks), "after": draw(hooks)},
            "failover": {"before": draw(hooks), "after": draw(hooks)},
            "groups": groups,
        }
    )


_SECONDS = st.integers(1, 90_000).map("{}s".format)
_TEXT = st.text(max_size=40)
_ADDRESSES = st.one_of(
    st.sampled_from(["pool", "dhcp", "keep"]),
    st.fixed_dictionaries(
        {"ipv4": st.integers(2, 254).map("10.2.0.{}/24".format)},
        optional={
            "gateway": st.just("10.2.0.1"),
            "ipv6": st.integers(2, 9999).map("2001:db8:2::{}/64".format),
            "dns": st.lists(st.sampled_from(["10.2.0.10", "2001:db8:2::10"]), max_size=2),
            "adapter": st.just("Network Adapter"),
        },
    ),
)
_WORDS_OF_RULES = st.sampled_from(["pool", "dhcp", "keep"])
_PROBES = st.lists(
    st.one_of(
        st.just("heartbeat"),
        st.integers(1, 65535).map(lambda port: {"tcp": port}),
        st.sampled_from(["http://{address}:8080/", "https://web.corp.example/health?x=1"]).map(
            lambda url: {"http": url}
        ),
    ),
    min_size=1,
    max_size=3,
)


@st.composite
def detailed_plans(draw: st.DrawFn) -> Plan:
    """A valid plan in which much of what can be written is written."""
    data = draw(plans(max_vms=5)).model_dump(mode="json")
    data["description"] = draw(_TEXT)
    data["objectives"] = draw(
        st.fixed_dictionaries({}, optional={"rto": _SECONDS, "rpo": _SECONDS})
    )
    for group in data["groups"]:
        for hook in (*group["before"], *group["after"]):
            hook["timeout"] = draw(_SECONDS)
            if "gate" in hook:
                hook |= {"instructions": draw(_TEXT), "approvers": draw(st.lists(_WORD))}
            else:
                values = st.one_of(_TEXT, st.integers(), st.booleans(), st.lists(_TEXT, max_size=2))
                hook["arguments"] = draw(st.dictionaries(_WORD, values, max_size=3))
        for vm in group["vms"]:
            vm |= {
                "ready": draw(_PROBES),
                "address": draw(st.none() | _ADDRESSES),
                "adapters": draw(st.dictionaries(_WORD, _WORDS_OF_RULES, max_size=2)),
                "boot_timeout": draw(_SECONDS),
                "turn_off_if_stuck": draw(st.booleans()),
            }
            for record in vm["dns"]:
                record |= {"ttl": draw(st.one_of(st.none(), _SECONDS)), "ptr": draw(st.booleans())}
    return Plan.model_validate(data)
