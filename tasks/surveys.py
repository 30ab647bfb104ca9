"""Asking a whole site what it has; one dead server must not hide the rest."""

from __future__ import annotations

import asyncio
from collections.abc import (
    Awaitable,
    Callable,
    Collection,
    Coroutine,
    Iterable,
    Mapping,
    Sequence,
)
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from secondsite.connectors.base import HostSurvey, Inventory
from secondsite.connectors.standing import PlanStanding, stand
from secondsite.errors import NotStartedError, SecondsiteError, UnknownOutcomeError
from secondsite.plan.estate import Estate, Protection
from secondsite.plan.model import Plan
from tasks.connections import Sites

__all__ = [
    "SiteSurvey",
    "a_little_longer",
    "answers",
    "standing_in",
    "survey_briefly",
    "survey_site",
]

T = TypeVar("T")

_LEAST_PATIENCE_S = 3.0
_TIMES_SLOWER = 2.0
"""How much longer than the other site a site may take that is not given up."""
_PAUSE_S = 2.0
"""Before a server that did not answer is asked once more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteSurvey:
    """What one site showed.

    Attributes:
        inventory: VMM's; None if it was not asked or did not answer.
        silent: Hosts that did not answer.
        troubles: Why servers did not answer.
    """

    site: str
    surveys: tuple[HostSurvey, ...] = ()
    inventory: Inventory | None = None
    silent: tuple[str, ...] = ()
    troubles: tuple[SecondsiteError, ...] = ()


async def survey_site(
    sites: Sites,
    site: str,
    *,
    hosts: Iterable[str],
    with_vmm: bool = True,
    adapters_of: Sequence[str] = (),
    enough: Awaitable[object] | None = None,
) -> SiteSurvey:
    """Everything that the site's servers tell, all asked at the same time.

    A server whose answer did not come is asked once more: looking twice harms nobody. Who has not
    answered within the estate's `survey_timeout` counts as silent and is given up for good. With
    `enough` there is no second time, and it is over when that is. `adapters_of` names the VMs whose
    adapters VMM tells as well.
    """
    names = list(hosts)
    ask = _twice if enough is None else _once
    stop = asyncio.ensure_future(enough or asyncio.sleep(sites.survey_timeout_s))
    until = partial(_until, stop=stop, sites=sites)
    vmm = sites.vmm_name(site)
    surveyed, listed = await asyncio.gather(
        answers(until(ask(partial(_survey, sites, name)), server=name) for name in names),
        answers(
            [until(ask(partial(_list, sites, site, adapters_of)), server=vmm)] if with_vmm else []
        ),
    )
    stop.cancel()
    surveys = tuple(each for each in surveyed if isinstance(each, HostSurvey))
    answered = {each.host for each in surveys}
    return SiteSurvey(
        site=site,
        surveys=surveys,
        inventory=next((each for each in listed if isinstance(each, Inventory)), None),
        silent=tuple(name for name in names if name not in answered),
        troubles=tuple(each for each in (*surveyed, *listed) if isinstance(each, SecondsiteError)),
    )


async def survey_briefly(sites: Sites, estate: Estate, site: str) -> SiteSurvey:
    """What the hosts of the site show; one that is dead costs the connection limit, no more."""
    return await survey_site(
        sites,
        site,
        hosts=[host.name for host in estate.sites[site].hosts],
        with_vmm=False,
        enough=asyncio.sleep(estate.limits.connect_timeout.total_seconds()),
    )


def standing_in(
    plan: Plan,
    protection: Protection,
    *sides: SiteSurvey,
    holders: Mapping[str, Collection[str]] | None = None,
) -> PlanStanding:
    """Where every VM of `plan` stands, as `sides` showed it; `holders` as `stand` takes them."""
    return stand(
        plan,
        protection,
        surveys={each.site: each.surveys for each in sides},
        silent={each.site: each.silent for each in sides},
        holders=holders,
    )


async def a_little_longer(than: asyncio.Task[SiteSurvey], *, seconds: float) -> None:
    """A site that lives answers about as fast as the other one: a little later it is given up.

    `seconds` is the most that it is waited for then; less, if the other one was fast.
    """
    clock = asyncio.get_running_loop().time
    began = clock()
    await asyncio.wait({than})
    longer_s = max(_LEAST_PATIENCE_S, _TIMES_SLOWER * (clock() - began))
    await asyncio.sleep(min(longer_s, seconds))


async def answers(questions: Iterable[Awaitable[T]]) -> list[T | SecondsiteError]:
    """The answer to each question, or the error it met, errors last.

    Raises:
        BaseException: what is no error of ours.
    """
    given = await asyncio.gather(*questions, return_exceptions=True)
    wrong = [
        each
        for each in given
        if isinstance(each, BaseException) and not isinstance(each, SecondsiteError)
    ]
    if wrong:
        raise wrong[0]
    return [each for each in given if not isinstance(each, BaseException)] + [
        each for each in given if isinstance(each, SecondsiteError)
    ]


async def _survey(sites: Sites, host: str) -> HostSurvey:
    return await sites.host(host).survey()


async def _list(sites: Sites, site: str, adapters_of: Sequence[str]) -> Inventory:
    return await sites.vmm(site).inventory(adapters_of)


async def _once(look: Callable[[], Awaitable[T]]) -> T:
    return await look()


async def _twice(look: Callable[[], Awaitable[T]]) -> T:
    try:
        return await look()
    except (NotStartedError, UnknownOutcomeError):
        await asyncio.sleep(_PAUSE_S)
        return await look()


async def _until(
    question: Coroutine[object, object, T],
    *,
    stop: asyncio.Future[object],
    server: str,
    sites: Sites,
) -> T:
    asking = asyncio.create_task(question)
    either: set[asyncio.Future[Any]] = {asking, stop}
    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    if not asking.done():
        asking.cancel()
        sites.abandon(server)
        raise NotStartedError(
            f"{server} did not answer in time; it is not asked any more.",
            host=server,
            next_step="See whether that server lives and is reachable from here.",
        )
    return await asking
