"""DNS servers that a run does without: those that may have gone with the site that it leaves.

An unplanned failover needs nothing of that site. Names are changed and read back wherever a server
answers; what a dead one still says of them is told, and holds nothing up.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from secondsite.connectors.dns import Finding, Severity, Verification
from secondsite.plan.estate import DnsTarget, Estate

__all__ = ["Absent"]


class Absent:
    """Who may be gone, and who is.

    Attributes:
        expendable: Names of servers that may be gone.
        gone: Of those, the ones that are not asked (any more).
    """

    def __init__(self) -> None:
        self.expendable: frozenset[str] = frozenset()
        self.gone: set[str] = set()
        self._news: list[str] = []

    def expect(self, estate: Estate, *, site: str, asks_nothing: bool) -> None:
        """The run leaves `site`, which may be gone; with `asks_nothing` it is left alone."""
        placed = [
            (each.name, target.site_of(each)) for target in estate.dns for each in target.servers
        ]
        self.expendable = frozenset(name for name, where in placed if where in {None, site})
        if asks_nothing:
            self.gone |= {name for name, where in placed if where == site}

    def lacks(self, target: DnsTarget) -> bool:
        """Whether the server that takes the changes of `target` is gone."""
        return target.servers[0].name in self.gone

    def excuse(self, seen: Sequence[Verification]) -> list[Verification]:
        """What was seen, without the servers that may be gone and did not answer."""
        for server in {name for each in seen for name in each.unreachable()} & self.expendable:
            self._lose(server, "it did not answer")
        return [each.without(self.gone) for each in seen]

    def is_without(self, server: str, why: str) -> bool:
        """Whether that server, which did not answer, may be gone: it is not asked any more then."""
        if server in self.expendable:
            self._lose(server, why.rstrip("."))
        return server in self.gone

    def weigh(self, findings: Iterable[Finding]) -> list[Finding]:
        """Those findings; a server that may be gone, and is, speaks against nothing."""
        return [
            self._weighed(each) if each.is_away and each.server in self.expendable else each
            for each in findings
        ]

    def news(self) -> list[str]:
        """What has to be told; each once."""
        told, self._news = self._news, []
        return told

    def _weighed(self, finding: Finding) -> Finding:
        self._lose(finding.server, finding.sentence.rstrip("."))
        return replace(finding, severity=Severity.WARNING)

    def _lose(self, server: str, why: str) -> None:
        if server in self.gone:
            return
        self.gone.add(server)
        self._news.append(
            f"{server} is given up for this run: {why}. The plan's names are neither changed nor "
            "read back there: look at them when it is back."
        )
