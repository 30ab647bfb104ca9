"""People are told, once per target, by real mail and real webhooks, and no secret gets out."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest

from secondsite.cli.notifying import Notifier
from secondsite.plan.estate import Approver, Estate
from secondsite.plan.notifications import NotificationTarget
from secondsite.plan.prefect_server import PrefectServer
from secondsite.plan.secret_source import SecretSource
from secondsite.run.events import (
    Asked,
    CodeGiven,
    Decided,
    Decision,
    ErrorFact,
    JournalEvent,
    Notified,
    RunAttached,
    RunEnded,
    StepIntent,
    StepOutcome,
)
from secondsite.run.journal import Journal
from tests.mailserver import MailServer, mail_server
from tests.receivers import Webhook, silent_port, webhook
from tests.run.story import created

pytestmark = pytest.mark.integration

RUN = "shop-test-1-aaaa"
FLOW_RUN = "0b9f3c8e-5f8f-4d1c-9d43-2b1f0d6a7c11"
PASSWORD = "Pl4nted-mail-passw0rd"
TOKEN = "Pl4nted-webhook-t0ken"
GATE = "db/before/storage"


class Post:
    """An estate whose targets really exist, and a journal of one run."""

    def __init__(self, folder: Path, mail: MailServer, hook: Webhook) -> None:
        self.folder, self.mail, self.hook = folder, mail, hook
        self.now = datetime.now(UTC)
        self.url = f"sqlite:///{folder}/journal.db"
        self.said: list[str] = []
        self.targets: list[NotificationTarget] = []
        self.tell(
            created(RUN, at=self.now, requested_by="tanaka"),
            RunAttached(at=self.now, holder="engine:1", flow_run=FLOW_RUN),
        )

    def target(self, name: str, url: str, **facts: Any) -> None:
        file = self.folder / name
        file.write_text(url)
        file.chmod(0o600)
        source = SecretSource(file=str(file))
        self.targets.append(NotificationTarget(name=name, url=source, **facts))

    def mail_target(self, *, password: str = PASSWORD, to: str = "ops", **facts: Any) -> None:
        port = self.mail.port
        to = f"from=dr@corp.example&to={to}@corp.example"
        self.target("mail", f"mailto://engine:{password}@127.0.0.1:{port}?{to}", **facts)

    def hook_target(self, name: str = "hook", **facts: Any) -> None:
        self.target(name, f"json://127.0.0.1:{self.hook.port}/{TOKEN}", **facts)

    @property
    def estate(self) -> Estate:
        return Estate.model_construct(
            sites={},
            notifications=tuple(self.targets),
            prefect=PrefectServer(ui="https://dr.corp.example"),
            approvers=(Approver(name="aiko", contact="aiko@corp.example"),),
        )

    def open(self) -> Journal:
        return Journal.open(self.url)

    def tell(self, *events: JournalEvent) -> None:
        with self.open() as journal:
            journal.append(RUN, *events)

    def notifier(self) -> Notifier:
        return Notifier(self.open, say=self.said.append, now=lambda: self.now)

    def look(self, notifier: Notifier | None = None) -> None:
        teller = notifier or self.notifier()
        with self.open() as journal:
            teller.look(journal, self.estate)
        teller.wait()

    @property
    def told(self) -> list[Notified]:
        with self.open() as journal:
            events = [entry.event for entry in journal.read(RUN)]
            assert journal.verify().is_whole
        return [event for event in events if isinstance(event, Notified)]

    @property
    def states(self) -> list[tuple[str, str]]:
        return [(each.target, each.state) for each in self.told]

    def ask(self) -> None:
        self.tell(
            StepIntent(at=self.now, step="preflight"),
            StepOutcome(at=self.now, step="preflight", state="done"),
            Asked(
                at=self.now,
                step=GATE,
                title="Storage released",
                approvers=("aiko",),
                deadline_at=datetime(2030, 1, 2, 3, 4, tzinfo=UTC),
                with_code=("aiko",),
            ),
        )


@pytest.fixture
def post(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Post]:
    monkeypatch.setenv("SECONDSITE_HOME", str(tmp_path))
    with mail_server(tmp_path, user="engine", password=PASSWORD) as mail, webhook() as hook:
        yield Post(tmp_path, mail, hook)


def test_a_gate_is_told_with_who_may_decide_until_when_how_and_where(post: Post) -> None:
    post.mail_target(events=("gate",))
    post.hook_target(events=("gate",))
    post.ask()

    post.look()

    [mail], [message] = post.mail.taken, post.hook.taken
    assert mail.recipients == ("ops@corp.example",)
    assert mail.subject == message["title"] == "shop: Storage released: waits for a decision"
    for text in (mail.text, message["message"]):
        assert 'Test failover of shop waits at the gate "Storage released".' in text
        assert "May decide until 2030-01-02 03:04 UTC: aiko." in text
        assert "With a one-time code (--code): aiko." in text
        assert f"secondsite approve {RUN} {GATE} --as NAME" in text
        assert f"https://dr.corp.example/runs/flow-run/{FLOW_RUN}" in text
    assert post.hook.paths == [f"/{TOKEN}"]


def test_approvers_get_the_mail_about_their_gate_themselves(post: Post) -> None:
    post.mail_target(events=("gate", "started"), to_approvers=True)
    post.ask()

    post.look()

    assert [mail.recipients for mail in post.mail.taken] == [
        ("ops@corp.example",),
        ("aiko@corp.example",),
    ]


def test_an_approver_who_is_locked_gets_the_mail_about_it_and_operators_do(post: Post) -> None:
    post.mail_target(events=("lock",), to_approvers=True)
    post.hook_target(events=("decision",))
    post.ask()
    wrong = CodeGiven(at=post.now, by="aiko", via="ui", step=GATE)
    until = post.now + timedelta(minutes=15)
    post.tell(*[wrong] * 4)
    post.look()
    before = [*post.mail.taken, *post.hook.taken]

    post.tell(CodeGiven(at=post.now, by="aiko", via="ui", step=GATE, locked_until=until))
    post.look()
    post.look()

    [mail], [message] = post.mail.taken, post.hook.taken
    assert before == []
    assert mail.recipients == ("aiko@corp.example",)
    assert mail.subject == message["title"] == "shop: aiko is locked by wrong one-time codes"
    assert "Was it not aiko?" in mail.text


def test_each_message_goes_out_once_however_often_the_watch_is_started(post: Post) -> None:
    post.hook_target()
    post.hook_target("other", events=("started",))
    post.look()
    first = [each["title"] for each in post.hook.taken]

    post.look()  # another process: it knows nothing but the journal
    post.tell(RunEnded(at=post.now, state="failed", summary="It failed."))
    post.look()
    post.look()

    assert first == ["shop: test failover started"] * 2
    titles = [each["title"] for each in post.hook.taken]
    assert titles == [*first, "shop: test failover failed"]
    assert sorted(post.states) == sorted(
        [("hook", "sending"), ("hook", "sent")] * 2 + [("other", "sending"), ("other", "sent")]
    )


def test_two_watches_at_once_send_one_message(post: Post) -> None:
    post.hook_target()
    one, two = post.notifier(), post.notifier()

    with post.open() as journal:
        one.look(journal, post.estate)
        two.look(journal, post.estate)
    one.wait()
    two.wait()

    assert len(post.hook.taken) == 1


def test_what_a_dead_process_was_sending_is_not_sent_again_and_noted(post: Post) -> None:
    post.hook_target()
    post.tell(Notified(at=post.now, target="hook", topic="started", about=(1,), state="sending"))

    teller = post.notifier()
    post.look(teller)
    before = post.states
    post.now += timedelta(minutes=2)
    post.look(teller)
    post.look(teller)

    assert post.hook.taken == []
    assert before == [("hook", "sending")]
    assert post.states == [("hook", "sending"), ("hook", "unknown")]
    assert "may or may not have arrived" in post.told[-1].why


def test_targets_that_refuse_or_keep_silent_hold_nothing_up_and_are_journalled(
    post: Post,
) -> None:
    post.mail_target(to="nobody")
    post.hook_target("broken")
    post.hook.status = 500
    with silent_port() as port, webhook() as good:
        post.target("silent", f"json://127.0.0.1:{port}/{TOKEN}?rto=30", timeout="4s")
        post.target("good", f"json://127.0.0.1:{good.port}/x")
        teller = post.notifier()

        began = time.monotonic()
        with post.open() as journal:
            teller.look(journal, post.estate)
        took_s = time.monotonic() - began
        teller.wait()

        assert [each["title"] for each in good.taken] == ["shop: test failover started"]

    why = {each.target: (each.state, each.why) for each in post.told if each.state != "sending"}
    assert took_s < 2, "a look sends nothing itself"
    assert why["mail"][0] == "failed"
    assert "failed" in why["mail"][1]
    assert why["broken"][0] == "failed"
    assert "error=500" in why["broken"][1]
    assert why["silent"] == (
        "unknown",
        "no answer within 4 s; it may or may not have arrived",
    )
    assert why["good"] == ("sent", "")
    assert len(post.said) == 3


def test_no_secret_of_a_target_gets_into_journal_log_or_process_list(
    post: Post, capfd: pytest.CaptureFixture[str]
) -> None:
    post.mail_target(password=f"wrong-{PASSWORD}")
    post.hook_target()
    post.target("unknown", f"nonsense://{TOKEN}@host/")
    post.hook.status = 403
    post.hook.answers.clear()
    teller = post.notifier()

    with post.open() as journal:
        teller.look(journal, post.estate)
    until = time.monotonic() + 30
    while not post.hook.paths and time.monotonic() < until:
        time.sleep(0.02)
    listed = [" ".join(each.info["cmdline"] or ()) for each in psutil.process_iter(["cmdline"])]
    post.hook.answers.set()
    teller.wait()

    assert post.hook.paths == [f"/{TOKEN}"], "the message was under way"
    assert any("messenger_process" in each for each in listed)
    states = {each.target: each.state for each in post.told}
    assert states == {"mail": "failed", "hook": "failed", "unknown": "failed"}
    database = sqlite3.connect(post.folder / "journal.db")
    bodies = [row[0] for row in database.execute("SELECT body FROM journal_events")]
    database.close()
    output = capfd.readouterr()
    everything = "\n".join([*listed, *bodies, *post.said, output.out, output.err])
    assert PASSWORD not in everything
    assert TOKEN not in everything


def test_a_failed_step_is_told_with_what_is_asked_and_the_decision_too(post: Post) -> None:
    post.hook_target(events=("failure", "decision"))
    error = ErrorFact(kind="x", message="sql01 is stuck.", next="Look at it. token=abc123")
    post.tell(
        StepIntent(at=post.now, step="preflight"),
        StepOutcome(at=post.now, step="preflight", state="failed", error=error),
        Asked(at=post.now, step="preflight", about="failure"),
    )
    teller = post.notifier()
    post.look(teller)
    post.tell(Decided(at=post.now, step="preflight", decision=Decision.RETRY, by="aiko", via="ui"))
    post.look(teller)

    failure, decision = post.hook.taken
    assert failure["type"] == "failure"
    assert failure["title"] == "shop: failed: preflight"
    assert "a step failed, and the run waits for a decision." in failure["message"]
    assert "- preflight: sql01 is stuck. Look at it. token=(withheld)" in failure["message"]
    assert f"secondsite retry {RUN} STEP --as NAME" in failure["message"]
    assert "retry for preflight, by aiko (ui)." in decision["message"]
