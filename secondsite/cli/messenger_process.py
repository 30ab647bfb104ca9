"""The process that sends one message and ends: whatever a target does, it holds up nothing else.

It gets on its standard input what to send and the *name* of where the target's URL is kept, reads
that secret by itself, and prints one line of JSON: what came of it, never the secret.
"""

from __future__ import annotations

import sys
from typing import Literal

from pydantic import BaseModel

from secondsite.cli.block_reading import read_block
from secondsite.cli.services import api_url, use_prefect
from secondsite.connectors.messaging import Mood, send
from secondsite.errors import CredentialError, SecondsiteError, UnreachableError
from secondsite.home import home
from secondsite.plan.credentials import read_secret, url_words
from secondsite.plan.notifications import NotificationTarget

__all__ = ["Delivery", "Errand", "main"]


class Errand(BaseModel):
    """One message and its target."""

    target: NotificationTarget
    title: str
    text: str
    mood: Mood = "info"
    to: tuple[str, ...] = ()


class Delivery(BaseModel):
    """What came of one message: `unknown`: it may or may not have arrived."""

    state: Literal["sent", "failed", "unknown"]
    why: str = ""


def main() -> None:
    """Send what the standard input says."""
    try:
        _run(Errand.model_validate_json(sys.stdin.read()))
        answer = Delivery(state="sent")
    except SecondsiteError as error:
        answer = Delivery(state="failed", why=f"{error.message} {error.next_step}".strip())
    except Exception as error:
        # Not its words: what a library says of itself may hold the URL.
        answer = Delivery(state="failed", why=f"it ended with {type(error).__name__}")
    sys.stdout.write(answer.model_dump_json())


def _run(errand: Errand) -> None:
    target = errand.target
    if target.url is not None:
        what = url_words(target)
        url = read_secret(target.url, what=what, home=home(), block_reader=read_block)
        send(url, title=errand.title, text=errand.text, mood=errand.mood, to=errand.to)
    else:
        _through_block(target.block or "", errand)


def _through_block(block: str, errand: Errand) -> None:
    use_prefect(api_url())
    from flows.blocks import notify_through

    try:
        notify_through(block, title=errand.title, text=errand.text)
    except ValueError:
        raise CredentialError(
            f'Prefect has no notification block "{block}".',
            next_step="Make it in Prefect's UI, under Blocks.",
        ) from None
    except Exception as error:
        raise UnreachableError(
            f"Prefect's block {block} could not deliver it ({type(error).__name__})"
        ) from None


if __name__ == "__main__":
    main()
    sys.stdout.flush()
