"""Who is told what: targets of notifications, in the estate."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, Field, model_validator

from secondsite.plan.quantities import Duration
from secondsite.plan.secret_source import SecretSource
from secondsite.plan.written import Written

__all__ = ["NotificationTarget", "Topic"]

Name = Annotated[str, Field(min_length=1, max_length=100)]
Topic = Literal[
    "started",
    "gate",
    "reminder",
    "escalation",
    "decision",
    "lock",
    "failure",
    "interruption",
    "ended",
]
"""What a message is about. `lock`: wrong one-time codes have locked an approver."""
Kind = Literal["test", "planned", "unplanned", "cleanup", "commit", "undo", "reverse", "cancel"]

_BLOCK = re.compile(r"[a-z0-9-]+/[a-z0-9-]+")


def _block(text: str) -> str:
    if not _BLOCK.fullmatch(text):
        raise ValueError(
            f'"{text}" names no block of Prefect: write TYPE/NAME, as in slack-webhook/dr-channel'
        )
    return text


class NotificationTarget(Written):
    """One place to which messages go: a mailbox, a channel, a webhook.

    Attributes:
        name: Unique among the targets; journal and reports use it.
        url: Where its Apprise URL is kept (`mailtos://…`, `slack://…`, `msteams://…`, `jsons://…`):
            it holds passwords or tokens, so it never stands in this file.
        block: Instead of `url`: a notification block of the Prefect server, as `TYPE/NAME`.
        events: What it is told of; everything if absent. With `decision` also of `lock`: that wrong
            one-time codes have locked an approver.
        plans: Only runs of these plans; all if absent.
        kinds: Only runs of these kinds; all if absent.
        to_approvers: What is said about gates goes to the mail addresses (`contact`) of those who
            may decide, and not to the recipients of the URL, which is one of mail.
        timeout: After this long a message counts as not delivered.
    """

    name: Name
    url: SecretSource | None = None
    block: Annotated[str, AfterValidator(_block)] | None = None
    events: Annotated[tuple[Topic, ...], Field(min_length=1)] = get_args(Topic)
    plans: tuple[str, ...] = ()
    kinds: tuple[Kind, ...] = ()
    to_approvers: bool = False
    timeout: Duration = timedelta(seconds=30)

    @model_validator(mode="after")
    def _is_one(self) -> NotificationTarget:
        if (self.url is None) == (self.block is None):
            raise ValueError(
                "a target has exactly one way: write url: {file: PATH}, or block: TYPE/NAME"
            )
        if self.to_approvers and self.url is None:
            raise ValueError("to_approvers needs a url of mail: write url: {file: PATH}")
        return self

    def wants(self, *, topic: str, plan: str, kind: str) -> bool:
        """Whether it is told of that."""
        return (
            (topic in self.events or (topic == "lock" and "decision" in self.events))
            and (not self.plans or plan in self.plans)
            and (not self.kinds or kind in self.kinds)
        )
