"""What the run's page in Prefect shows: one Markdown artifact, at the end the report."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from uuid import UUID

from httpx import HTTPError
from prefect.artifacts import acreate_markdown_artifact
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import ArtifactUpdate
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.exceptions import PrefectHTTPStatusError

from secondsite.reports.markdown import progress_markdown, report_markdown
from secondsite.reports.shape import RunFacts
from secondsite.run.record import RunRecord

__all__ = ["Progress"]

_DESCRIPTION = "Progress per group and VM; at the end the report"
_EVERY_S = 2.0
_MOST_OF_TIME = 0.05
"""The part of the run's time that showing it may take: with many VMs it is shown less often."""


class Progress:
    """The run's artifact. A server that cannot be reached never holds up the run."""

    def __init__(self, record: Callable[[], RunRecord]) -> None:
        self._record = record
        self._artifact: UUID | None = None
        self._shown = ""

    async def follow(self) -> None:
        """Keep the artifact up to date until cancelled."""
        while True:
            began = time.monotonic()
            await self.show()
            took_s = time.monotonic() - began
            await asyncio.sleep(max(_EVERY_S, took_s / _MOST_OF_TIME))

    async def show(self) -> None:
        """Bring the artifact up to date now: before the process ends to wait for people."""
        # In a thread: drawing hundreds of VMs must not hold up the steps.
        await self._show(await asyncio.to_thread(progress_markdown, self._record()))

    async def finish(self, facts: RunFacts) -> None:
        """Put the report where the progress was."""
        await self._show(report_markdown(facts))

    async def _show(self, text: str) -> None:
        if text == self._shown:
            return
        try:
            artifact = self._artifact or await self._former()
            if artifact is None:
                artifact = await acreate_markdown_artifact(
                    markdown=text, key=self._key, description=_DESCRIPTION
                )
            else:
                async with get_client() as client:
                    await client.update_artifact(artifact, ArtifactUpdate(data=text))
        except (HTTPError, PrefectHTTPStatusError):
            return
        self._artifact, self._shown = artifact, text

    async def _former(self) -> UUID | None:
        """The artifact that an earlier process of this run has left: a run has one, not several."""
        async with get_client() as client:
            found = await client.read_artifacts(
                artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=[self._key]))
            )
        return found[0].id if found else None

    @property
    def _key(self) -> str:
        return _key(self._record().run_id)


def _key(run_id: str) -> str:
    """Artifact keys hold lower-case letters, digits and dashes only."""
    return "".join(letter if letter.isalnum() else "-" for letter in run_id.lower())
